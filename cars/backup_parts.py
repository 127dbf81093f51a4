"""The files of this room that a backup may hold: archives of models with what was unpacked from them, fetched logs."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from appliance.backup_parts import Part
from cars import log_schema, models_store
from cars.blobs import METADATA, PB
from cars.log_files import DIRECTORY as LOGS
from cars.log_files import ENDING
from cars.models_room import DIRECTORY as MODELS

_BLOB = r"[0-9a-f]{2}/[0-9a-f]{64}"


def _models(connection: sqlite3.Connection, data_dir: Path) -> Iterator[str]:
    if not _has_table(connection, "model"):
        return
    for sha256 in models_store.needed(connection):
        archive = f"{MODELS}/blobs/{sha256[:2]}/{sha256}"
        yield archive
        # Only what was looked into has them.
        yield from (path for name in (PB, METADATA) if (data_dir / (path := f"{archive}.d/{name}")).exists())


def _logs(connection: sqlite3.Connection, _: Path) -> Iterator[str]:
    if _has_table(connection, "car_logs"):
        yield from (f"{LOGS}/{row['log_id']}{ENDING}" for row in connection.execute(log_schema.STORED))


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    """A database of an older version has fewer."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
    return found.fetchone() is not None


MODEL_FILES = Part(
    "models", re.compile(rf"{MODELS}/blobs/{_BLOB}(\.d/({re.escape(PB)}|{re.escape(METADATA)}))?"), _models
)
LOG_FILES = Part("logs", re.compile(rf"{LOGS}/[0-9a-f-]{{36}}{re.escape(ENDING)}"), _logs)
PARTS = (MODEL_FILES, LOG_FILES)
