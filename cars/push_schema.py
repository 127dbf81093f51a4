"""
The tables of pushes and of the models' folders, their rows in SQL, and nothing of their meaning (cars/pushes.py's).

No name of a racer is kept here but in the folders, which go when the racer is forgotten.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.migrations import Migrations, SchemaDatabase
from cars.folder_names import folder_name
from cars.push_rules import PushState

MIGRATIONS = Migrations("cars.pushes")


@MIGRATIONS(name="0001_pushes")
def pushes(db: SchemaDatabase) -> None:
    """
    One row per push, for ever: `state` is where it ended, or "waiting" until then.

    `is_staged`: something of it may lie in its stage on the car, which `token` names. `cancelled_by` is set before the
    car knows of it.
    """
    for statement in (
        """
        CREATE TABLE pushes (
            push_id TEXT PRIMARY KEY,
            car_id TEXT NOT NULL,
            model_id TEXT NOT NULL,
            token TEXT NOT NULL,
            size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
            state TEXT NOT NULL
                CHECK (state IN ('waiting', 'done', 'already_there', 'failed', 'cancelled')),
            is_staged INTEGER NOT NULL DEFAULT 0 CHECK (is_staged IN (0, 1)),
            sent_bytes INTEGER NOT NULL DEFAULT 0,
            tries INTEGER NOT NULL DEFAULT 0,
            reason TEXT,
            remedy TEXT,
            actor TEXT NOT NULL,
            created_at TEXT NOT NULL,
            started_at TEXT,
            cancelled_by TEXT,
            ended_at TEXT
        ) STRICT
        """,
        "CREATE INDEX pushes_open ON pushes (push_id) WHERE ended_at IS NULL",
        "CREATE INDEX pushes_of_car ON pushes (car_id, push_id)",
        "CREATE INDEX pushes_of_model ON pushes (model_id, push_id)",
        """
        CREATE TABLE model_folders (
            folder TEXT PRIMARY KEY COLLATE NOCASE,
            model_id TEXT NOT NULL UNIQUE
        ) STRICT
        """,
    ):
        db.execute(statement)


@dataclass(frozen=True, slots=True)
class PushRow:
    """A row, with what the tables beside it say of its model."""

    push_id: str
    car_id: str
    model_id: str
    token: str
    size_bytes: int
    state: PushState
    is_staged: bool
    sent_bytes: int
    tries: int
    reason: str | None
    remedy: str | None
    actor: str
    created_at: str
    started_at: str | None
    cancelled_by: str | None
    ended_at: str | None
    folder: str | None
    model_name: str | None
    racer_id: str | None


_ROWS = """
SELECT pushes.*, model_folders.folder, model.name AS model_name, model.racer_id
FROM pushes LEFT JOIN model_folders USING (model_id) LEFT JOIN model USING (model_id)
"""
OPEN = _ROWS + "WHERE ended_at IS NULL ORDER BY push_id"
ONE = _ROWS + "WHERE push_id = ?"
UNTIDY = _ROWS + "WHERE is_staged = 1 AND pushes.state = 'cancelled' AND ended_at IS NOT NULL ORDER BY push_id"
NEWEST = (
    _ROWS
    + """
WHERE (:car_id IS NULL OR car_id = :car_id) AND (:model_id IS NULL OR model_id = :model_id)
    AND (:before IS NULL OR push_id < :before)
    AND CASE :which WHEN 'open' THEN ended_at IS NULL WHEN 'ended' THEN ended_at IS NOT NULL ELSE TRUE END
ORDER BY push_id DESC LIMIT :limit
"""
)
PUT_ON = _ROWS + "WHERE car_id = ? AND pushes.state = 'done' AND ended_at BETWEEN ? AND ?"
FOLDERS = "SELECT folder, model_id FROM model_folders"
_FORGOTTEN = "SELECT model_id FROM model WHERE racer_id = ?"
_LOOKS_FORGOTTEN = (
    "SELECT model_id FROM model WHERE status = 'DELETED' AND name = 'model' AND file_name = 'model.tar.gz'"
)


def row_of(record: sqlite3.Row) -> PushRow:
    """A stored row as the struct."""
    values = dict(record)
    return PushRow(**values | {"state": PushState(values["state"]), "is_staged": bool(values["is_staged"])})


def insert(connection: sqlite3.Connection, row: PushRow) -> str:
    """
    Add an open push, unless this model is on its way to this car already.

    Returns:
        The id of the push that is open now.
    """
    open_one = connection.execute(
        "SELECT push_id FROM pushes WHERE car_id = ? AND model_id = ? AND ended_at IS NULL AND cancelled_by IS NULL",
        (row.car_id, row.model_id),
    ).fetchone()
    if open_one is not None:
        return str(open_one[0])
    connection.execute(
        "INSERT INTO pushes (push_id, car_id, model_id, token, size_bytes, state, actor, created_at)"
        " VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?)",
        (row.push_id, row.car_id, row.model_id, row.token, row.size_bytes, row.actor, row.created_at),
    )
    return row.push_id


def folder_for(connection: sqlite3.Connection, model_id: str, username: str | None, model_name: str) -> str:
    """The model's folder on every car: the one it has, or a new one of its own."""
    known = connection.execute("SELECT folder FROM model_folders WHERE model_id = ?", (model_id,)).fetchone()
    if known is not None:
        return str(known[0])
    taken = [row[0] for row in connection.execute("SELECT folder FROM model_folders")]
    folder = folder_name(username, model_name, taken)
    connection.execute("INSERT INTO model_folders VALUES (?, ?)", (folder, model_id))
    return folder


def begun(connection: sqlite3.Connection, push_id: str, at: str) -> None:
    """From now on something of it may lie on the car."""
    connection.execute(
        "UPDATE pushes SET is_staged = 1, started_at = coalesce(started_at, ?) WHERE push_id = ?", (at, push_id)
    )


def cancel(connection: sqlite3.Connection, push_id: str, actor: str) -> None:
    """Somebody does not want it any more."""
    connection.execute(
        "UPDATE pushes SET cancelled_by = ? WHERE push_id = ? AND ended_at IS NULL AND cancelled_by IS NULL",
        (actor, push_id),
    )


def end(connection: sqlite3.Connection, row: PushRow) -> None:
    """Write down what became of it; a push ends once."""
    connection.execute(
        "UPDATE pushes SET state = ?, is_staged = ?, sent_bytes = ?, tries = ?, reason = ?, remedy = ?, ended_at = ?"
        " WHERE push_id = ? AND ended_at IS NULL",
        (
            row.state.value,
            row.is_staged,
            row.sent_bytes,
            row.tries,
            row.reason,
            row.remedy,
            row.ended_at,
            row.push_id,
        ),
    )


def tidied(connection: sqlite3.Connection, push_id: str) -> None:
    """Nothing of it lies on the car any more."""
    connection.execute("UPDATE pushes SET is_staged = 0 WHERE push_id = ?", (push_id,))


def forget(connection: sqlite3.Connection, racer_id: str | None = None) -> None:
    """Erase the folders of a forgotten racer's models; None: of all whose models look forgotten."""
    models, given = (_LOOKS_FORGOTTEN, ()) if racer_id is None else (_FORGOTTEN, (racer_id,))
    _forget(connection, models, given)


def _forget(connection: sqlite3.Connection, models: str, given: Sequence[str]) -> None:
    connection.execute(f"DELETE FROM model_folders WHERE model_id IN ({models})", given)  # noqa: S608  our own text
