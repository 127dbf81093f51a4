"""
Crossings that no race took: "who was that?". Given to a race of their track or dismissed, never deleted.

Owns what became of each. Giving one is an entry of the race's journal (timing/control.py), in the same transaction.
Event loop only.
"""

import asyncio
import sqlite3

from msgspec.structs import replace

from appliance import clock
from appliance.database import Database
from appliance.errors import Conflict, NotFound, named_in
from appliance.facts import Facts
from appliance.people import People
from timing.control import RaceControl
from timing.crossing_entry import edge_of
from timing.crossing_views import Candidate, LooseCrossing
from timing.crossings import EdgeSeen
from timing.dry_run import candidate
from timing.events import Events
from timing.facts import CrossingGone, CrossingUnassigned
from timing.loose_list import crossing_of
from timing.loose_store import CANDIDATES, OPEN_AGAIN, WriteJob, edge_of_row, keep_job, loose_job, now_in
from timing.structs import RaceView
from timing.taken_back import crossing_in, standing_in

SHOWN = 50
"""The newest of a track; a strip that leaves more of them open has come loose, and nobody looks through them all."""
RACES_ASKED = 2
"""The race that was made last before the crossing, and the one before that: it may not have been handed in yet."""

__all__ = ["LooseCrossings", "loose_job"]

MOST_SEQ = 2**63
"""SQLite's largest number; an address may hold any."""

Candidates = list[Candidate]


