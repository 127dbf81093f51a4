"""
The shapes of the API that only clients need: the rest is shared with the server (timing/structs.py and its neighbours).

Fields that a newer box adds are passed over. Pure; no behaviour.
"""

from typing import Literal

from msgspec import DecodeError, Struct

from timing.crew_structs import Beat, BoardNow, CarsNow, CrewSnapshot, QueueNow, RaceNow, StripsNow, TracksNow

UNREADABLE = (DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON of the wanted shape, no text, or nested without end."""

StreamMessage = CrewSnapshot | RaceNow | QueueNow | StripsNow | TracksNow | BoardNow | CarsNow | Beat
"""What the crew's live stream carries."""


class Problem(Struct, frozen=True, kw_only=True):
    """Every refusal: what is wrong, what to do next, and which field when it is one."""

    message: str
    remedy: str
    field: str | None = None


class Session(Struct, frozen=True, kw_only=True):
    """Somebody has signed in; the token is theirs alone."""

    token: str
    person_id: str
    username: str
    roles: list[str]


class WhoAmI(Struct, frozen=True, kw_only=True):
    """Whom the box takes us for."""

    person_id: str
    username: str
    roles: list[str]

    @property
    def may_run(self) -> bool:
        """Whether they may run races and change the queue."""
        return not {"admin", "operator"}.isdisjoint(self.roles)

    @property
    def may_look(self) -> bool:
        """Whether they may see the crew's screens at all."""
        return not {"admin", "operator", "commentator"}.isdisjoint(self.roles)


class Racer(Struct, frozen=True, kw_only=True):
    """Somebody who races."""

    racer_id: str
    username: str
    country: str | None
    colour: str | None


class BoxIdentity(Struct, frozen=True, kw_only=True):
    """Which box it is, whatever its address."""

    id: str
    name: str
    version: str


class Check(Struct, frozen=True, kw_only=True):
    """One probe's answer; one that is `ok` and has a remedy is a warning."""

    ok: bool
    message: str
    remedy: str = ""


class HealthReport(Struct, frozen=True, kw_only=True):
    """How the box is; without checks for who may not see the system."""

    status: Literal["ok", "trouble"]
    checks: dict[str, Check] = {}
