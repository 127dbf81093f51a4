"""The tables of models and of uploads under way. A released migration is never edited."""

from appliance.migrations import Migrations, SchemaDatabase

MIGRATIONS = Migrations("cars.models")


@MIGRATIONS(name="0001_models_and_uploads")
def models_and_uploads(db: SchemaDatabase) -> None:
    """
    One row per model, for ever: the races that drove it point at it. One per upload, gone a day after its last byte.

    `racer_id` NULL: the box's own. `folder_file`: the file of the walk-up folder that it came from. `looks`: how often
    an inspection was begun. `offset_bytes`: how much of an upload is on the disk for sure.
    """
    db.execute(
        """
        CREATE TABLE model (
            model_id TEXT PRIMARY KEY,
            racer_id TEXT,
            name TEXT NOT NULL,
            file_name TEXT NOT NULL,
            status TEXT NOT NULL
                CHECK (status IN ('UPLOADED', 'AVAILABLE', 'NOT_VALID', 'QUARANTINED', 'DELETED')),
            size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
            archive_sha256 TEXT NOT NULL CHECK (length(archive_sha256) = 64),
            uploaded_at TEXT NOT NULL,
            uploaded_by TEXT NOT NULL,
            changed_at TEXT NOT NULL,
            changed_by TEXT NOT NULL,
            reason TEXT,
            remedy TEXT,
            facts TEXT,
            folder_file TEXT,
            looks INTEGER NOT NULL DEFAULT 0,
            scanned_at TEXT
        ) STRICT
        """
    )
    db.execute("CREATE INDEX model_racer ON model (racer_id, model_id)")
    db.execute("CREATE INDEX model_archive ON model (archive_sha256)")
    db.execute(
        """
        CREATE TABLE upload (
            upload_id TEXT PRIMARY KEY,
            racer_id TEXT,
            file_name TEXT NOT NULL,
            size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
            sha256 TEXT,
            modified_at TEXT,
            offset_bytes INTEGER NOT NULL DEFAULT 0 CHECK (offset_bytes BETWEEN 0 AND size_bytes),
            actor TEXT NOT NULL,
            started_at TEXT NOT NULL,
            touched_at TEXT NOT NULL,
            model_id TEXT
        ) STRICT
        """
    )
    db.execute("CREATE INDEX upload_racer ON upload (racer_id)")


@MIGRATIONS(name="0002_chosen_models")
def chosen_models(db: SchemaDatabase) -> None:
    """When its racer chose a model to race with; NULL where they did not, or chose another since."""
    db.execute("ALTER TABLE model ADD COLUMN chosen_at TEXT")
