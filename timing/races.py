"""
Races and their journals in SQL: rows in, rows out, and the one place that appends.

Refuses an entry that does not follow the last one durable, so that a race can never fork.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from appliance.database import Database
from appliance.errors import Conflict, NotFound
from timing.driven import keep_driven
from timing.journal import Entry, Kind, Payload
from timing.race import Race
from timing.rules import RaceRules

_encoder = msgspec.json.Encoder()
_payload_decoder = msgspec.json.Decoder(Payload)
_rules_decoder = msgspec.json.Decoder(RaceRules)

ENTRY_COLUMNS = "race_id, seq, action_id, at_ns, boot_id, wall_ns, actor, kind, payload"


@dataclass(frozen=True, slots=True)
class RaceRecord:
    """What is fixed when a race becomes ready; all else is folded from its journal."""

    race_id: str
    event_id: str
    rules: RaceRules
    run: int
    created_at: str


@dataclass(frozen=True, slots=True)
class RaceFilter:
    """
    Which races a list shows; None means any. `before` is a race id: only races made before it. `only_deleted` goes
    before `include_deleted`.
    """

    event_id: str | None = None
    track_id: str | None = None
    racer_id: str | None = None
    state: str | None = None
    include_deleted: bool = False
    only_deleted: bool = False
    before: str | None = None
    limit: int = 200


def entry_of(row: sqlite3.Row) -> Entry:
    """A journal row as an entry."""
    return Entry(
        race_id=row["race_id"],
        seq=row["seq"],
        action_id=row["action_id"],
        at_ns=row["at_ns"],
        boot_id=row["boot_id"],
        wall_ns=row["wall_ns"],
        actor=row["actor"],
        kind=Kind(row["kind"]),
        payload=_payload_decoder.decode(row["payload"]),
    )


def record_of(row: sqlite3.Row) -> RaceRecord:
    """A race row as its record."""
    return RaceRecord(
        race_id=row["race_id"],
        event_id=row["event_id"],
        rules=_rules_decoder.decode(row["rules"]),
        run=row["run"],
        created_at=row["created_at"],
    )


def insert_race(connection: sqlite3.Connection, record: RaceRecord, race: Race, ready: Entry) -> None:
    """Make a race with its first entry. Raises Conflict when the track has a live race already, or was removed."""
    _check_track(connection, record.event_id, race.track_id)
    try:
        connection.execute(
            "INSERT INTO race (race_id, event_id, track_id, racer_id, state, rules, by_proxy, car_id, model_id, run,"
            " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.race_id,
                record.event_id,
                race.track_id,
                race.racer_id,
                race.state,
                _encoder.encode(record.rules).decode(),
                race.by_proxy,
                race.car_id,
                race.model_id,
                record.run,
                record.created_at,
            ),
        )
    except sqlite3.IntegrityError as error:
        raise Conflict(
            "This track already has a race that is not finished.", "Submit or discard that race first."
        ) from error
    _insert_entry(connection, ready)


def append_entries(
    connection: sqlite3.Connection,
    entries: Sequence[Entry],
    race: Race,
    submitted_at: str | None,
    *,
    bump_board_of: str | None,
) -> int:
    """
    Append entries and bring the race's row in line with `race`, the fold that includes them.

    Args:
        entries: Of one race, one or more, numbered on from its journal.

    Returns:
        The board version of the event `bump_board_of`, raised by one, or 0 without it.

    Raises:
        Conflict: the journal does not end right before the first of them, or the track was removed or has another
            live race.
    """
    race_id = race.race_id
    row = connection.execute("SELECT max(seq) FROM journal WHERE race_id = ?", (race_id,)).fetchone()
    if row[0] != entries[0].seq - 1:
        raise Conflict("The race went on meanwhile.", "Look at it again and repeat what you meant.")
    if any(entry.kind in (Kind.SET_TRACK, Kind.RESTORE_RACE) for entry in entries):
        event = connection.execute("SELECT event_id FROM race WHERE race_id = ?", (race_id,)).fetchone()
        _check_track(connection, event[0], race.track_id)
    for entry in entries:
        _insert_entry(connection, entry)
    try:
        connection.execute(
            "UPDATE race SET state = ?, track_id = ?, racer_id = ?, by_proxy = ?, car_id = ?, model_id = ?,"
            " deleted = ?, submitted_at = ? WHERE race_id = ?",
            (
                race.state,
                race.track_id,
                race.racer_id,
                race.by_proxy,
                race.car_id,
                race.model_id,
                race.deleted,
                submitted_at,
                race_id,
            ),
        )
    except sqlite3.IntegrityError as error:
        raise Conflict("That track has a race that is not finished.", "Submit or discard that race first.") from error
    keep_driven(connection, race_id, race.laps)
    if bump_board_of is None:
        return 0
    return bump_board(connection, bump_board_of)


def _check_track(connection: sqlite3.Connection, event_id: str, track_id: str) -> None:
    """Once more in the transaction: the track may have been removed since the caller looked."""
    track = connection.execute("SELECT 1 FROM track WHERE event_id = ? AND track_id = ?", (event_id, track_id))
    if track.fetchone() is None:
        raise Conflict("The race's track is gone.", "Choose another track of the event, or add one.")


def bump_board(connection: sqlite3.Connection, event_id: str) -> int:
    """Raise an event's board version; in the same transaction as what changed the board."""
    row = connection.execute(
        "UPDATE event SET board_version = board_version + 1 WHERE event_id = ? RETURNING board_version", (event_id,)
    ).fetchone()
    return int(row[0])


