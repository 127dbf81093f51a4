"""The commands of a box, opened with the lines they go over."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from appliance.database import Database
from appliance.facts import Facts
from cars.cars import Cars
from cars.commands import Commands
from cars.fleets import Fleets
from cars.lines import Lines


@contextlib.asynccontextmanager
async def opened_commands(
    db: Database, facts: Facts, *, cars: Cars, fleets: Fleets, data_dir: Path
) -> AsyncIterator[Commands]:
    """For as long as the block lasts; all is let go at its end."""
    lines = Lines(facts, cars, data_dir)
    commands = Commands(db, facts, cars, fleets, lines)
    await commands.load()
    lines.start()
    try:
        yield commands
    finally:
        await commands.stop()
        await lines.stop()
