"""
Reading the crossings that no race took, a page at a time: what waits first, then what was given or dismissed.

Says nothing about races that could take one (timing/loose.py does, for one crossing); quick with thousands.
"""

import re
import sqlite3
from datetime import datetime

from appliance import clock
from appliance.database import Database
from appliance.people import People
from timing.control import RaceControl
from timing.crossing_views import LooseCrossing
from timing.journal import ACTOR_STRIP

OF = "event_id = :event_id AND (:track_id IS NULL OR track_id = :track_id)"
IS_OPEN = "given_at IS NULL AND dismissed_at IS NULL"
PAGE = (
    f"SELECT * FROM (SELECT *, NOT ({IS_OPEN}) AS settled FROM loose_crossing WHERE {OF})"  # noqa: S608
    " WHERE :settled IS NULL OR (settled, -wall_ns, recorder_id, edge_seq) > (:settled, :wall, :recorder, :seq)"
    " ORDER BY settled, -wall_ns, recorder_id, edge_seq LIMIT :most"
)
COUNT = f"SELECT count(*) AS many FROM loose_crossing WHERE {OF} AND {IS_OPEN}"  # noqa: S608
DISMISSED = (
    f"SELECT * FROM loose_crossing WHERE {OF} AND dismissed_at >= :since"  # noqa: S608
    " ORDER BY dismissed_at DESC LIMIT 1"
)
OPEN_UNTIL = f"SELECT * FROM loose_crossing WHERE {OF} AND {IS_OPEN} AND wall_ns <= :until"  # noqa: S608


class LooseList:
    """The crossings of an event, or of one track of it."""

    def __init__(self, db: Database, people: People, control: RaceControl) -> None:
        self._db = db
        self._people = people
        self._control = control

    async def page(
        self, event_id: str, track_id: str | None, most: int, after: str | None = None
    ) -> tuple[list[LooseCrossing], str | None]:
        """
        Open ones first, each newest first.

        Args:
            after: What an earlier page answered; one that is not understood starts anew.

        Returns:
            `most` of them, and the `after` of the next page, None on the last.
        """
        values = {"event_id": event_id, "track_id": track_id, "most": most + 1, **_cursor(after)}
        rows = await self._db.fetch_all(PAGE, values)
        more = None if len(rows) <= most else _cursor_of(rows[most - 1])
        return [await self._shown(row) for row in rows[:most]], more

    async def open_count(self, event_id: str, track_id: str | None = None) -> int:
        """How many wait for an answer."""
        row = await self._db.fetch_one(COUNT, {"event_id": event_id, "track_id": track_id})
        return 0 if row is None else int(row["many"])

    async def open_until(self, event_id: str, track_id: str | None, until: str) -> list[LooseCrossing]:
        """All that wait and were stamped up to this moment (UTC): what somebody saw, and nothing that came since."""
        # A millisecond is shown of a nanosecond's stamp: the one that was shown last is meant too.
        values = {"event_id": event_id, "track_id": track_id, "until": wall_ns(until) + 999_999}
        return [await self._shown(row) for row in await self._db.fetch_all(OPEN_UNTIL, values)]

    async def last_dismissed(self, event_id: str, track_id: str, since: str) -> LooseCrossing | None:
        """The one dismissed last, if that was after this moment (UTC)."""
        row = await self._db.fetch_one(DISMISSED, {"event_id": event_id, "track_id": track_id, "since": since})
        return None if row is None else await self._shown(row)

    async def _shown(self, row: sqlite3.Row) -> LooseCrossing:
        return await crossing_of(row, self._people, self._control)


async def crossing_of(row: sqlite3.Row, people: People, control: RaceControl) -> LooseCrossing:
    """A row as people see it; nothing yet about races that could take it."""
    race_id = row["given_race_id"]
    return LooseCrossing(
        recorder_id=row["recorder_id"],
        edge_seq=row["edge_seq"],
        event_id=row["event_id"],
        track_id=row["track_id"],
        line=row["line"],
        at=clock.iso_utc(row["wall_ns"]),
        open=row["given_at"] is None and row["dismissed_at"] is None,
        dismissed_at=row["dismissed_at"],
        dismissed_by=_by(row["dismissed_by"], people),
        given_at=row["given_at"],
        given_by=_by(row["given_by"], people),
        given_race_id=race_id,
        given_to=None if race_id is None else (await control.view(race_id)).username,
    )


def wall_ns(at: str) -> int:
    """UTC in ISO 8601 as nanoseconds; 0 when it is no time."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return 0
    return round(moment.timestamp() * 1_000) * 1_000_000


def _by(actor: str | None, people: People) -> str | None:
    if actor is None:
        return None
    return "Strip" if actor == ACTOR_STRIP else people.name_of(actor)


def _cursor(after: str | None) -> dict[str, object]:
    match = re.fullmatch(r"([01])~(-\d{1,18}|-1\d{18})~([^~]{1,64})~(\d{1,18})", after or "")
    settled, wall, recorder, seq = match.groups() if match else (None, None, None, None)
    numbers = {"settled": settled, "wall": wall, "seq": seq}
    return {"recorder": recorder, **{name: None if text is None else int(text) for name, text in numbers.items()}}


def _cursor_of(row: sqlite3.Row) -> str:
    return f"{row['settled']}~{-row['wall_ns']}~{row['recorder_id']}~{row['edge_seq']}"
