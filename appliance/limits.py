"""
How often somebody may be wrong: pure counting on a monotonic clock, in memory.

Only wrong tries count. A whole hall may sit behind one address, so an address has a large budget of its own; what
slows a guesser down is the back-off of the account. A restart forgets everything, which costs a guesser more time than
it gives.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from appliance.errors import TooManyTries

Clock = Callable[[], float]

FREE_TRIES = 5
"""Wrong passwords for one account from one address before anybody has to wait."""
FREE_TRIES_ANYWHERE = 30
"""The same over all addresses: higher, so that one phone cannot lock an operator's laptop out."""
LONGEST_WAIT_S = 30.0
"""The most a back-off reaches: somebody who tries on purpose must not keep an operator away from a race."""
ADDRESS_BUDGET = 300
ADDRESS_REFILL_PER_S = 0.5
"""Wrong tries per address: a thousand phones behind one router may mistype; a guesser gets 43,000 tries a day."""
REMEMBERED = 10_000
"""Keys kept; the one longest unused goes first, so memory stays under some MB."""


@dataclass(slots=True)
class _Failures:
    count: int
    blocked_until_s: float


class BackOff:
    """After `free` wrong tries each further one doubles the wait: 1, 2, 4 … LONGEST_WAIT_S; a right one forgets."""

    def __init__(self, free: int, clock: Clock = time.monotonic) -> None:
        self._free = free
        self._clock = clock
        self._failures: OrderedDict[Hashable, _Failures] = OrderedDict()

    def check(self, key: Hashable) -> None:
        """
        Let a try pass.

        Raises:
            TooManyTries: says how long to wait.
        """
        failures = self._failures.get(key)
        if failures is not None and failures.blocked_until_s > self._clock():
            raise too_many(failures.blocked_until_s - self._clock())

    def failed(self, key: Hashable) -> None:
        """Count a wrong try."""
        failures = self._failures.setdefault(key, _Failures(0, 0.0))
        self._failures.move_to_end(key)
        failures.count += 1
        over = failures.count - self._free
        if over >= 0:
            failures.blocked_until_s = self._clock() + min(2.0 ** min(over, 10), LONGEST_WAIT_S)
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """The right password came: start again from nothing."""
        self._failures.pop(key, None)


@dataclass(slots=True)
class _Tokens:
    left: float
    at_s: float


class Budget:
    """A budget of tries per key that refills over time."""

    def __init__(self, size: float, refill_per_s: float, clock: Clock = time.monotonic) -> None:
        self._size = size
        self._refill_per_s = refill_per_s
        self._clock = clock
        self._tokens: OrderedDict[Hashable, _Tokens] = OrderedDict()

    def check(self, key: Hashable) -> None:
        """
        Let a try pass while there is budget.

        Raises:
            TooManyTries: says when there is some again.
        """
        left = self._left(key)
        if left < 1:
            raise too_many((1 - left) / self._refill_per_s)

    def spend(self, key: Hashable) -> None:
        """Take one from the budget; it never goes below nothing."""
        self._tokens[key] = _Tokens(max(self._left(key) - 1, 0.0), self._clock())
        self._tokens.move_to_end(key)
        if len(self._tokens) > REMEMBERED:
            self._tokens.popitem(last=False)

    def refund(self, key: Hashable) -> None:
        """Give one back."""
        self._tokens[key] = _Tokens(min(self._left(key) + 1, self._size), self._clock())

    def _left(self, key: Hashable) -> float:
        tokens = self._tokens.get(key)
        if tokens is None:
            return self._size
        return min(self._size, tokens.left + (self._clock() - tokens.at_s) * self._refill_per_s)


class SignInLimits:
    """The limits of signing in, together."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._here = BackOff(FREE_TRIES, clock)
        self._anywhere = BackOff(FREE_TRIES_ANYWHERE, clock)
        self._addresses = Budget(ADDRESS_BUDGET, ADDRESS_REFILL_PER_S, clock)

    def start(self, address: str, account: str | None = None) -> None:
        """
        Before a try, which counts as wrong until `succeeded`: tries sent at the same instant cannot all slip through.

        Args:
            account: The username's key; None for a badge or a set-up code.

        Raises:
            TooManyTries: says how long to wait.
        """
        self._addresses.check(address)
        if account is not None:
            self._here.check((address, account))
            self._anywhere.check(account)
            self._here.failed((address, account))
            self._anywhere.failed(account)
        self._addresses.spend(address)

    def succeeded(self, address: str, account: str | None = None) -> None:
        """The try was right after all."""
        self._addresses.refund(address)
        if account is not None:
            self._here.forget((address, account))
            self._anywhere.forget(account)


def too_many(wait_s: float) -> TooManyTries:
    """The refusal, with the seconds rounded up."""
    seconds = max(1, math.ceil(wait_s))
    return TooManyTries("Too many wrong tries.", f"Wait {seconds} s, then try again.", retry_after_s=seconds)
