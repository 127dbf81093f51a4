"""The models of a box put together: rows, uploads, the folder for walk-ups, and their order of start and stop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.database import Database
from appliance.facts import Facts
from appliance.people import People
from appliance.settings import Settings
from cars.looking import Inspecting
from cars.models import Models
from cars.uploads import Uploads
from cars.uploads_store import MB
from cars.walk_up import WalkUpFolder

DIRECTORY = "models"
"""Below the data directory."""


@asynccontextmanager
async def opened_models(
    db: Database, facts: Facts, people: People, settings: Settings, inspector: Inspecting
) -> AsyncIterator[tuple[Models, Uploads, WalkUpFolder]]:
    """The models of a box, the uploads on their way to it and the folder, for as long as the block lasts."""
    models = Models(db, facts, people, settings.data_dir / DIRECTORY, inspector)
    await models.load()
    uploads = Uploads(db, people, models, settings.model_quota_mb * MB)
    await uploads.load()
    walk_up = WalkUpFolder(db, models, settings.models_dir or models.blobs.directory)
    models.start()
    uploads.start()
    walk_up.start()
    try:
        yield models, uploads, walk_up
    finally:
        await walk_up.stop()
        await uploads.stop()
        await models.stop()
