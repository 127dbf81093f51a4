"""Crossings that no race took, in SQL: the jobs that keep and close them, and the row as an edge."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from appliance import clock
from timing.crossings import EdgeKey, EdgeSeen
from timing.journal import ACTOR_STRIP, Entry

WriteJob = Callable[[sqlite3.Connection], None]

KEEP = (
    "INSERT INTO loose_crossing (recorder_id, edge_seq, event_id, track_id, boot_id, at_ns, wall_ns, line,"
    " recorder_boot_id, edge_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO "
)
CANDIDATES = """
SELECT race_id FROM race JOIN journal USING (race_id)
WHERE seq = 0 AND event_id = :event_id AND track_id = :track_id AND deleted = 0 AND state <> 'discarded'
    AND CASE boot_id WHEN :boot_id THEN at_ns <= :at_ns ELSE created_at <= :at END
ORDER BY boot_id = :boot_id DESC, CASE boot_id WHEN :boot_id THEN at_ns END DESC, created_at DESC LIMIT :most
"""
"""Made ready before the crossing; within one boot by the clock that never steps."""
OPEN_AGAIN = (
    "UPDATE SET event_id = excluded.event_id, track_id = excluded.track_id, given_at = NULL, given_by = NULL,"
    " given_race_id = NULL, dismissed_at = NULL, dismissed_by = NULL"
)


def loose_job(edge: EdgeSeen, event_id: str, track_id: str, replaces: EdgeKey | None = None) -> WriteJob:
    """
    The job that keeps a crossing which no race took; one that is kept already stays as it is.

    Args:
        replaces: The edge of the same pass in whose place it stands: nobody needs to be asked about that one any more.
    """
    keep, now = keep_job(edge, event_id, track_id, "NOTHING"), clock.now_iso()

    def job(connection: sqlite3.Connection) -> None:
        keep(connection)
        connection.execute(
            "UPDATE loose_crossing SET dismissed_at = ?, dismissed_by = ? WHERE recorder_id = ? AND edge_seq = ?"
            " AND given_at IS NULL AND dismissed_at IS NULL",
            (now, ACTOR_STRIP, *(replaces or ())),
        )

    return job if replaces is not None else keep


def given_job(added: Sequence[Entry], race_id: str, actor: str) -> WriteJob:
    """The job that closes those of `added` (entries of a re-scoring) that had been loose."""
    now = clock.now_iso()
    values = [(now, actor, race_id, entry.payload.recorder_id, entry.payload.edge_seq) for entry in added]

    def job(connection: sqlite3.Connection) -> None:
        connection.executemany(
            "UPDATE loose_crossing SET given_at = ?, given_by = ?, given_race_id = ?"
            " WHERE recorder_id = ? AND edge_seq = ? AND given_at IS NULL AND dismissed_at IS NULL",
            values,
        )

    return job


def keep_job(edge: EdgeSeen, event_id: str, track_id: str, if_known: str) -> WriteJob:
    """Keep it; `if_known`: what to do when it is kept already, in SQL."""
    values = (edge.recorder_id, edge.seq, event_id, track_id, edge.boot_id, edge.at_ns, edge.wall_ns, edge.line,
              edge.recorder_boot_id, edge.edge_ns)  # fmt: skip

    def job(connection: sqlite3.Connection) -> None:
        connection.execute(KEEP + if_known, values)

    return job


def now_in(connection: sqlite3.Connection, row: sqlite3.Row) -> Any:
    """The row once more, in the transaction: somebody else may have been faster."""
    cursor = connection.execute(
        "SELECT given_at, given_race_id, dismissed_at FROM loose_crossing WHERE recorder_id = ? AND edge_seq = ?",
        (row["recorder_id"], row["edge_seq"]),
    )
    cursor.row_factory = sqlite3.Row
    return cursor.fetchone()


def edge_of_row(row: sqlite3.Row) -> EdgeSeen:
    """The edge that was kept."""
    return EdgeSeen(
        recorder_id=row["recorder_id"],
        boot_id=row["boot_id"],
        seq=row["edge_seq"],
        line=row["line"],
        active=True,
        at_ns=row["at_ns"],
        wall_ns=row["wall_ns"],
        recorder_boot_id=row["recorder_boot_id"] or "",
        edge_ns=row["edge_ns"] or 0,
    )
