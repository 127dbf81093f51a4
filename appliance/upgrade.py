"""`trackside migrate`: every room's tables, without starting the server."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from appliance import migrate
from appliance.backup import DATABASE
from appliance.database import Database
from appliance.errors import NotFound, NotReady
from appliance.serve import MIGRATIONS


def pending_steps(data_dir: Path) -> list[str]:
    """What `upgrade` would apply, as "room/step"; reads only."""
    path = data_dir.absolute() / DATABASE
    if not path.is_file():
        raise NotFound(
            f"There is no {DATABASE} in {data_dir}.", "Give the right directory with --data DIR; serve makes a new one."
        )
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            migrate.check_known(connection, path, MIGRATIONS)
            return migrate.pending(connection, MIGRATIONS)
    except sqlite3.Error as error:
        raise NotReady(f"Cannot read {path}: {error}.", "Run trackside doctor.") from error


def upgrade(data_dir: Path) -> None:
    """Apply everything pending, with a backup first."""

    async def run() -> None:
        db = await Database.open(data_dir / DATABASE, MIGRATIONS)
        await db.close()

    asyncio.run(run())
