"""
Race control: the live race's one owner, and the only one who appends to a journal.

Every action and crossing is folded in, made durable, then shown. Two devices acting at once are put in order here;
a repeated `action_id` changes nothing and gets the same answer. Runs on the event loop.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from appliance import clock
from appliance.database import Database
from appliance.errors import Conflict, NotAllowed, NotReady, named_in
from appliance.facts import Facts
from appliance.ids import new_id
from appliance.people import People
from appliance.people_structs import RacersMerged
from timing.actions import added_crossing, check_targets, pressed_entry, ready_entry, who_can_race
from timing.box_clock import box_clock
from timing.crossings import EdgeSeen
from timing.events import Events
from timing.facts import EventChanged, RaceChanged
from timing.journal import ACTOR_BOX, Entry, Kind, Payload
from timing.live_race import LiveRace
from timing.race import Race, allowed
from timing.race_shelf import RaceShelf
from timing.races import (
    RaceFilter,
    RaceRecord,
    append_entries,
    insert_race,
    load_race,
    load_races,
    race_ids,
    racer_ids,
    runs_done,
)
from timing.results import counts_on_boards, results_changed, submitted_at
from timing.structs import Action, NewRace, RaceState, RaceView
from timing.taken_back import crossing_in
from timing.trail import Drive, TrailLine, by_id, trail

T = TypeVar("T")
WriteJob = Callable[[sqlite3.Connection], None]
"""More to do in the transaction that appends an entry."""

ALL_RACES = 1_000_000
"""More than one racer ever has."""

OWN_KINDS = frozenset({Kind.READY, Kind.CROSSING})
"""Written by Trackside alone, never asked for from outside."""

OWN_CALLS = frozenset({Kind.ADD_CROSSING, Kind.DROP_CROSSING, Kind.RESCORE})
"""People may, but not as an action: each names a recorded edge or a lock-out."""


class RaceControl:
    """Races, live and finished. `start()` before use, `stop()` before the database closes."""

    def __init__(self, db: Database, facts: Facts, people: People, events: Events) -> None:
        self._db = db
        self._facts = facts
        self._people = people
        self._events = events
        self._shelf = RaceShelf(db)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._creating = asyncio.Lock()
        facts.subscribe(RacersMerged, self._racers_merged)
        facts.subscribe(EventChanged, self._event_changed)

    async def start(self) -> None:
        """Bring back the races that were live; one that was running when the power went is paused by the box."""
        for race in await self._shelf.load_live():
            self.pause_if_cut_off(race)
        await asyncio.gather(*self._tasks)
        # People are merged in one transaction and their races follow: a kill in between left some behind.
        for racer_id in await racer_ids(self._db):
            if self._people.get(racer_id).merged_into is not None:
                await self._move_races(racer_id)

    def pause_if_cut_off(self, race: LiveRace) -> None:
        """Pause a race that ran when the power went; a crossing of an earlier boot may show only later that it ran."""
        if race.was_cut_off(clock.boot_id()):
            self.append(race, self._entry(race, ACTOR_BOX, Kind.PAUSE, Payload(reason="power_cut")))

    async def stop(self) -> None:
        """Wait for what is on its way to the disk."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # ---- reading: only what is durable

    def live(self, event_id: str, track_id: str) -> RaceView | None:
        """The live race of a track at this moment."""
        race = self._shelf.on_track(event_id, track_id)
        return None if race is None else self._view(race)

    def live_races(self) -> list[RaceView]:
        """All live races of the box at this moment."""
        return [self._view(race) for race in self._shelf.live_races()]

    def open_race(self, event_id: str, track_id: str) -> LiveRace | None:
        """The live race itself, for the crossings (timing/intake.py)."""
        return self._shelf.on_track(event_id, track_id)

    def open_races(self) -> "list[LiveRace]":
        """All live races themselves."""
        return self._shelf.live_races()

    def is_racing(self, car_id: str) -> bool:
        """Whether this car is in a race that is not handed in yet."""
        return any(race.race.car_id == car_id for race in self.open_races())

    def has_begun(self, car_id: str) -> bool:
        """The same, once that race has begun."""
        return any(race.race.car_id == car_id and race.race.state is not RaceState.READY for race in self.open_races())

    async def view(self, race_id: str) -> RaceView:
        """Any race. Raises NotFound."""
        return self._view(await self._shelf.open(race_id))

    async def opened(self, race_id: str) -> LiveRace:
        """Any race itself, for append_many(). Raises NotFound."""
        return await self._shelf.open(race_id)

    async def allowed(self, race_id: str) -> frozenset[Kind]:
        """What its state allows now."""
        return allowed((await self._shelf.open(race_id)).race) - OWN_KINDS

    async def journal(self, race_id: str) -> list[Entry]:
        """Its durable entries in order of acceptance."""
        race = await self._shelf.open(race_id)
        return race.entries[: race.durable]

    async def trail(self, race_id: str, drive_name: Drive = by_id) -> "list[TrailLine]":
        """Its journal in words, oldest first."""
        race = await self._shelf.open(race_id)
        event = self._events.get(race.record.event_id)
        tracks = {track.track_id: track.name for track in event.tracks}
        return trail(
            race.entries[: race.durable],
            self._people.name_of,
            lambda track_id: tracks.get(track_id, f"track {track_id}"),
            drive_name,
        )

    async def list(self, wanted: RaceFilter) -> list[RaceView]:
        """Races that fit, newest first."""
        ids = await race_ids(self._db, wanted)
        loaded = await load_races(self._db, [race_id for race_id in ids if self._shelf.known(race_id) is None])
        # Thousands of folds take seconds, and a lap taken by hand is stamped here: so not on the event loop.
        views = await asyncio.to_thread(lambda: {one.race_id: self._view(LiveRace(one, rest)) for one, rest in loaded})
        known = {race_id: race for race_id in ids if (race := self._shelf.known(race_id)) is not None}
        return [
            self._view(known[race_id]) if race_id in known else views[race_id]
            for race_id in ids
            if race_id in known or race_id in views
        ]

    async def runs_done(self, event_id: str, track_id: str, racer_id: str) -> int:
        """Runs this racer has handed in on this track."""
        return await runs_done(self._db, event_id, track_id, racer_id)

    # ---- writing: durable before it returns

    async def create(self, new: NewRace, actor: str) -> RaceView:
        """
        Make a race in state ready, with a copy of the event's rules.

        Raises:
            InvalidInput: no such event, track or racer.
            Conflict: the track has a live race, or the racer's runs are used up and `override` is not set.
        """
        async with self._creating:
            known = None if new.race_id is None else await self._shelf.find(new.race_id)
            if known is not None:
                return self._repeated(known, new)
            with named_in("event_id"):
                event = self._events.get(new.event_id)
            with named_in("track_id"):
                self._events.track(new.event_id, new.track_id)
            with named_in("racer_id"):
                racer = who_can_race(self._people, new.racer_id)
            if self._shelf.on_track(event.event_id, new.track_id) is not None:
                raise Conflict(
                    "This track already has a race that is not finished.", "Submit or discard that race first."
                )
            done = await self.runs_done(new.event_id, new.track_id, new.racer_id)
            limit = event.rules.max_runs
            over_limit = limit is not None and done >= limit
            if over_limit and not new.override:
                raise Conflict(
                    f"{racer.username} has used {limit} of {limit} runs on this track.",
                    "Choose another racer, or allow one more run.",
                )
            record = RaceRecord(
                race_id=new.race_id or new_id(),
                event_id=new.event_id,
                rules=event.rules,
                run=done + 1,
                created_at=clock.now_iso(),
            )
            return await self._start(self._insert(record, ready_entry(record, new, actor, over_limit=over_limit)))

    async def act(self, race_id: str, action: Action, actor: str) -> RaceView:
        """
        Do one action of a person on a race.

        Raises:
            NotFound: no such race.
            InvalidInput: no such racer or track, or a field that the kind needs is missing.
            IllegalAction: its state does not allow it; nothing changed.
            Conflict: the moment at which it was pressed cannot be told, or is too long ago.
        """
        race = await self._shelf.open(race_id)
        if race.has(action.action_id):
            await self._settled(race, action.action_id)
            return self._view(race)
        if action.kind in OWN_KINDS:
            raise NotAllowed(f"{action.kind} is written by Trackside alone.", "Use start or lap to time by hand.")
        if action.kind in OWN_CALLS:
            raise NotAllowed(f"{action.kind} is no action.", "Use the calls for crossings and re-scoring.")
        check_targets(action, race.record.event_id, self._people, self._events)
        await self.append(race, pressed_entry(action, actor, race.entries, box_clock()))
        return self._view(race)

    def append(self, race: LiveRace, entry: Entry, extra: WriteJob | None = None) -> asyncio.Future[None]:
        """
        Take one entry at once; the answer is done when it is durable, with `extra` in the same transaction.

        The order of calls is the order in the journal. Raises IllegalAction before anything is awaited.
        """
        before = race.accepted
        entry = race.take(entry)
        return self._start(self._write(race, [entry], before, race.accepted, extra))

    def append_many(
        self, race: LiveRace, entries: Sequence[Entry], extra: WriteJob | None = None
    ) -> asyncio.Future[None]:
        """
        Take entries that accept() has judged one after the other on this very journal: all of them or none.

        All become durable in one transaction, with `extra`, and are told as one change. Raises Conflict when the race
        went on since they were judged.
        """
        before = race.accepted
        race.take_accepted(entries)
        return self._start(self._write(race, entries, before, race.accepted, extra))

    async def add_crossing(
        self, race_id: str, edge: EdgeSeen, actor: str, extra: WriteJob | None = None, reason: str | None = None
    ) -> RaceView:
        """
        Give a recorded crossing to a race; one that it has already changes nothing.

        Raises:
            NotFound: no such race.
            IllegalAction: it happened before the race was ready or after its end, or the race is discarded or deleted.
        """
        race = await self._shelf.open(race_id)
        newest = crossing_in(race.entries, edge)
        if newest is not None:
            await self._settled(race, newest.action_id)
            return self._view(race)
        await self.append(race, added_crossing(race.entries, edge, actor, reason), extra)
        return self._view(race)

    async def drop_crossing(
        self, race_id: str, seq: int, actor: str, extra: WriteJob | None = None, reason: str | None = None
    ) -> RaceView:
        """
        Take the crossing of journal entry `seq` out of a race; it can be given back.

        Raises:
            NotFound: no such race.
            InvalidInput: that entry is no crossing.
            IllegalAction: it is out already; the race has not started, or is discarded or deleted.
        """
        race = await self._shelf.open(race_id)
        payload = Payload(target_seq=seq, reason=reason)
        await self.append(race, self._entry(race, actor, Kind.DROP_CROSSING, payload), extra)
        return self._view(race)

    # ---- inside

    def _view(self, race: LiveRace) -> RaceView:
        return race.view(self._people, clock.mono_ns(), clock.boot_id())

    def _entry(self, race: LiveRace, actor: str, kind: Kind, payload: Payload) -> Entry:
        return Entry(
            race_id=race.record.race_id,
            seq=len(race.entries),
            action_id=new_id(),
            at_ns=clock.mono_ns(),
            boot_id=clock.boot_id(),
            wall_ns=clock.wall_ns(),
            actor=actor,
            kind=kind,
            payload=payload,
        )

    async def _write(
        self, race: LiveRace, entries: Sequence[Entry], before: Race, after: Race, extra: WriteJob | None
    ) -> None:
        counted = counts_on_boards(before) or counts_on_boards(after)
        bump_board_of = race.record.event_id if counted else None

        def job(connection: sqlite3.Connection) -> int:
            version = append_entries(connection, entries, after, submitted_at(after), bump_board_of=bump_board_of)
            if extra is not None:
                extra(connection)
            return version

        try:
            version = await self._db.write(job)
        except Exception:
            race.drop(entries)
            await self._resync(race)
            raise
        race.settle(entries, after)
        self._shelf.place(race)
        self._announce(race, entries[-1], after)
        if counted:
            self._facts.publish(results_changed(race.record, before, after, version))

    async def _resync(self, race: LiveRace) -> None:
        """After a failed write whose outcome may be unknown: what the disk says is what happened."""
        if not race.writes:
            _, entries = await load_race(self._db, race.record.race_id)
            if not race.writes:
                race.replace(entries)

    async def _insert(self, record: RaceRecord, ready: Entry) -> RaceView:
        race = LiveRace(record, [ready])
        await self._db.write(lambda connection: insert_race(connection, record, race.race, ready))
        self._shelf.place(race)
        self._announce(race, ready, race.race)
        return self._view(race)

    def _announce(self, race: LiveRace, entry: Entry, after: Race) -> None:
        self._facts.publish(RaceChanged(view=self._view(race), kind=entry.kind, actor=entry.actor))
        if self._people.get(after.racer_id).merged_into is not None:
            self._start(self._move_race(race.record.race_id))

    async def _settled(self, race: LiveRace, action_id: str) -> None:
        write = race.writes.get(action_id)
        if write is not None:
            await asyncio.shield(write)
        if not race.has(action_id):
            raise NotReady("The action could not be stored.", "Try again; if it stays so, look at System.")

    def _repeated(self, race: LiveRace, new: NewRace) -> RaceView:
        if race.record.event_id != new.event_id:
            raise Conflict("This race id belongs to a race of another event.", "Make a new id.")
        return self._view(race)

    def _event_changed(self, change: EventChanged) -> None:
        if not self._events.has(change.event_id):
            self._shelf.forget_event(change.event_id)

    def _racers_merged(self, merged: RacersMerged) -> None:
        self._start(self._move_races(merged.duplicate_id))

    async def _move_races(self, duplicate_id: str) -> None:
        wanted = RaceFilter(racer_id=duplicate_id, include_deleted=True, limit=ALL_RACES)
        for race_id in await race_ids(self._db, wanted):
            await self._move_race(race_id)

    async def _move_race(self, race_id: str) -> None:
        """To whom its racer was merged into. One that cannot be moved now (it is running) moves when it is over."""
        race = await self._shelf.open(race_id)
        keep_id = self._people.get(race.accepted.racer_id).merged_into
        if keep_id is not None and Kind.SET_RACER in allowed(race.accepted):
            payload = Payload(racer_id=keep_id, reason="merged")
            await self.append(race, self._entry(race, ACTOR_BOX, Kind.SET_RACER, payload))

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Run to the end even when the caller goes away: a write that began is not undone."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asyncio.shield(task)
