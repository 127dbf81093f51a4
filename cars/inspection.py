"""
What looking into a racer's archive comes to: the answers, the refusal, and the words they share. Pure.

Everything that reads an archive raises Unfit; only the outermost turns it into a NotFit.
"""

from enum import StrEnum

from msgspec import Struct

from appliance.errors import InvalidInput
from cars.model_structs import ModelFacts

DOWNLOAD_AGAIN = "Download the physical car model again from the page of your training, and upload that file."
"""The remedy for what no racer can mend by hand."""

NETWORK = "model.pb"
METADATA = "model_metadata.json"
"""The two files that a car needs."""

BOX_IN_TROUBLE = 75
"""Exit status of the child when not the archive is at fault, but the disk (EX_TEMPFAIL of sysexits.h)."""

SHOWN_CHARACTERS = 80
"""Of a name that comes from an archive: it goes into a sentence on a phone."""


class Wall(StrEnum):
    """What stands around an inspection, where the kernel gives it (cars/sandbox.py)."""

    LIMITS = "limits"
    NO_NEW_PRIVILEGES = "no_new_privileges"
    LANDLOCK = "landlock"
    SECCOMP = "seccomp"


class Fit(Struct, frozen=True, kw_only=True, tag="fit"):
    """A car can drive it."""

    facts: ModelFacts


class NotFit(Struct, frozen=True, kw_only=True, tag="not_fit"):
    """No car could drive it; whole sentences for a racer."""

    reason: str
    remedy: str


Inspection = Fit | NotFit


class Report(Struct, frozen=True, kw_only=True):
    """The child's answer; `held` are the walls that stood around it."""

    inspection: Inspection
    held: tuple[Wall, ...]


class Unfit(InvalidInput):
    """This archive is refused; message and remedy are for a racer."""


def shown(text: str) -> str:
    """Text out of an archive, made fit for a sentence: no control characters, not long."""
    clean = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return clean if len(clean) <= SHOWN_CHARACTERS else f"{clean[: SHOWN_CHARACTERS - 1]}…"
