"""The table of commands and its rows in SQL; what a command means is cars/commands.py's."""

import sqlite3
from collections.abc import Sequence

import msgspec

from appliance.migrations import Migrations, SchemaDatabase
from cars.command_structs import CommandState, CommandView, Verb

MIGRATIONS = Migrations("cars.commands")


@MIGRATIONS(name="0001_commands")
def commands(db: SchemaDatabase) -> None:
    """One row per command and car, for ever; those still asked at a start were never answered."""
    for statement in (
        """
        CREATE TABLE car_commands (
            command_id TEXT NOT NULL,
            car_id TEXT NOT NULL,
            verb TEXT NOT NULL,
            words TEXT NOT NULL,
            actor TEXT NOT NULL,
            asked_at TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('asked', 'done', 'failed')),
            answer TEXT,
            remedy TEXT,
            took_ms INTEGER,
            PRIMARY KEY (command_id, car_id)
        ) STRICT
        """,
        "CREATE INDEX car_commands_of_car ON car_commands (car_id, asked_at)",
        "CREATE INDEX car_commands_open ON car_commands (state) WHERE state = 'asked'",
    ):
        db.execute(statement)


OF_COMMAND = "SELECT * FROM car_commands WHERE command_id = ? ORDER BY car_id"
OF_CAR = "SELECT * FROM car_commands WHERE car_id = ? ORDER BY asked_at DESC, command_id DESC LIMIT ?"
FORGET_OPEN = "UPDATE car_commands SET state = 'failed', answer = ?, remedy = ? WHERE state = 'asked'"
_NAMES = CommandView.__struct_fields__
_INTO = f"INTO car_commands ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"


def view_of(record: sqlite3.Row) -> CommandView:
    """A stored row as the struct."""
    fields = dict(record)
    return CommandView(**{**fields, "verb": Verb(fields["verb"]), "state": CommandState(fields["state"])})


def save_new(connection: sqlite3.Connection, views: Sequence[CommandView]) -> None:
    """Rows of what is asked, a job for `Database.write`; one that is there stays, for it may have been answered."""
    connection.executemany(f"INSERT OR IGNORE {_INTO}", [_values(view) for view in views])


def save(connection: sqlite3.Connection, view: CommandView) -> None:
    """Insert or replace a row; a job for `Database.write`."""
    connection.execute(f"INSERT OR REPLACE {_INTO}", _values(view))


def _values(view: CommandView) -> list[object]:
    values = msgspec.structs.asdict(view)
    return [str(value) if name in ("verb", "state") else value for name, value in values.items()]