def _insert_entry(connection: sqlite3.Connection, entry: Entry) -> None:
    connection.execute(
        f"INSERT INTO journal ({ENTRY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            entry.race_id,
            entry.seq,
            entry.action_id,
            entry.at_ns,
            entry.boot_id,
            entry.wall_ns,
            entry.actor,
            entry.kind,
            _encoder.encode(entry.payload).decode(),
        ),
    )


async def load_race(db: Database, race_id: str) -> tuple[RaceRecord, list[Entry]]:
    """A race and its whole journal, oldest acceptance first. Raises NotFound."""
    row = await db.fetch_one("SELECT * FROM race WHERE race_id = ?", (race_id,))
    if row is None:
        raise NotFound("There is no such race.", "Choose one from the list of races.")
    rows = await db.fetch_all(
        f"SELECT {ENTRY_COLUMNS} FROM journal WHERE race_id = ? ORDER BY seq",  # noqa: S608
        (race_id,),
    )
    return record_of(row), [entry_of(entry) for entry in rows]


def race_in(connection: sqlite3.Connection, race_id: str) -> tuple[RaceRecord, list[Entry]]:
    """As `load_race`, of a race that is there, inside a migration or another job of the writer."""
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    record = record_of(cursor.execute("SELECT * FROM race WHERE race_id = ?", (race_id,)).fetchone())
    rows = cursor.execute(
        f"SELECT {ENTRY_COLUMNS} FROM journal WHERE race_id = ? ORDER BY seq",  # noqa: S608
        (race_id,),
    )
    return record, [entry_of(row) for row in rows]


async def load_races(db: Database, race_ids: Sequence[str]) -> list[tuple[RaceRecord, list[Entry]]]:
    """Several races with their journals, in the order asked; unknown ids are left out."""
    marks = ", ".join("?" * len(race_ids))
    rows = await db.fetch_all(f"SELECT * FROM race WHERE race_id IN ({marks})", race_ids)  # noqa: S608
    records = {row["race_id"]: record_of(row) for row in rows}
    journals: dict[str, list[Entry]] = {race_id: [] for race_id in records}
    entries = await db.fetch_all(
        f"SELECT {ENTRY_COLUMNS} FROM journal WHERE race_id IN ({marks}) ORDER BY race_id, seq",  # noqa: S608
        race_ids,
    )

    def sort() -> None:
        for row in entries:
            if row["race_id"] in journals:
                journals[row["race_id"]].append(entry_of(row))

    await asyncio.to_thread(sort)
    return [(records[race_id], journals[race_id]) for race_id in race_ids if race_id in records]


async def live_race_ids(db: Database) -> list[str]:
    """Races that are not finished, on any track."""
    rows = await db.fetch_all(
        "SELECT race_id FROM race WHERE deleted = 0 AND state IN ('ready', 'running', 'paused', 'over')"
    )
    return [row["race_id"] for row in rows]


async def runs_done(db: Database, event_id: str, track_id: str, racer_id: str) -> int:
    """Submitted runs of this racer on this track."""
    row = await db.fetch_one(
        "SELECT count(*) AS runs FROM race WHERE racer_id = ? AND event_id = ? AND track_id = ?"
        " AND state = 'submitted' AND deleted = 0",
        (racer_id, event_id, track_id),
    )
    return int(row["runs"]) if row else 0


async def racer_ids(db: Database) -> list[str]:
    """Everybody who ever had a race."""
    return [row["racer_id"] for row in await db.fetch_all("SELECT DISTINCT racer_id FROM race")]


async def race_ids(db: Database, wanted: RaceFilter) -> list[str]:
    """Ids of the races that fit, newest first."""
    conditions, parameters = ["1"], []
    for column, value in (
        ("event_id", wanted.event_id),
        ("track_id", wanted.track_id),
        ("racer_id", wanted.racer_id),
        ("state", wanted.state),
    ):
        if value is not None:
            conditions.append(f"{column} = ?")
            parameters.append(value)
    if wanted.only_deleted:
        conditions.append("deleted = 1")
    elif not wanted.include_deleted:
        conditions.append("deleted = 0")
    if wanted.before is not None:
        conditions.append("(created_at, race_id) < (SELECT created_at, race_id FROM race WHERE race_id = ?)")
        parameters.append(wanted.before)
    rows = await db.fetch_all(
        f"SELECT race_id FROM race WHERE {' AND '.join(conditions)}"  # noqa: S608
        " ORDER BY created_at DESC, race_id DESC LIMIT ?",
        (*parameters, wanted.limit),
    )
    return [row["race_id"] for row in rows]
