"""
The boards of an event: standings computed from handed-in races, kept in memory and brought up to date with each.

Nothing here is truth: after a restart the boards are folded again from the journals. Event loop only.
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from appliance.database import Database
from appliance.facts import Facts
from appliance.people import People
from appliance.people_structs import PersonChanged, Racer
from timing.events import Events
from timing.facts import BoardChanged, EventChanged
from timing.race import fold
from timing.races import ENTRY_COLUMNS, bump_board, entry_of, record_of
from timing.results import ResultsChanged, counts_on_boards
from timing.rules import Ranking
from timing.standings import Row, RunResult, combine, rank, run_result, summarise
from timing.structs import COMBINED, Board, BoardFormat, Standing

FORMAT_OF = {Ranking.BEST_LAP: BoardFormat.FASTEST, Ranking.BEST_AVERAGE: BoardFormat.AVERAGE}


@dataclass(slots=True)
class _EventResults:
    """All results of one event: `runs[track_id][racer_id][race_id]`; `rows` and `boards` are made when asked."""

    version: int
    runs: dict[str, dict[str, dict[str, RunResult]]] = field(default_factory=dict)
    rows: dict[tuple[str, BoardFormat], dict[str, Row]] = field(default_factory=dict)
    boards: dict[tuple[str, BoardFormat], Board] = field(default_factory=dict)

    def put(self, run: RunResult) -> None:
        self.runs.setdefault(run.track_id, {}).setdefault(run.racer_id, {})[run.race_id] = run

    def take_out(self, run: RunResult) -> None:
        self.runs.get(run.track_id, {}).get(run.racer_id, {}).pop(run.race_id, None)

    def runs_of(self, track_id: str, racer_id: str) -> list[RunResult]:
        return list(self.runs.get(track_id, {}).get(racer_id, {}).values())


class Boards:
    """Asked for a board, computes what is missing; told of a result, recomputes that racer alone."""

    def __init__(self, db: Database, facts: Facts, people: People, events: Events) -> None:
        self._db = db
        self._facts = facts
        self._people = people
        self._events = events
        self._results: dict[str, _EventResults] = {}
        self._loading: dict[str, asyncio.Future[_EventResults]] = {}
        self._early: dict[str, list[ResultsChanged]] = {}
        self._renames: set[asyncio.Task[None]] = set()
        facts.subscribe(ResultsChanged, self._take)
        facts.subscribe(PersonChanged, self._rename)
        facts.subscribe(EventChanged, self._event_changed)

    async def stop(self) -> None:
        """Wait for what is on its way to the disk."""
        while self._renames:
            await asyncio.wait(self._renames)

    async def board(self, event_id: str, track: str = COMBINED, board_format: BoardFormat | None = None) -> Board:
        """
        The standings of one track or of all combined; without a format, by the event's own ranking.

        Raises:
            NotFound: no such event or track.
        """
        event = self._events.get(event_id)
        if track != COMBINED:
            self._events.track(event_id, track)
        return self._board(await self._open(event_id), event_id, track, board_format or FORMAT_OF[event.rules.ranking])

    async def standing(self, event_id: str, track: str, racer_id: str) -> Standing | None:
        """A racer's row by the event's own ranking, None before the first result."""
        rows = (await self.board(event_id, track)).rows
        return next((row for row in rows if row.racer_id == racer_id), None)

    async def version(self, event_id: str) -> int:
        """The board version; survives a restart."""
        self._events.get(event_id)
        return (await self._open(event_id)).version

    def _board(self, results: _EventResults, event_id: str, track: str, board_format: BoardFormat) -> Board:
        key = (track, board_format)
        board = results.boards.get(key)
        if board is None or board.version != results.version:
            rows = rank(self._rows(results, track, board_format).values(), board_format)
            board = Board(event_id=event_id, track=track, format=board_format, version=results.version, rows=rows)
            results.boards[key] = board
        return board

    def _rows(self, results: _EventResults, track: str, board_format: BoardFormat) -> dict[str, Row]:
        key = (track, board_format)
        rows = results.rows.get(key)
        if rows is None:
            racers = {racer_id for of_track in results.runs.values() for racer_id in of_track}
            rows = results.rows[key] = {}
            for racer_id in racers:
                self._refresh(results, key, racer_id)
        return rows

    def _refresh(self, results: _EventResults, key: tuple[str, BoardFormat], racer_id: str) -> None:
        """Compute one racer's row of one board again."""
        track, board_format = key
        racer = _racer(self._people, racer_id)
        tracks: Iterable[str] = list(results.runs) if track == COMBINED else [track]
        of_tracks = [
            summarise(racer, runs, board_format) for track_id in tracks if (runs := results.runs_of(track_id, racer_id))
        ]
        if of_tracks:
            results.rows[key][racer_id] = combine(of_tracks, board_format)[0]
        else:
            results.rows[key].pop(racer_id, None)

    # ---- keeping up

    def _take(self, change: ResultsChanged) -> None:
        if change.event_id in self._loading:
            self._early.setdefault(change.event_id, []).append(change)
            return
        results = self._results.get(change.event_id)
        if results is not None:
            self._apply(results, change)
        self._publish(change)

    def _apply(self, results: _EventResults, change: ResultsChanged) -> None:
        racers = set()
        for run in (change.before, change.after):
            if run is not None:
                racers.add(run.racer_id)
        if change.before is not None:
            results.take_out(change.before)
        if change.after is not None:
            results.put(change.after)
        results.version = max(results.version, change.version)
        for key in results.rows:
            for racer_id in racers:
                self._refresh(results, key, racer_id)

    def _publish(self, change: ResultsChanged) -> None:
        racers = {run.racer_id for run in (change.before, change.after) if run is not None}
        self._facts.publish(
            BoardChanged(
                event_id=change.event_id,
                version=change.version,
                racer_ids=tuple(sorted(racers)),
                finished_race_id=change.race_id if change.handed_in else None,
            )
        )

    def _event_changed(self, change: EventChanged) -> None:
        """A changed event may rank by something else: start again from the journals when next asked."""
        self._results.pop(change.event_id, None)

    def _rename(self, change: PersonChanged) -> None:
        for event_id, results in self._results.items():
            if any(change.person_id in racers for racers in results.runs.values()):
                task = asyncio.ensure_future(self._rename_in(event_id, change.person_id))
                self._renames.add(task)
                task.add_done_callback(self._renames.discard)

    async def _rename_in(self, event_id: str, racer_id: str) -> None:
        """A racer's new name is a new version of every board they are on."""
        version = await self._db.write(lambda connection: bump_board(connection, event_id))
        results = self._results.get(event_id)
        if results is not None:
            results.version = max(results.version, version)
            for key in results.rows:
                self._refresh(results, key, racer_id)
        self._facts.publish(BoardChanged(event_id=event_id, version=version, racer_ids=(racer_id,)))

    # ---- loading

    async def _open(self, event_id: str) -> _EventResults:
        known = self._results.get(event_id)
        if known is not None:
            return known
        if event_id not in self._loading:
            self._loading[event_id] = asyncio.ensure_future(self._load(event_id))
        return await asyncio.shield(self._loading[event_id])

    async def _load(self, event_id: str) -> _EventResults:
        early: list[ResultsChanged] = []
        try:
            version = await self._db.fetch_one("SELECT board_version FROM event WHERE event_id = ?", (event_id,))
            races = await self._db.fetch_all(
                "SELECT * FROM race WHERE event_id = ? AND state = 'submitted' AND deleted = 0", (event_id,)
            )
            entries = await self._db.fetch_all(
                f"SELECT {ENTRY_COLUMNS} FROM journal WHERE race_id IN"  # noqa: S608
                " (SELECT race_id FROM race WHERE event_id = ? AND state = 'submitted' AND deleted = 0)"
                " ORDER BY race_id, seq",
                (event_id,),
            )
            results = _EventResults(version=version["board_version"] if version else 1)
            for run in await asyncio.to_thread(_fold_all, races, entries):
                results.put(run)
            self._results[event_id] = results
        finally:
            del self._loading[event_id]
            early = self._early.pop(event_id, [])
        for change in early:
            self._apply(results, change)
            self._publish(change)
        return results


def _fold_all(races: list[sqlite3.Row], entries: list[sqlite3.Row]) -> list[RunResult]:
    """Thousands of races take seconds, so not on the event loop."""
    journals: dict[str, list[sqlite3.Row]] = {}
    for row in entries:
        journals.setdefault(row["race_id"], []).append(row)
    runs = []
    for row in races:
        record = record_of(row)
        race = fold([entry_of(entry) for entry in journals[row["race_id"]]], record.rules)
        if counts_on_boards(race):
            runs.append(run_result(race))
    return runs


def _racer(people: People, racer_id: str) -> Racer:
    person = people.get(racer_id)
    return Racer(racer_id=racer_id, username=person.username, country=person.country, colour=person.colour)
