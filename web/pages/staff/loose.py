"""What the timekeeper's page shows of crossings that no race took: the newest, how many, and the one just dismissed."""

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from timing.crossing_views import LooseCrossing
from timing.loose_list import LooseList
from web.given import House
from web.pages.staff.strip_names import strip_name

SHOWN = 3
"""Rows that fit beside a race's clocks; the rest is counted."""
UNDO_FOR = timedelta(minutes=2)
"""How long a dismissed one can be brought back from the timekeeper's page itself."""


class LooseRow(Struct, frozen=True, kw_only=True):
    """One crossing in a list."""

    crossing: LooseCrossing
    address: str
    track_name: str
    strip: str


class LooseNow(Struct, frozen=True, kw_only=True):
    """The panel of a track."""

    newest: list[LooseRow]
    waiting: int
    undo: LooseRow | None


def loose_list(house: House) -> LooseList:
    """The crossings of the box, for reading."""
    return LooseList(house.db, house.people, house.control)


async def loose_now(house: House, event_id: str, track_id: str) -> LooseNow:
    """What waits on a track. Raises NotFound."""
    track = house.events.track(event_id, track_id)
    reader = loose_list(house)
    found, _ = await reader.page(event_id, track_id, SHOWN)
    since = (datetime.now(UTC) - UNDO_FOR).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    dismissed = await reader.last_dismissed(event_id, track_id, since)
    return LooseNow(
        newest=[row_of(house, one, track.name) for one in found if one.open],
        waiting=await reader.open_count(event_id, track_id),
        undo=None if dismissed is None else row_of(house, dismissed, track.name),
    )


def row_of(house: House, one: LooseCrossing, track_name: str) -> LooseRow:
    """The crossing with the names people know."""
    return LooseRow(
        crossing=one,
        address=f"/staff/crossings/{one.event_id}/{one.recorder_id}/{one.edge_seq}",
        track_name=track_name,
        strip=strip_name(house, one.recorder_id, one.line),
    )
