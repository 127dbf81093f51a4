"""
What must be in the two databases after a fault, worked out from the files alone, by other code than the box's.

Only for races whose journal has the kinds that the driver of these tests uses.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.strip_watch import HeardEdge


@dataclass(frozen=True, slots=True)
class Row:
    """One journal row, as far as times go."""

    seq: int
    action_id: str
    kind: str
    at_ns: int
    boot_id: str
    target_seq: int | None
    """Of an undo: the entry that it took back."""


def read(path: Path, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    """Rows of a database file, without touching it."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return list(connection.execute(sql, parameters))


def assert_whole(data: Path) -> None:
    """Both files pass SQLite's own check, and no edge number is missing."""
    for name in ("edges.db", "trackside.db"):
        assert read(data / name, "PRAGMA integrity_check") == [("ok",)], name
    ((count, highest),) = read(data / "edges.db", "SELECT count(*), coalesce(max(seq), 0) FROM edge")
    assert count == highest
    assert read(data / "trackside.db", "PRAGMA foreign_key_check") == []


def assert_edges_kept(data: Path, heard: Iterable[HeardEdge]) -> None:
    """Every edge that anyone was told of is in edges.db as it was told."""
    stored = {row[0]: row for row in read(data / "edges.db", "SELECT seq, boot_id, line, active, at_ns FROM edge")}
    told = [(edge.seq, edge.boot_id, edge.line, int(edge.active), edge.at_ns) for edge in heard]
    assert told
    assert [edge for edge in told if stored.get(edge[0]) != edge] == []


def journal(data: Path, race_id: str) -> list[Row]:
    """The race's journal in order of acceptance."""
    columns = "seq, action_id, kind, at_ns, boot_id, payload ->> 'target_seq'"
    sql = f"SELECT {columns} FROM journal WHERE race_id = ? ORDER BY seq"
    rows = [Row(*row) for row in read(data / "trackside.db", sql, race_id)]  # type: ignore[arg-type]
    assert [row.seq for row in rows] == list(range(len(rows)))
    return rows


def crossings_of(data: Path, lines: Iterable[int], lockout_ms: int) -> list[tuple[str, int]]:
    """(boot, at_ns) of every crossing: the first contact after a lock-out shared by the track's lines."""
    wanted = ",".join(str(line) for line in lines)
    sql = f"SELECT boot_id, at_ns FROM edge WHERE active = 1 AND line IN ({wanted}) ORDER BY seq"
    crossings: list[tuple[str, int]] = []
    for boot_id, at_ns in read(data / "edges.db", sql):
        assert isinstance(boot_id, str)
        assert isinstance(at_ns, int)
        if not crossings or crossings[-1][0] != boot_id or at_ns - crossings[-1][1] >= lockout_ms * 1_000_000:
            crossings.append((boot_id, at_ns))
    return crossings


def lap_times_ms(rows: Sequence[Row]) -> list[int]:
    """
    The laps of a race by the rules of the design, in one walk over its journal by time.

    Start, crossing, pause, resume and lap make times; a lap that was undone never happened, and a
    crossing while paused is where the lap begins anew.
    """
    undone = {row.target_seq for row in rows}
    order = [row for row in rows if row.seq not in undone]
    boots = list(dict.fromkeys(row.boot_id for row in order))
    laps: list[int] = []
    running, since, lap_ns, boot = False, 0, 0, ""
    for row in sorted(order, key=lambda row: (boots.index(row.boot_id), row.at_ns, row.seq)):
        if running and row.boot_id != boot:
            raise AssertionError("this oracle knows only races of one boot")
        boot = row.boot_id
        capture = row.kind == "lap" or (row.kind == "crossing" and running)
        if running and (capture or row.kind == "pause"):
            lap_ns += row.at_ns - since
            since = row.at_ns
        if running and capture:
            laps.append(lap_ns // 1_000_000)
            lap_ns = 0
        elif running and row.kind == "pause":
            running = False
        elif not running and row.kind in ("start", "resume", "crossing"):
            running, since = True, row.at_ns
            lap_ns = 0 if row.kind == "crossing" else lap_ns
    return laps