class LooseCrossings:
    """All of the box; finished events' too."""

    def __init__(self, db: Database, facts: Facts, people: People, events: Events, control: RaceControl) -> None:
        self._db = db
        self._facts = facts
        self._people = people
        self._events = events
        self._control = control

    async def list(self, event_id: str, track_id: str | None = None, *, open_only: bool = True) -> list[LooseCrossing]:
        """
        The newest of an event or of one track, newest first; those that are open with the races that could take them.

        Raises:
            NotFound: no such event or track.
        """
        self._events.get(event_id)
        if track_id is not None:
            self._events.track(event_id, track_id)
        rows = await self._db.fetch_all(
            "SELECT * FROM loose_crossing WHERE event_id = :event_id AND (:track_id IS NULL OR track_id = :track_id)"
            " AND (NOT :open_only OR (given_at IS NULL AND dismissed_at IS NULL)) ORDER BY wall_ns DESC LIMIT :most",
            {"event_id": event_id, "track_id": track_id, "open_only": open_only, "most": SHOWN},
        )
        return [await self._shown(row) for row in rows]

    async def get(self, event_id: str, recorder_id: str, edge_seq: int) -> LooseCrossing:
        """One of them. Raises NotFound."""
        return await self._shown(await self._row(event_id, recorder_id, edge_seq))

    async def give(
        self, event_id: str, recorder_id: str, edge_seq: int, race_id: str, *, actor: str, reason: str | None = None
    ) -> RaceView:
        """
        Give it to a race of its track; the same once more changes nothing.

        Raises:
            NotFound: no such crossing.
            InvalidInput: no such race.
            Conflict: it was dismissed or given to another race, the race is of another track, or cannot take it.
        """
        row = await self._row(event_id, recorder_id, edge_seq)
        with named_in("race_id"):
            race = await self._control.view(race_id)
        if (race.event_id, race.track_id) != (row["event_id"], row["track_id"]):
            raise Conflict("That race is of another track.", "Give it to a race of the track where it happened.")
        edge = edge_of_row(row)
        mark = self._given_job(row, race_id, actor)
        if crossing_in(await self._control.journal(race_id), edge) is None:
            race = await self._control.add_crossing(race_id, edge, actor, mark, reason)
        else:
            await self._db.write(mark)
        self._facts.publish(CrossingGone(event_id=row["event_id"], track_id=row["track_id"]))
        return race

    async def take_out(self, race_id: str, seq: int, *, actor: str, reason: str | None = None) -> RaceView:
        """
        Take the crossing of journal entry `seq` out of a race: it is loose again, and can be given back or elsewhere.

        Raises:
            NotFound: no such race, or that entry is no crossing.
            IllegalAction: it is out already; the race has not started, or is discarded or deleted.
        """
        entries = await self._control.journal(race_id)
        entry = standing_in(entries, seq)
        edge = None if entry is None else edge_of(entry)
        if edge is None:
            raise NotFound("This race has no such crossing.", "Choose one of its crossings.")
        race = await self._control.view(race_id)
        job = keep_job(edge, race.event_id, race.track_id, OPEN_AGAIN)
        race = await self._control.drop_crossing(race_id, seq, actor, job, reason)
        self._tell_open(race.event_id, race.track_id, edge)
        return race

    async def dismiss(self, event_id: str, recorder_id: str, edge_seq: int, *, actor: str) -> LooseCrossing:
        """
        It was nobody: a foot on the strip, a car being carried. Twice changes nothing.

        Raises:
            NotFound: no such crossing.
            Conflict: it was given to a race.
        """
        row = await self._row(event_id, recorder_id, edge_seq)
        now = clock.now_iso()

        def job(connection: sqlite3.Connection) -> None:
            if now_in(connection, row)["given_at"] is not None:
                raise Conflict("This crossing was given to a race meanwhile.", "Take it out of that race first.")
            connection.execute(
                "UPDATE loose_crossing SET dismissed_at = ?, dismissed_by = ?"
                " WHERE recorder_id = ? AND edge_seq = ? AND dismissed_at IS NULL",
                (now, actor, recorder_id, edge_seq),
            )

        await self._db.write(job)
        self._facts.publish(CrossingGone(event_id=row["event_id"], track_id=row["track_id"]))
        return await self.get(event_id, recorder_id, edge_seq)

    async def undo_dismiss(self, event_id: str, recorder_id: str, edge_seq: int) -> LooseCrossing:
        """Ask again who that was. One that is open, or given to a race, stays as it is. Raises NotFound."""
        row = await self._row(event_id, recorder_id, edge_seq)

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE loose_crossing SET dismissed_at = NULL, dismissed_by = NULL"
                " WHERE recorder_id = ? AND edge_seq = ?",
                (recorder_id, edge_seq),
            )

        await self._db.write(job)
        if row["dismissed_at"] is not None:
            self._tell_open(row["event_id"], row["track_id"], edge_of_row(row))
        return await self.get(event_id, recorder_id, edge_seq)

    # ---- inside

    async def _row(self, event_id: str, recorder_id: str, edge_seq: int) -> sqlite3.Row:
        row = None
        if abs(edge_seq) < MOST_SEQ:
            row = await self._db.fetch_one(
                "SELECT * FROM loose_crossing WHERE event_id = ? AND recorder_id = ? AND edge_seq = ?",
                (event_id, recorder_id, edge_seq),
            )
        if row is None:
            raise NotFound("There is no such crossing.", "Choose one from the list of crossings.")
        return row

    def _given_job(self, row: sqlite3.Row, race_id: str, actor: str) -> WriteJob:
        now = clock.now_iso()

        def job(connection: sqlite3.Connection) -> None:
            current = now_in(connection, row)
            if current["dismissed_at"] is not None:
                raise Conflict("This crossing was dismissed meanwhile.", "Undo that first, then give it to a race.")
            if current["given_race_id"] not in (None, race_id):
                raise Conflict("This crossing was given to another race meanwhile.", "Take it out of that race first.")
            connection.execute(
                "UPDATE loose_crossing SET given_at = coalesce(given_at, ?), given_by = coalesce(given_by, ?),"
                " given_race_id = ? WHERE recorder_id = ? AND edge_seq = ?",
                (now, actor, race_id, row["recorder_id"], row["edge_seq"]),
            )

        return job

    def _tell_open(self, event_id: str, track_id: str, edge: EdgeSeen) -> None:
        self._facts.publish(CrossingUnassigned(event_id=event_id, track_id=track_id, line=edge.line, at_ns=edge.at_ns))

    async def _shown(self, row: sqlite3.Row) -> LooseCrossing:
        crossing = await crossing_of(row, self._people, self._control)
        return replace(crossing, candidates=await self._candidates(row)) if crossing.open else crossing

    async def _candidates(self, row: sqlite3.Row) -> Candidates:
        found = await self._db.fetch_all(
            CANDIDATES,
            {
                "event_id": row["event_id"],
                "track_id": row["track_id"],
                "boot_id": row["boot_id"],
                "at_ns": row["at_ns"],
                "at": clock.iso_utc(row["wall_ns"]),
                "most": RACES_ASKED,
            },
        )
        races = [await self._control.view(one["race_id"]) for one in found]
        journals = [await self._control.journal(race.race_id) for race in races]
        edge = edge_of_row(row)
        # A fold of each race and one more with the crossing in it: not on the event loop, a lap may be waiting.
        return await asyncio.to_thread(
            lambda: [candidate(race, entries, edge) for race, entries in zip(races, journals, strict=True)]
        )
