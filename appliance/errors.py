"""
Every error a person may meet: one root, a message that names the thing, a remedy that says what to do.

    ApplianceError            500
    ├── InvalidInput          400  the request itself is wrong; `field` names the field
    ├── NotSignedIn           401
    ├── NotAllowed            403
    ├── NotFound              404
    ├── Conflict              409  right request, wrong moment
    ├── TooLarge              413
    ├── TooManyTries          429  `retry_after_s` says when
    └── NotReady              503  disk full, recorder away, database busy
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class ApplianceError(Exception):
    """The root. `status` is the HTTP status that says the same."""

    status: ClassVar[int] = 500

    def __init__(self, message: str, remedy: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.field = field

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


class InvalidInput(ApplianceError):
    """The request is wrong in itself; sending it again will not help."""

    status = 400


class NotSignedIn(ApplianceError):
    """Nobody is signed in, or the session has ended."""

    status = 401


class NotAllowed(ApplianceError):
    """Signed in, but the role does not cover it."""

    status = 403


class NotFound(ApplianceError):
    """The thing named does not exist, or not any more."""

    status = 404


@contextmanager
def named_in(field: str) -> Iterator[None]:
    """What is not found inside was named in the request's body: the address is right, `field` is wrong."""
    try:
        yield
    except NotFound as error:
        raise InvalidInput(error.message, error.remedy, field=field) from error


class Conflict(ApplianceError):
    """A right request at the wrong moment: nothing changed."""

    status = 409


class TooLarge(ApplianceError):
    """More bytes than this call takes."""

    status = 413


class TooManyTries(ApplianceError):
    """Too many wrong tries; wait `retry_after_s` seconds."""

    status = 429

    def __init__(self, message: str, remedy: str, *, retry_after_s: int) -> None:
        super().__init__(message, remedy)
        self.retry_after_s = retry_after_s


class NotReady(ApplianceError):
    """The box cannot do it now: disk full, recorder away, shutting down."""

    status = 503
