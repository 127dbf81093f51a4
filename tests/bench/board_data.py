"""An event of the size that the design names, written straight into a data directory."""

import sqlite3
from collections.abc import Iterator
from random import Random

import msgspec

from appliance import clock
from appliance.database import Database
from appliance.ids import new_id
from timing.journal import ACTOR_STRIP, Entry, Kind, Payload
from timing.race import fold
from timing.races import ENTRY_COLUMNS, RaceRecord, insert_race
from timing.rules import RaceRules

LAPS_PER_RACE = 5
RACES_PER_WRITE = 500


async def fill(db: Database, event_id: str, tracks: list[str], racers: list[str], races: int, rules: RaceRules) -> None:
    """Write finished races, RACES_PER_WRITE in a transaction; racers and tracks take turns."""
    chance = Random(7)
    for first in range(0, races, RACES_PER_WRITE):
        numbers = range(first, min(first + RACES_PER_WRITE, races))
        whole = [
            list(race_entries(new_id(), tracks[number % len(tracks)], racers[number % len(racers)], chance))
            for number in numbers
        ]
        await db.write(lambda connection, whole=whole: _insert_all(connection, event_id, rules, whole))  # type: ignore[misc]


def race_entries(race_id: str, track_id: str, racer_id: str, chance: Random) -> Iterator[Entry]:
    """The journal of one finished race with LAPS_PER_RACE strip laps of 8 to 14 s."""
    at_ns = clock.mono_ns() - 3_600 * 10**9
    ready = Payload(racer_id=racer_id, track_id=track_id, by_proxy=False)
    kinds = [Kind.READY, Kind.START, *[Kind.CROSSING] * LAPS_PER_RACE, Kind.END, Kind.SUBMIT]
    for seq, kind in enumerate(kinds):
        at_ns += chance.randrange(8_000_000_000, 14_000_000_000)
        crossing = Payload(edge_ns=at_ns, edge_seq=seq, line=17)
        yield Entry(
            race_id=race_id,
            seq=seq,
            action_id=f"{race_id}:{seq}",
            at_ns=at_ns,
            boot_id=clock.boot_id(),
            wall_ns=clock.wall_ns(),
            actor=ACTOR_STRIP,
            kind=kind,
            payload={Kind.READY: ready, Kind.CROSSING: crossing}.get(kind, Payload()),
        )


def _insert_all(connection: sqlite3.Connection, event_id: str, rules: RaceRules, whole: list[list[Entry]]) -> None:
    for entries in whole:
        record = RaceRecord(
            race_id=entries[0].race_id, event_id=event_id, rules=rules, run=1, created_at=clock.now_iso()
        )
        race = fold(entries, rules)
        insert_race(connection, record, race, entries[0])
        connection.execute("UPDATE race SET submitted_at = ? WHERE race_id = ?", (record.created_at, record.race_id))
        connection.executemany(
            f"INSERT INTO journal ({ENTRY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_columns, entries[1:])
        )


def _columns(entry: Entry) -> tuple[object, ...]:
    payload = msgspec.json.encode(entry.payload).decode()
    where = (entry.race_id, entry.seq, entry.action_id, entry.at_ns, entry.boot_id, entry.wall_ns)
    return (*where, entry.actor, entry.kind, payload)
