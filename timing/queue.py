"""
The queue of each track: who is next, who was called, who did not come, and with what each shall race. Durable before
anyone sees it.

Owns what people may do with a line. Follows the races (timing/queue_follow.py): an entry is `racing` once its racer's
race is made on that track, and `done` when that race is handed in or thrown away. Refuses a racer twice in one line.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

import msgspec

from appliance.clock import now_iso
from appliance.database import Database
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.facts import Facts
from appliance.ids import new_id
from appliance.people import People
from timing.events import Events
from timing.line import STANDING, joined, skipped
from timing.queue_follow import Follower
from timing.queue_schema import QueueRow
from timing.queue_store import Entries, QueueStore, Rows, marked
from timing.queue_structs import QueueEntry, QueueState
from timing.structs import NewRace, RaceView

__all__ = ["Entries", "Queue", "QueueEntry", "QueueState"]

LEFT = frozenset({QueueState.DONE, QueueState.NO_SHOW})


class Queue:
    """All lines of all tracks. Only for use on the event loop."""

    def __init__(self, db: Database, facts: Facts, people: People, events: Events) -> None:
        self._people = people
        self._events = events
        self._store = QueueStore(db, facts, people)
        self._follower = Follower(self._store, facts, events)

    async def load(self, live_races: Iterable[RaceView] | None = None) -> None:
        """
        Read the lines.

        With `live_races` (RaceControl.live_races()), an entry whose race ended while nobody was looking is closed,
        and one whose race was made in the moment the server died is found again.
        """
        await self._store.load()
        await self._store.change(lambda: self._follower.left_behind(self._people))
        if live_races is not None:
            live = {view.race_id: view for view in live_races}
            await self._store.change(lambda: self._follower.reconciled(live))

    async def settle(self) -> None:
        """Wait until everything that facts set going is durable; before closing the database."""
        await self._store.settle()

    # reads: plain and quick, from memory

    def get(self, queue_id: str) -> QueueEntry:
        """Any entry still known, in line or not."""
        return self._store.shown(self._store.row(queue_id))

    def list(self, event_id: str, track_id: str) -> Entries:
        """Who is racing, then the line, next one first."""
        rows = self._store.of_track(event_id, track_id)
        racing = [self._store.shown(row) for row in rows if row.state is QueueState.RACING]
        return racing + self._store.line_shown(event_id, track_id)

    def next(self, event_id: str, track_id: str, n: int = 3) -> Entries:
        """The first `n` in line."""
        return self._store.line_shown(event_id, track_id)[:n]

    def past(self, event_id: str, track_id: str, n: int = 20) -> Entries:
        """Who has left the line by racing or by not coming, latest first."""
        rows = [row for row in self._store.of_track(event_id, track_id) if row.state in LEFT]
        rows.sort(key=lambda row: row.changed_at, reverse=True)
        return [self._store.shown(row) for row in rows[:n]]

    def position_of(self, racer_id: str) -> Entries:
        """Where this racer stands: at most one entry in line per track, and the one that is racing."""
        mine = [row for row in self._store.rows() if row.racer_id == racer_id and row.state not in LEFT]
        return [self._store.shown(row) for row in sorted(mine, key=lambda row: (row.event_id, row.track_id, row.state))]

    def cars_prepared(self, but_for: Collection[str] = ()) -> set[str]:
        """The cars prepared for anybody in any line, but for these entries."""
        standing = (row for row in self._store.rows() if row.state in STANDING and row.queue_id not in but_for)
        return {row.car_id for row in standing if row.car_id is not None}

    def prepared(self) -> dict[str, QueueEntry]:
        """Each car that is prepared, with whom it is for; the first in line where it is for several."""
        rows = [row for row in self._store.rows() if row.state in STANDING and row.car_id is not None]
        last_first = sorted(map(self._store.shown, rows), key=lambda entry: -(entry.position or 0))
        return {entry.car_id: entry for entry in last_first if entry.car_id is not None}

    def with_prepared(self, new: NewRace) -> NewRace:
        """The race to be made, with what was prepared for its racer in line; who names a car or a model decides."""
        if new.car_id is not None or new.model_id is not None:
            return new
        for row in self._store.line(new.event_id, new.track_id):
            if row.racer_id == new.racer_id:
                return msgspec.structs.replace(new, car_id=row.car_id, model_id=row.model_id)
        return new

    # changes: durable when they return

    async def add(self, event_id: str, track_id: str, racer_id: str, actor: str) -> QueueEntry:
        """Put a racer at the end of a line; Conflict when they stand in it already."""
        self._check_track(event_id, track_id)
        person = self._people.get(racer_id)
        if person.neutral or person.merged_into is not None:
            raise Conflict(f"{person.username} is no longer a racer.", "Search for the racer again and add that one.")
        row = _new_row(event_id, track_id, person.person_id, actor)

        def decide() -> Rows:
            self._refuse_twice(row)
            return joined(self._store.line(event_id, track_id), row)

        await self._store.change(decide)
        return self.get(row.queue_id)

    async def call(self, queue_id: str, actor: str) -> QueueEntry:
        """Tell the racer to come to the track now. Calling again changes nothing."""

        def decide() -> Rows:
            row = self._store.standing(queue_id)
            if row.state is QueueState.CALLED:
                return []
            return [marked(row, QueueState.CALLED, actor, called_at=now_iso())]

        await self._store.change(decide)
        return self.get(queue_id)

    async def skip(self, queue_id: str, actor: str, expected: int | None = None) -> QueueEntry:
        """Let the next one go first. `expected`: the position the person saw, so that a second press moves nobody."""

        def decide() -> Rows:
            row = self._store.standing(queue_id, expected)
            return skipped(self._line_with(row), replace(row, actor=actor, changed_at=now_iso()))

        await self._store.change(decide)
        return self.get(queue_id)

    async def move(self, queue_id: str, position: int, actor: str, expected: int | None = None) -> QueueEntry:
        """Put the entry at `position`, from 1; past the end means last. `expected` as in `skip`."""
        if position < 1:
            raise InvalidInput("A place in line counts from 1.", "Choose 1 to put the racer next.", field="position")

        def decide() -> Rows:
            row = self._store.standing(queue_id, expected)
            return joined(self._line_with(row), replace(row, actor=actor, changed_at=now_iso()), position)

        await self._store.change(decide)
        return self.get(queue_id)

    async def prepare(self, queue_id: str, car_id: str | None, model_id: str | None, actor: str) -> QueueEntry:
        """With what the racer shall race; None takes it back. It stays with the entry wherever in line that goes."""

        def decide() -> Rows:
            row = self._store.standing(queue_id)
            if (row.car_id, row.model_id) == (car_id, model_id):
                return []
            return [replace(row, car_id=car_id, model_id=model_id, actor=actor, changed_at=now_iso())]

        await self._store.change(decide)
        return self.get(queue_id)

    async def no_show(self, queue_id: str, actor: str) -> QueueEntry:
        """The racer did not come: out of the line, and listed so that one tap puts them back."""
        return await self._leave(queue_id, QueueState.NO_SHOW, actor)

    async def remove(self, queue_id: str, actor: str) -> QueueEntry:
        """Take the entry out of the line and out of sight; the answer is how it stood before."""
        return await self._leave(queue_id, QueueState.REMOVED, actor)

    async def readd(self, queue_id: str, actor: str) -> QueueEntry:
        """Put a racer who has left the line at its end again; one who raced gets a new entry."""
        row = self._store.row(queue_id)
        if row.state is QueueState.DONE:
            return await self.add(row.event_id, row.track_id, row.racer_id, actor)
        await self._store.change(lambda: self._returned(queue_id, actor))
        return self.get(queue_id)

    # decisions, made while nothing else changes

    def _returned(self, queue_id: str, actor: str) -> Rows:
        row = self._store.row(queue_id)
        if row.state is not QueueState.NO_SHOW:
            return []
        self._refuse_twice(row)
        back = marked(row, QueueState.WAITING, actor, called_at=None, car_id=None, model_id=None)
        return joined(self._line_with(row), back)

    async def _leave(self, queue_id: str, state: QueueState, actor: str) -> QueueEntry:
        before = self.get(queue_id)

        def decide() -> Rows:
            if self._store.row(queue_id).state is state:
                return []
            return [marked(self._store.standing(queue_id), state, actor)]

        await self._store.change(decide)
        return before if state is QueueState.REMOVED else self.get(queue_id)

    def _refuse_twice(self, row: QueueRow) -> None:
        for entry in self._store.line_shown(row.event_id, row.track_id):
            if entry.racer_id == row.racer_id and entry.queue_id != row.queue_id:
                raise Conflict(
                    f"{entry.username} is already number {entry.position} in this line.",
                    "Move that entry, or remove it first.",
                    field="racer_id",
                )

    def _line_with(self, row: QueueRow) -> Rows:
        return self._store.line(row.event_id, row.track_id)

    def _check_track(self, event_id: str, track_id: str) -> None:
        event = self._events.get(event_id)
        if track_id not in {track.track_id for track in event.tracks}:
            raise NotFound(f"{event.name} has no track {track_id}.", "Choose one of the event's tracks.")


def _new_row(event_id: str, track_id: str, racer_id: str, actor: str) -> QueueRow:
    now = now_iso()
    return QueueRow(
        queue_id=new_id(),
        event_id=event_id,
        track_id=track_id,
        racer_id=racer_id,
        state=QueueState.WAITING,
        sort_key=0,
        added_at=now,
        called_at=None,
        race_id=None,
        changed_at=now,
        actor=actor,
    )
