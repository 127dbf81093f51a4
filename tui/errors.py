"""
What can go wrong between the terminal and a box, each with what to do next.

    BoxError
    ├── BoxAway      no answer, or none that helps now: the same request may be sent again
    │   └── NotABox  something answered that is no Trackside box
    ├── Refused      the box said no, and nothing changed
    └── SignedOut    the box no longer knows who this is

What they say may be a stranger's words, so it is made plain here: a terminal obeys some of them.
"""

from tui.columns import plain


class BoxError(Exception):
    """The root. `field` names the field of a request that is wrong, if one is."""

    def __init__(self, message: str, remedy: str, *, field: str | None = None) -> None:
        super().__init__(plain(message))
        self.message = plain(message)
        self.remedy = plain(remedy)
        self.field = field

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


class BoxAway(BoxError):
    """No answer came, or the box cannot do it now. Whether it was done is not known."""


class NotABox(BoxAway):
    """Another program answers at this address, as the sign-in page of a guest network does."""

    def __init__(self, address: str) -> None:
        super().__init__(
            "That is not a Trackside box.",
            f"Check the address {address}, and whether a guest network wants you to sign in first.",
        )


class Refused(BoxError):
    """The box said no with this HTTP status."""

    def __init__(self, message: str, remedy: str, *, status: int, field: str | None = None) -> None:
        super().__init__(message, remedy, field=field)
        self.status = status


class SignedOut(BoxError):
    """Nobody is signed in, or the session has ended."""

    def __init__(self, message: str = "You are signed out.", remedy: str = "Sign in again.") -> None:
        super().__init__(message, remedy)
