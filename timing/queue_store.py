"""
The lines of all tracks in memory, and the one way to change them: decide, make durable, show, tell.

Owns the rows and their order of change. What a change means, timing/queue.py and timing/queue_follow.py decide.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from appliance.clock import now_iso
from appliance.database import Database
from appliance.errors import Conflict, NotFound
from appliance.facts import Facts
from appliance.people import People
from timing.facts import QueueChanged
from timing.line import STANDING, line_of
from timing.queue_schema import LOAD, PAST_ROWS, QueueRow, row_of, save
from timing.queue_structs import QueueEntry, QueueState

Entries = list[QueueEntry]
Rows = list[QueueRow]
Decide = Callable[[], list[QueueRow]]
"""Looks at the rows as they are now and answers the changed ones; raises to refuse. Runs while nothing else changes."""


class QueueStore:
    """Every row that matters, kept true after each write. Only for use on the event loop."""

    def __init__(self, db: Database, facts: Facts, people: People) -> None:
        self._db = db
        self._facts = facts
        self._people = people
        self._rows: dict[str, QueueRow] = {}
        self._racing: dict[str, str] = {}  # race id → queue id
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Read the rows that matter from the database."""
        self._apply([row_of(record) for record in await self._db.fetch_all(LOAD, (PAST_ROWS,))])

    async def settle(self) -> None:
        """Wait until every change under way is durable."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def change(self, decide: Decide) -> None:
        """A change that a caller who goes away cannot cut between the disk and the memory."""
        await asyncio.shield(self.spawn(decide))

    def spawn(self, decide: Decide) -> asyncio.Task[None]:
        """The same, after those already waiting, with nobody waiting for it."""
        task = asyncio.get_running_loop().create_task(self._changed(decide))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def rows(self) -> list[QueueRow]:
        """Every row known, in no order."""
        return list(self._rows.values())

    def row(self, queue_id: str) -> QueueRow:
        """One row; NotFound when it was removed."""
        try:
            return self._rows[queue_id]
        except KeyError:
            raise NotFound("This entry is no longer in the queue.", "Look at the line again.") from None

    def racing(self, race_id: str) -> QueueRow | None:
        """The row that this race is of."""
        return self._rows.get(self._racing.get(race_id, ""))

    def of_track(self, event_id: str, track_id: str) -> list[QueueRow]:
        """All rows of one track."""
        return [row for row in self._rows.values() if row.event_id == event_id and row.track_id == track_id]

    def line(self, event_id: str, track_id: str) -> list[QueueRow]:
        """Who stands in line at one track, next one first."""
        return line_of(self.of_track(event_id, track_id))

    def standing(self, queue_id: str, expected: int | None = None) -> QueueRow:
        """The row, if it stands in line, and at position `expected` if one is given; Conflict otherwise."""
        entry = self.shown(self.row(queue_id))
        if entry.state not in STANDING:
            raise Conflict(f"{entry.username} no longer stands in line.", "Look at the line again.")
        if expected is not None and entry.position != expected:
            raise Conflict(
                f"{entry.username} has moved to number {entry.position} meanwhile.", "Look at the line again."
            )
        return self.row(queue_id)

    def shown(self, row: QueueRow) -> QueueEntry:
        """The row as people see it."""
        position = None
        if row.state in STANDING:
            position = [other.queue_id for other in self.line(row.event_id, row.track_id)].index(row.queue_id) + 1
        return self._entry(row, position)

    def line_shown(self, event_id: str, track_id: str) -> Entries:
        """The line as people see it."""
        return [self._entry(row, place) for place, row in enumerate(self.line(event_id, track_id), start=1)]

    def tell(self, event_id: str, track_id: str) -> None:
        """Say that this line looks different now."""
        self._facts.publish(QueueChanged(event_id=event_id, track_id=track_id))

    def _entry(self, row: QueueRow, position: int | None) -> QueueEntry:
        person = self._people.get(row.racer_id)
        return QueueEntry(
            queue_id=row.queue_id,
            event_id=row.event_id,
            track_id=row.track_id,
            racer_id=row.racer_id,
            username=person.username,
            country=person.country,
            colour=person.colour,
            state=row.state,
            position=position,
            added_at=row.added_at,
            called_at=row.called_at,
            race_id=row.race_id,
            car_id=row.car_id,
            model_id=row.model_id,
        )

    async def _changed(self, decide: Decide) -> None:
        async with self._lock:
            rows = decide()
            if not rows:
                return
            await self._db.write(lambda connection: save(connection, rows))
            self._apply(rows)
        for event_id, track_id in sorted({(row.event_id, row.track_id) for row in rows}):
            self.tell(event_id, track_id)

    def _apply(self, rows: Iterable[QueueRow]) -> None:
        for row in rows:
            self._rows[row.queue_id] = row
            if row.state is QueueState.REMOVED:
                del self._rows[row.queue_id]
        self._racing = {
            row.race_id: row.queue_id
            for row in self._rows.values()
            if row.race_id is not None and row.state is QueueState.RACING
        }


def marked(row: QueueRow, state: QueueState, actor: str, **changes: Any) -> QueueRow:
    """The row in another state, with who did it and when."""
    return replace(row, state=state, actor=actor, changed_at=now_iso(), **changes)
