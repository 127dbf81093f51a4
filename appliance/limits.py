"""
How often somebody may be wrong: pure counting on a monotonic clock, in memory.

Only wrong tries count. A whole hall may sit behind one address, and a guesser among it: so no address is ever shut out.
What slows a guesser down is the back-off of the account; an address that has used up its budget may still try each name
twice, and names that nobody has are counted apart, where they cannot push out those that somebody has. A restart
forgets everything, which costs a guesser more time than it gives.
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
TRIES_ANYWHERE = 30
TRIES_ANYWHERE_REFILL_PER_S = 1 / 20
"""The same over all addresses, refilled faster than one address can spend it (one try in LONGEST_WAIT_S): one phone
cannot lock an operator's laptop out, however long it tries."""
LONGEST_WAIT_S = 30.0
"""The most a back-off reaches: somebody who tries on purpose must not keep an operator away from a race."""
ADDRESS_BUDGET = 300
ADDRESS_REFILL_PER_S = 0.5
"""Wrong passwords per address before its repeated tries wait: a thousand phones behind one router may mistype."""
TRIES_BEYOND = 2
"""Tries of each name that an address still has without budget: the hall around a guesser signs in with them."""
BADGE_BUDGET = 1_000
BADGE_REFILL_PER_S = 50.0
"""Wrong badge codes per address: a look costs nothing, and 40 bits last for months of guessing at this speed."""
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

    def count(self, key: Hashable) -> int:
        """How many wrong tries there were."""
        failures = self._failures.get(key)
        return 0 if failures is None else failures.count

    def take_back(self, key: Hashable) -> None:
        """A try that was counted did not take place."""
        failures = self._failures.get(key)
        if failures is not None:
            failures.count = max(0, failures.count - 1)
            if failures.count < self._free:
                failures.blocked_until_s = 0.0

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


class _Accounts:
    """Wrong passwords by account: from one address, and over all of them."""

    def __init__(self, clock: Clock) -> None:
        self.here = BackOff(FREE_TRIES, clock)
        self.anywhere = Budget(TRIES_ANYWHERE, TRIES_ANYWHERE_REFILL_PER_S, clock)


class SignInLimits:
    """The limits of signing in, together."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._accounts = {True: _Accounts(clock), False: _Accounts(clock)}
        self._addresses = Budget(ADDRESS_BUDGET, ADDRESS_REFILL_PER_S, clock)
        self._badges = Budget(BADGE_BUDGET, BADGE_REFILL_PER_S, clock)
        self._at_home: OrderedDict[Hashable, None] = OrderedDict()

    def start(self, address: str, account: str, *, exists: bool = True) -> None:
        """
        Before a try, which counts as wrong until `succeeded`: tries sent at the same instant cannot all slip through.

        Args:
            account: The username's key.
            exists: Whether somebody has that name; the same limits hold, in another book.

        Raises:
            TooManyTries: says how long to wait.
        """
        accounts, here = self._accounts[exists], (address, account)
        accounts.here.check(here)
        if here not in self._at_home:
            accounts.anywhere.check(account)
        if accounts.here.count(here) >= TRIES_BEYOND:
            self._addresses.check(address)
        accounts.here.failed(here)
        accounts.anywhere.spend(account)
        self._addresses.spend(address)

    def succeeded(self, address: str, account: str) -> None:
        """The try was right after all; who tries this account elsewhere can lock nobody out here from now on."""
        self._accounts[True].here.forget((address, account))
        self._accounts[True].anywhere.refund(account)
        self._addresses.refund(address)
        self._at_home[address, account] = None
        self._at_home.move_to_end((address, account))
        if len(self._at_home) > REMEMBERED:
            self._at_home.popitem(last=False)

    def take_back(self, address: str, account: str, *, exists: bool = True) -> None:
        """The try did not take place: the box was busy."""
        self._accounts[exists].here.take_back((address, account))
        self._accounts[exists].anywhere.refund(account)
        self._addresses.refund(address)

    def start_badge(self, address: str) -> None:
        """Before a try of a badge code. Raises as `start` does."""
        self._badges.check(address)
        self._badges.spend(address)

    def badge_succeeded(self, address: str) -> None:
        """The code was right."""
        self._badges.refund(address)


def too_many(wait_s: float) -> TooManyTries:
    """The refusal, with the seconds rounded up."""
    seconds = max(1, math.ceil(wait_s))
    return TooManyTries("Too many wrong tries.", f"Wait {seconds} s, then try again.", retry_after_s=seconds)
