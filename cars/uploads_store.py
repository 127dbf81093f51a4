"""
Rows of uploads in SQL, and the room that each of them takes: quota of a racer, room on the disk.

All sums are made inside the one writer's transaction, so two uploads begun at once cannot both take the last room.
"""

import sqlite3
from dataclasses import dataclass

from appliance.errors import Conflict, NotFound
from cars.blobs import disk_full
from cars.models_store import NEEDS_BYTES
from cars.upload_structs import CHUNK_BYTES, UploadView

Connection = sqlite3.Connection

MODELS_PER_RACER = 20
"""Shown models and unfinished uploads of one racer: more than anybody drives in a day, and a list that fits a phone."""
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Room:
    """What a new upload may take: of its racer (None: no limit, the box's own), and of the disk."""

    quota_bytes: int | None
    spare_bytes: int


def view_of(row: sqlite3.Row) -> UploadView:
    """A row as people see it."""
    return UploadView(
        upload_id=row["upload_id"],
        racer_id=row["racer_id"],
        file_name=row["file_name"],
        size_bytes=row["size_bytes"],
        offset=row["offset_bytes"],
        chunk_bytes=CHUNK_BYTES,
        modified_at=row["modified_at"],
        touched_at=row["touched_at"],
        model_id=row["model_id"],
    )


def no_upload() -> NotFound:
    """The refusal of an id that is nobody's, or somebody else's: which of the two is not told."""
    return NotFound("There is no such upload.", "Choose the file again: it goes on where it stopped, or begins anew.")


def row_of(connection: Connection, upload_id: str) -> sqlite3.Row:
    """
    One row.

    Raises:
        NotFound: there is none, or not any more.
    """
    row: sqlite3.Row | None = connection.execute("SELECT * FROM upload WHERE upload_id = ?", [upload_id]).fetchone()
    if row is None:
        raise no_upload()
    return row


def find_or_insert(
    connection: Connection, new: UploadView, sha256: str | None, actor: str, room: Room
) -> tuple[UploadView, bool]:
    """
    The unfinished upload of the same file of the same racer, or a new one; and whether it is new.

    Raises:
        Conflict: it does not fit the racer's quota.
        NotReady: it does not fit the disk.
    """
    begun = _begun(connection, new, sha256)
    if begun is not None:
        return view_of(begun), False
    had = _had(connection, new, sha256)
    if had is None:
        refuse_over_quota(connection, new, room)
        _refuse_full_disk(connection, new, room)
    connection.execute(
        """
        INSERT INTO upload (upload_id, racer_id, file_name, size_bytes, sha256, modified_at, offset_bytes, actor,
                            started_at, touched_at, model_id)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            new.upload_id,
            new.racer_id,
            new.file_name,
            new.size_bytes,
            sha256,
            new.modified_at,
            0 if had is None else new.size_bytes,
            actor,
            new.touched_at,
            new.touched_at,
            had,
        ],
    )
    return view_of(row_of(connection, new.upload_id)), True


def moved_on(connection: Connection, upload_id: str, offset: int, at: str) -> UploadView:
    """So much of it is on the disk."""
    connection.execute(
        "UPDATE upload SET offset_bytes = ?, touched_at = ? WHERE upload_id = ?", [offset, at, upload_id]
    )
    return view_of(row_of(connection, upload_id))


def finished(connection: Connection, upload_id: str, model_id: str, at: str) -> UploadView:
    """Its model has its row; this one stays for a day, for a sender who did not hear of it."""
    connection.execute("UPDATE upload SET model_id = ?, touched_at = ? WHERE upload_id = ?", [model_id, at, upload_id])
    return view_of(row_of(connection, upload_id))


def delete(connection: Connection, upload_id: str) -> None:
    """Take a row out."""
    connection.execute("DELETE FROM upload WHERE upload_id = ?", [upload_id])


def delete_older(connection: Connection, before: str, but: list[str]) -> list[str]:
    """Take out what nobody has touched since; answers the ids."""
    marks = ", ".join("?" * len(but))
    rows = connection.execute(
        f"DELETE FROM upload WHERE touched_at < ? AND upload_id NOT IN ({marks}) RETURNING upload_id",  # noqa: S608
        [before, *but],
    )
    return [row["upload_id"] for row in rows.fetchall()]


def refuse_over_quota(connection: Connection, new: UploadView, room: Room) -> None:
    """Conflict when the racer has too many models, or too many bytes of them."""
    if room.quota_bytes is None:
        return
    count, held = connection.execute(
        f"""
        SELECT count(*), coalesce(sum(size_bytes) FILTER (WHERE keeps), 0) FROM (
            SELECT size_bytes, status IN ({NEEDS_BYTES}) AS keeps FROM model
                WHERE racer_id = :racer_id AND status != 'DELETED'
            UNION ALL
            SELECT size_bytes, TRUE FROM upload WHERE racer_id = :racer_id AND model_id IS NULL
        )
        """,  # noqa: S608
        {"racer_id": new.racer_id},
    ).fetchone()
    if count >= MODELS_PER_RACER:
        raise Conflict(f"There are {count} models already, and no more fit.", "Delete one that is not needed any more.")
    if held + new.size_bytes > room.quota_bytes:
        left = max(0, room.quota_bytes - held) // MB
        size, quota = -(-new.size_bytes // MB), room.quota_bytes // MB
        raise Conflict(
            f"{new.file_name} has {size} MB, and {left} MB of {quota} MB are left.",
            "Delete a model that is not needed any more.",
        )


def _refuse_full_disk(connection: Connection, new: UploadView, room: Room) -> None:
    """What others have begun and not sent yet is spoken for."""
    promised = connection.execute(
        "SELECT coalesce(sum(size_bytes - offset_bytes), 0) FROM upload WHERE model_id IS NULL"
    ).fetchone()[0]
    # Twice: its model.pb is unpacked beside it, and is as large (reference/car.md 2: 23 MB from 21 MB).
    if 2 * (promised + new.size_bytes) > room.spare_bytes:
        raise disk_full()


def _begun(connection: Connection, new: UploadView, sha256: str | None) -> sqlite3.Row | None:
    """The unfinished one of the same file: same name, size and time, and the same digest where both say one."""
    row: sqlite3.Row | None = connection.execute(
        """
        SELECT * FROM upload
        WHERE model_id IS NULL AND racer_id IS :racer_id AND file_name = :file_name AND size_bytes = :size_bytes
            AND modified_at IS :modified_at AND (sha256 IS NULL OR :sha256 IS NULL OR sha256 = :sha256)
        ORDER BY upload_id LIMIT 1
        """,
        {
            "racer_id": new.racer_id,
            "file_name": new.file_name,
            "size_bytes": new.size_bytes,
            "modified_at": new.modified_at,
            "sha256": sha256,
        },
    ).fetchone()
    return row


def _had(connection: Connection, new: UploadView, sha256: str | None) -> str | None:
    """The racer's own model of these very bytes. Never somebody else's: to know a digest is not to have the file."""
    row = connection.execute(
        f"SELECT model_id FROM model WHERE racer_id IS ? AND archive_sha256 = ? AND status IN ({NEEDS_BYTES})",  # noqa: S608
        [new.racer_id, sha256],
    ).fetchone()
    return None if row is None else str(row["model_id"])
