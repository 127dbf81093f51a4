"""
Passwords: the rule for new ones, and Argon2 hashes computed one at a time off the event loop.

One at a time, because each takes 19 MiB and a Pi has few cores: a hall that signs in at once must not stall a race.
"""

import asyncio
import time
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.errors import InvalidInput, TooManyTries

T = TypeVar("T")

MIN_LENGTH = 8
"""NIST SP 800-63B: length is what counts; no rules about kinds of characters."""
MAX_LENGTH = 128
WAITING_LIMIT = 200
"""Hashes that may wait, a hall that signs in at once: at 0.15 s each on a Pi the last one waits 30 s."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's smallest Argon2id setting; 64 MiB, the library's default, takes up to a second on a Pi."""
_COMMON = frozenset(
    """
    password passwort password1 password123 12345678 123456789 1234567890 87654321 11111111 00000000 qwertyui
    qwerty123 qwertzui iloveyou deepracer deepracer1 trackside trackside1 letmein1 changeme changeme1 admin123
    administrator abcd1234 welcome1 sunshine football baseball superman princess
    """.split()  # noqa: SIM905  a list of 30 words reads better as words
)


def check_password(password: str, username: str) -> None:
    """
    Refuse what is guessed in the first few tries.

    Raises:
        InvalidInput: says which rule is broken; `field` is "password".
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise _refused(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    plain = password.casefold()
    if plain in _COMMON or len(set(plain)) < 3 or plain in {username.casefold(), username.casefold() * 2}:
        raise _refused("That password is among the first that anybody would try.")


class Passwords:
    """Hashes and checks passwords. Lives on one event loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._usual_s: float | None = None

    async def hash(self, password: str) -> str:
        """
        The Argon2id hash to store.

        Raises:
            TooManyTries: too many are waiting already.
        """
        normal = _normal(password)
        return await self._in_turn(lambda: _HASHER.hash(normal))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """
        Whether it is the password. Without a hash it takes as long and is false: nobody learns who exists.

        As long, and not as much work: somebody who sends made-up names all day must not stand before the hall in turn.
        """
        if password_hash is None:
            if self._usual_s is None:
                await self.hash("nobody has this password")
            await asyncio.sleep(self._usual_s or 0)
            return False
        normal = _normal(password)
        return await self._in_turn(lambda: _matches(password_hash, normal))

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_LIMIT:
            raise TooManyTries("Many people are signing in right now.", "Try again in a few seconds.", retry_after_s=5)
        self._waiting += 1
        begun_s = time.perf_counter()
        try:
            async with self._turn:
                answer = await asyncio.to_thread(work)
            self._usual_s = time.perf_counter() - begun_s
            return answer
        finally:
            self._waiting -= 1


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """The same password from every keyboard: an accent typed in two ways is one (RFC 8265). Cut before it costs."""
    return unicodedata.normalize("NFC", password[: MAX_LENGTH * 4])


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, "Take three or four words that do not belong together.", field="password")
