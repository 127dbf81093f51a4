"""The recordings of a car, and what of them is brought to the box, as they cross HTTP. Pure."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

MAX_BYTES = 1 << 30
"""The largest fetch: ten minutes of drives take some 300 MB, and the car's helper reads no larger file back."""
BAG_NAME = r"(?!\.)[A-Za-z0-9._-]{1,160}"
"""What the helper on a car takes for the name of a recording; everything else a car names is left where it is."""

Id = Annotated[str, Meta(min_length=1, max_length=64)]
BagName = Annotated[str, Meta(pattern=f"^{BAG_NAME}$")]


class LogState(StrEnum):
    """Where the logs of a drive are."""

    WAITING = "waiting"
    """For their turn, or for the car: `reason` says what for."""
    LOOKING = "looking"
    """The car looks for them and packs them."""
    FETCHING = "fetching"
    STORED = "stored"
    NOTHING = "nothing"
    """The car recorded nothing of it."""
    FAILED = "failed"
    DELETED = "deleted"


OPEN = frozenset({LogState.WAITING, LogState.LOOKING, LogState.FETCHING})


class NewLog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Fetch the logs of a race, or one recording of a car by its name.

    The same again while it is under way, or stored, answers what is there.
    """

    race_id: Id | None = None
    car_id: Id | None = None
    recording: BagName | None = None


class LogView(Struct, frozen=True, kw_only=True):
    """
    The logs of one race, or some recordings of a car, on their way to the box or stored there.

    `names` are the recordings in it, `got_bytes` those that are here. `reason` and `remedy` say why it failed, or what
    it waits for.
    """

    log_id: str
    car_id: str
    car_name: str
    race_id: str | None
    racer_id: str | None
    model_id: str | None
    state: LogState
    file_name: str
    names: list[str]
    size_bytes: int
    got_bytes: int
    reason: str | None
    remedy: str | None
    actor: str
    asked_at: str
    ended_at: str | None


class Recording(Struct, frozen=True, kw_only=True):
    """
    A recorded drive on a car. `began_at` and `changed_at` on the box's clock; `began_at` None where its name says none.

    `log_id`: where the box has it, or is about to.
    """

    name: str
    folder: str | None
    size_bytes: int
    began_at: str | None
    changed_at: str
    log_id: str | None


class CarRecordings(Struct, frozen=True, kw_only=True):
    """What a car has recorded, as read from its disk at `read_at`, the newest first. `clock_off_s`: how wrong it is."""

    car_id: str
    recordings: list[Recording]
    clock_off_s: int
    read_at: str
