"""
One race in memory: its journal, and the fold of what is durable of it.

Entries are accepted one after the other, also while earlier ones are on their way to the disk; only what is durable
is ever shown. Used by timing/control.py on the event loop only.
"""

import asyncio
from collections.abc import Sequence

from appliance.clock import iso_utc
from appliance.errors import Conflict
from appliance.people import People
from timing.averages import averages
from timing.journal import Entry
from timing.race import Race, accept, clocks, fold, laps_view
from timing.races import RaceRecord
from timing.results import submitted_at
from timing.structs import LIVE_STATES, RaceState, RaceView


class LiveRace:
    """A race with its journal; `entries[:durable]` is on disk, the rest is being written."""

    def __init__(self, record: RaceRecord, entries: Sequence[Entry]) -> None:
        self.record = record
        self.entries = list(entries)
        self.durable = len(self.entries)
        self.race = fold(self.entries, record.rules)
        """The durable race: the only one that is shown."""
        self.accepted = self.race
        """The race with all that was accepted, durable or not: what the next action is checked against."""
        self.writes: dict[str, asyncio.Future[None]] = {}
        """By action id: entries on their way to the disk."""

    @property
    def is_live(self) -> bool:
        """Whether it holds its track."""
        return self.race.state in LIVE_STATES and not self.race.deleted

    def was_cut_off(self, boot_id: str) -> bool:
        """Whether it runs, and nothing of it happened in this boot: the power went while it ran."""
        return self.accepted.state is RaceState.RUNNING and all(entry.boot_id != boot_id for entry in self.entries)

    def has(self, action_id: str) -> bool:
        """Whether this action was accepted before, durable or not yet."""
        return any(entry.action_id == action_id for entry in self.entries)

    def take(self, entry: Entry) -> Entry:
        """
        Accept one more entry and fold it in; not durable yet.

        Raises:
            IllegalAction: the race as it will be when all earlier writes are done does not allow it.
        """
        entry = accept(self.entries, self.record.rules, entry)
        self.take_accepted([entry])
        return entry

    def take_accepted(self, entries: Sequence[Entry]) -> None:
        """
        Fold in entries that were accepted one after the other on this very journal; not durable yet.

        Raises:
            Conflict: the journal went on since.
        """
        if entries[0].seq != len(self.entries):
            raise Conflict("The race went on meanwhile.", "Look at it again and repeat what you meant.")
        self.entries.extend(entries)
        self.accepted = fold(self.entries, self.record.rules)
        loop = asyncio.get_running_loop()
        self.writes.update((entry.action_id, loop.create_future()) for entry in entries)

    def settle(self, entries: Sequence[Entry], race: Race) -> None:
        """These entries, and so every one before them, are durable; `race` is the fold that ends with them."""
        if entries[-1].seq >= self.durable:
            self.durable = entries[-1].seq + 1
            self.race = race
        for entry in entries:
            self._wrote(entry)

    def drop(self, entries: Sequence[Entry]) -> None:
        """They could not be written: they never were, and neither were those accepted after them."""
        first = entries[0]
        if len(self.entries) > first.seq and self.entries[first.seq] is first:
            del self.entries[first.seq :]
            self.accepted = fold(self.entries, self.record.rules)
        for entry in entries:
            self._wrote(entry)

    def replace(self, entries: Sequence[Entry]) -> None:
        """Start again from what the disk says, after a write whose outcome is unknown."""
        self.entries = list(entries)
        self.durable = len(self.entries)
        self.race = self.accepted = fold(self.entries, self.record.rules)

    def _wrote(self, entry: Entry) -> None:
        written = self.writes.pop(entry.action_id)
        if not written.done():
            written.set_result(None)

    def view(self, people: People, now_ns: int, boot_id: str) -> RaceView:
        """The durable race at one moment, as the API shows it."""
        race, rules = self.race, self.record.rules
        racer = people.get(race.racer_id)
        now = clocks(race, now_ns, boot_id)
        laps = [lap for lap in laps_view(race) if not lap.deleted]
        return RaceView(
            race_id=self.record.race_id,
            event_id=self.record.event_id,
            track_id=race.track_id,
            racer_id=race.racer_id,
            username=racer.username,
            country=racer.country,
            colour=racer.colour,
            by_proxy=race.by_proxy,
            car_id=race.car_id,
            model_id=race.model_id,
            state=race.state,
            time_up=now.time_up,
            race_left_ms=now.race_left_ms,
            race_elapsed_ms=now.race_elapsed_ms,
            lap_elapsed_ms=now.lap_elapsed_ms,
            resets=race.resets,
            laps=laps,
            averages=averages(race.laps, rules.average_window),
            best_ms=min((lap.lap_ms for lap in laps if lap.valid), default=None),
            rules=rules,
            run=self.record.run,
            version=self.durable,
            created_at=self.record.created_at,
            started_at=None if race.started_wall_ns is None else iso_utc(race.started_wall_ns),
            submitted_at=submitted_at(race),
            deleted=race.deleted,
        )
