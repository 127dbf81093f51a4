"""The table of fetched logs and its rows in SQL; what they mean is cars/logs.py's."""

import sqlite3
from dataclasses import dataclass

import msgspec

from appliance.migrations import Migrations, SchemaDatabase
from cars.log_structs import LogState

MIGRATIONS = Migrations("cars.logs")


@MIGRATIONS(name="0001_logs")
def logs(db: SchemaDatabase) -> None:
    """
    One row per fetch, for ever. `state` is where it ended, or "waiting" until then.

    `racer_id`: whose race or model it is, erased with everything that names the racer when they are forgotten.
    `recording`: the one that was asked for, NULL for those of the race.
    """
    for statement in (
        """
        CREATE TABLE car_logs (
            log_id TEXT PRIMARY KEY,
            car_id TEXT NOT NULL,
            race_id TEXT,
            racer_id TEXT,
            model_id TEXT,
            from_at TEXT NOT NULL,
            to_at TEXT NOT NULL,
            recording TEXT,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'stored', 'nothing', 'failed', 'deleted')),
            names TEXT NOT NULL DEFAULT '[]',
            size_bytes INTEGER NOT NULL DEFAULT 0 CHECK (size_bytes >= 0),
            reason TEXT,
            remedy TEXT,
            actor TEXT NOT NULL,
            asked_at TEXT NOT NULL,
            ended_at TEXT
        ) STRICT
        """,
        "CREATE INDEX car_logs_of_car ON car_logs (car_id, log_id)",
        "CREATE INDEX car_logs_of_race ON car_logs (race_id, log_id) WHERE race_id IS NOT NULL",
        "CREATE INDEX car_logs_of_racer ON car_logs (racer_id, log_id) WHERE racer_id IS NOT NULL",
        "CREATE INDEX car_logs_kept ON car_logs (state, log_id) WHERE state IN ('waiting', 'stored')",
    ):
        db.execute(statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """A row as it is stored."""

    log_id: str
    car_id: str
    race_id: str | None
    racer_id: str | None
    model_id: str | None
    from_at: str
    to_at: str
    recording: str | None
    state: LogState
    names: tuple[str, ...]
    size_bytes: int
    reason: str | None
    remedy: str | None
    actor: str
    asked_at: str
    ended_at: str | None


ONE = "SELECT * FROM car_logs WHERE log_id = ?"
OPEN = "SELECT * FROM car_logs WHERE state = 'waiting' ORDER BY log_id"
STORED = "SELECT log_id, size_bytes FROM car_logs WHERE state = 'stored' ORDER BY log_id"
OWNERS = "SELECT DISTINCT racer_id FROM car_logs WHERE racer_id IS NOT NULL"
OF_RACER = "SELECT log_id FROM car_logs WHERE racer_id = ?"
FOLDER = "SELECT folder FROM model_folders WHERE model_id = ?"
MODEL = "SELECT model_id, racer_id FROM model_folders JOIN model USING (model_id) WHERE folder = ?"
NEWEST = """
SELECT * FROM car_logs
WHERE (:car_id IS NULL OR car_id = :car_id) AND (:race_id IS NULL OR race_id = :race_id)
    AND (:racer_id IS NULL OR racer_id = :racer_id) AND (:before IS NULL OR log_id < :before)
    AND (:with_deleted OR state != 'deleted')
ORDER BY log_id DESC LIMIT :limit
"""
_LIKE_IT = """
SELECT log_id FROM car_logs
WHERE car_id = ? AND race_id IS ? AND recording IS ? AND state IN ('waiting', 'stored')
ORDER BY log_id DESC LIMIT 1
"""
_COLUMNS = ", ".join(LogRow.__slots__)
_SAVE = f"INSERT INTO car_logs ({_COLUMNS}) VALUES ({', '.join('?' * len(LogRow.__slots__))})"  # noqa: S608  our own names


def row_of(record: sqlite3.Row) -> LogRow:
    """A stored row as the struct."""
    values = dict(record)
    names = msgspec.json.decode(values["names"], type=tuple[str, ...])
    return LogRow(**values | {"state": LogState(values["state"]), "names": names})


def insert(connection: sqlite3.Connection, row: LogRow) -> str:
    """
    Add a fetch, unless the same is under way or stored.

    Returns:
        The id of the one that is there now.
    """
    known = connection.execute(_LIKE_IT, (row.car_id, row.race_id, row.recording)).fetchone()
    if known is not None:
        return str(known[0])
    values = {name: getattr(row, name) for name in LogRow.__slots__}
    values |= {"state": row.state.value, "names": _json(row.names)}
    connection.execute(_SAVE, list(values.values()))
    return row.log_id


def end(connection: sqlite3.Connection, row: LogRow) -> None:
    """Write down what became of it; only what waits, or is stored and now deleted, changes."""
    connection.execute(
        "UPDATE car_logs SET state = ?, names = ?, size_bytes = ?, reason = ?, remedy = ?, ended_at = ?"
        " WHERE log_id = ? AND (state = 'waiting' OR (? AND state != 'deleted'))",
        (
            row.state.value,
            _json(row.names),
            row.size_bytes,
            row.reason,
            row.remedy,
            row.ended_at,
            row.log_id,
            row.state is LogState.DELETED,
        ),
    )


def give_to(connection: sqlite3.Connection, race_id: str, racer_id: str) -> int:
    """The race is another racer's now; answers how many logs it had."""
    job = "UPDATE car_logs SET racer_id = ? WHERE race_id = ? AND racer_id IS NOT ?"
    return connection.execute(job, (racer_id, race_id, racer_id)).rowcount


def forget(connection: sqlite3.Connection, racer_id: str) -> None:
    """Nothing names them any more."""
    named = "racer_id = NULL, recording = NULL, names = '[]', reason = NULL, remedy = NULL"
    connection.execute(f"UPDATE car_logs SET {named} WHERE racer_id = ?", (racer_id,))  # noqa: S608  our own text


def _json(names: tuple[str, ...]) -> str:
    return msgspec.json.encode(names).decode()
