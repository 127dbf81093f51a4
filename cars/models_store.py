"""
Rows of models in SQL: what each change is as one job for `Database.write`, and how a row becomes what people see.

A job answers the ids of the models that are different now. Who may do what, models.py decides.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from appliance.errors import Conflict, NotFound
from cars.model_names import free_name
from cars.model_structs import ModelFacts, ModelStatus, ModelView

Connection = sqlite3.Connection

NEEDS_BYTES = "'UPLOADED', 'AVAILABLE'"
"""Only these keep their bytes: what no car may get is not kept."""
LOOKS = 5
"""Inspections begun and never finished, before a file that takes the box down with it is refused."""


@dataclass(frozen=True, slots=True)
class NewModel:
    """What is known of a model when its last byte has come."""

    model_id: str
    racer_id: str | None
    name: str
    file_name: str
    size_bytes: int
    archive_sha256: str
    uploaded_at: str
    actor: str
    folder_file: str | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What went with a forgotten racer; `digests` may be needed by others still."""

    model_ids: list[str]
    digests: list[str]
    upload_ids: list[str]


@dataclass(frozen=True, slots=True)
class Sought:
    """
    Which models are asked for. `racer_id` and `is_box` exclude each other; without either, everybody's.

    `named`: with this in their name, or of one of `owner_ids`, or the box's own with `or_box`.
    """

    racer_id: str | None = None
    is_box: bool = False
    model_ids: tuple[str, ...] | None = None
    named: str | None = None
    owner_ids: tuple[str, ...] = ()
    or_box: bool = False
    status: ModelStatus | None = None
    with_deleted: bool = False
    before: str | None = None
    limit: int = 200


def view_of(row: sqlite3.Row, name_of: Callable[[str], str | None]) -> ModelView:
    """A row as people see it."""
    racer_id: str | None = row["racer_id"]
    return ModelView(
        model_id=row["model_id"],
        racer_id=racer_id,
        username=None if racer_id is None else name_of(racer_id),
        name=row["name"],
        file_name=row["file_name"],
        status=ModelStatus(row["status"]),
        size_bytes=row["size_bytes"],
        archive_sha256=row["archive_sha256"],
        uploaded_at=row["uploaded_at"],
        reason=row["reason"],
        remedy=row["remedy"],
        facts=None if row["facts"] is None else msgspec.json.decode(row["facts"], type=ModelFacts),
        chosen_at=row["chosen_at"],
    )


_NAMED = """(instr(lower(name), lower(:named)) > 0
    OR racer_id IN (SELECT value FROM json_each(:owner_ids)) OR (:or_box AND racer_id IS NULL))"""


def query(sought: Sought) -> tuple[str, dict[str, object]]:
    """The statement that finds them, newest first."""
    clauses, values = ["TRUE"], dict[str, object](limit=sought.limit)
    if sought.is_box:
        clauses.append("racer_id IS NULL")
    elif sought.racer_id is not None:
        clauses.append("racer_id = :racer_id")
        values["racer_id"] = sought.racer_id
    if sought.status is not None:
        clauses.append("status = :status")
        values["status"] = sought.status.value
    elif not sought.with_deleted:
        clauses.append("status != 'DELETED'")
    if sought.model_ids is not None:
        clauses.append("model_id IN (SELECT value FROM json_each(:model_ids))")
        values["model_ids"] = msgspec.json.encode(sought.model_ids).decode()
    if sought.named is not None:
        clauses.append(_NAMED)
        owners = msgspec.json.encode(sought.owner_ids).decode()
        values |= {"named": sought.named, "owner_ids": owners, "or_box": sought.or_box}
    if sought.before is not None:
        clauses.append("model_id < :before")
        values["before"] = sought.before
    # The clauses are ours; everything from outside is a parameter.
    return f"SELECT * FROM model WHERE {' AND '.join(clauses)} ORDER BY model_id DESC LIMIT :limit", values  # noqa: S608


def row_of(connection: Connection, model_id: str) -> sqlite3.Row:
    """
    One row.

    Raises:
        NotFound: there never was one.
    """
    row: sqlite3.Row | None = connection.execute("SELECT * FROM model WHERE model_id = ?", [model_id]).fetchone()
    if row is None:
        raise no_model()
    return row


def no_model() -> NotFound:
    """The refusal of an id that is nobody's, or somebody else's: which of the two is not told."""
    return NotFound("There is no such model.", "Look at the list of models again.")


def insert(connection: Connection, new: NewModel) -> str:
    """
    Make the row, UPLOADED. The same bytes of the same racer a second time make none: the answer is the model's id.
    """
    twin = connection.execute(
        f"SELECT model_id FROM model WHERE racer_id IS ? AND archive_sha256 = ? AND status IN ({NEEDS_BYTES})",  # noqa: S608
        [new.racer_id, new.archive_sha256],
    ).fetchone()
    if twin is not None:
        return str(twin["model_id"])
    connection.execute(
        """
        INSERT INTO model (model_id, racer_id, name, file_name, status, size_bytes, archive_sha256, uploaded_at,
                           uploaded_by, changed_at, changed_by, folder_file)
        VALUES (?, ?, ?, ?, 'UPLOADED', ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            new.model_id,
            new.racer_id,
            free_name(new.name, _names(connection, new.racer_id)),
            new.file_name,
            new.size_bytes,
            new.archive_sha256,
            new.uploaded_at,
            new.actor,
            new.uploaded_at,
            new.actor,
            new.folder_file,
        ],
    )
    return new.model_id


def rename(connection: Connection, model_id: str, name: str, actor: str, at: str) -> bool:
    """
    Another name; False when it has it already.

    Raises:
        Conflict: the racer has another model of that name, or this one is deleted.
    """
    row = row_of(connection, model_id)
    if row["status"] == ModelStatus.DELETED:
        raise Conflict(f"{row['name']} was deleted.", "Upload it again.")
    if row["name"] == name:
        return False
    if name.lower() in _names(connection, row["racer_id"], but=model_id):
        raise Conflict(f"There is another model called {name}.", "Choose another name.", field="name")
    connection.execute(
        "UPDATE model SET name = ?, changed_at = ?, changed_by = ? WHERE model_id = ?", [name, at, actor, model_id]
    )
    return True


def choose(connection: Connection, model_id: str, at: str) -> list[str]:
    """This one of its owner's models is raced with, and no other."""
    racer_id = row_of(connection, model_id)["racer_id"]
    rows = connection.execute(
        "UPDATE model SET chosen_at = iif(model_id = :model_id, :at, NULL)"
        " WHERE racer_id IS :racer_id AND (model_id = :model_id OR chosen_at IS NOT NULL) RETURNING model_id",
        {"model_id": model_id, "racer_id": racer_id, "at": at},
    )
    return [row["model_id"] for row in rows.fetchall()]


def delete(connection: Connection, model_id: str, actor: str, at: str) -> bool:
    """Take a model away; its row stays. False when it was away already."""
    row = row_of(connection, model_id)
    if row["status"] == ModelStatus.DELETED:
        return False
    connection.execute(
        "UPDATE model SET status = 'DELETED', reason = NULL, remedy = NULL, changed_at = ?, changed_by = ? "
        "WHERE model_id = ?",
        [at, actor, model_id],
    )
    return True


def begin_look(connection: Connection, sha256: str) -> int:
    """Count an inspection of these bytes that begins: the answer is which one it is, 0 when nobody waits for it."""
    rows = connection.execute(
        "UPDATE model SET looks = looks + 1 WHERE archive_sha256 = ? AND status = 'UPLOADED' RETURNING looks", [sha256]
    )
    return max((row["looks"] for row in rows.fetchall()), default=0)


def unbegin_look(connection: Connection, sha256: str) -> None:
    """It came to nothing through no fault of the bytes."""
    connection.execute("UPDATE model SET looks = max(looks - 1, 0) WHERE archive_sha256 = ?", [sha256])


def known_facts(connection: Connection, sha256: str) -> ModelFacts | None:
    """What an earlier look into the same bytes read out of them."""
    row = connection.execute(
        "SELECT facts FROM model WHERE archive_sha256 = ? AND status = 'AVAILABLE' LIMIT 1", [sha256]
    ).fetchone()
    return None if row is None else msgspec.json.decode(row["facts"], type=ModelFacts)


def looked(connection: Connection, sha256: str, facts: ModelFacts, at: str) -> list[str]:
    """These bytes are fit: everybody's model of them that waits is AVAILABLE."""
    return _settled(connection, sha256, "'UPLOADED'", "AVAILABLE", at, facts=msgspec.json.encode(facts).decode())


def refused(connection: Connection, sha256: str, reason: str, remedy: str, at: str) -> list[str]:
    """No car could drive these bytes."""
    return _settled(connection, sha256, "'UPLOADED'", "NOT_VALID", at, reason=reason, remedy=remedy)


def quarantined(connection: Connection, sha256: str, reason: str, remedy: str, at: str) -> list[str]:
    """The virus scanner found something in these bytes, whoever's they are."""
    return _settled(connection, sha256, NEEDS_BYTES, "QUARANTINED", at, reason=reason, remedy=remedy)


def scanned(connection: Connection, sha256: str, at: str) -> None:
    """The virus scanner found nothing."""
    connection.execute("UPDATE model SET scanned_at = ? WHERE archive_sha256 = ?", [at, sha256])


def merged(connection: Connection, keep_id: str, duplicate_id: str) -> list[str]:
    """A duplicate's models and uploads are the other's now."""
    connection.execute("UPDATE upload SET racer_id = ? WHERE racer_id = ?", [keep_id, duplicate_id])
    rows = connection.execute("SELECT model_id, name, status FROM model WHERE racer_id = ?", [duplicate_id]).fetchall()
    for row in rows:
        is_gone = row["status"] == ModelStatus.DELETED
        name = row["name"] if is_gone else free_name(row["name"], _names(connection, keep_id))
        connection.execute(
            "UPDATE model SET racer_id = ?, name = ? WHERE model_id = ?", [keep_id, name, row["model_id"]]
        )
    return [row["model_id"] for row in rows]


def forgotten(connection: Connection, racer_id: str, at: str) -> Forgotten:
    """Erase what a forgotten racer's models and uploads were called, and take them away."""
    uploads = connection.execute("DELETE FROM upload WHERE racer_id = ? RETURNING upload_id", [racer_id]).fetchall()
    models = connection.execute(
        "UPDATE model SET status = 'DELETED', name = 'model', file_name = 'model.tar.gz', reason = NULL, "
        "remedy = NULL, changed_at = ?, changed_by = 'box' WHERE racer_id = ? RETURNING model_id, archive_sha256",
        [at, racer_id],
    ).fetchall()
    return Forgotten(
        model_ids=[row["model_id"] for row in models],
        digests=sorted({row["archive_sha256"] for row in models}),
        upload_ids=[row["upload_id"] for row in uploads],
    )


def needed(connection: Connection) -> set[str]:
    """The digests of all archives that somebody's model needs."""
    rows = connection.execute(f"SELECT DISTINCT archive_sha256 FROM model WHERE status IN ({NEEDS_BYTES})")  # noqa: S608
    return {row["archive_sha256"] for row in rows.fetchall()}


def is_needed(connection: Connection, sha256: str) -> bool:
    """Whether anybody's model needs these bytes."""
    found = connection.execute(
        f"SELECT 1 FROM model WHERE archive_sha256 = ? AND status IN ({NEEDS_BYTES}) LIMIT 1",  # noqa: S608
        [sha256],
    )
    return found.fetchone() is not None


def _settled(connection: Connection, sha256: str, among: str, status: str, at: str, **values: str) -> list[str]:
    columns = "".join(f", {column} = :{column}" for column in values)
    rows = connection.execute(
        f"UPDATE model SET status = :status, changed_at = :at, changed_by = 'box'{columns} "  # noqa: S608
        f"WHERE archive_sha256 = :sha256 AND status IN ({among}) RETURNING model_id",
        {"status": status, "at": at, "sha256": sha256, **values},
    )
    return [row["model_id"] for row in rows.fetchall()]


def _names(connection: Connection, racer_id: str | None, but: str = "") -> set[str]:
    """The names that a racer's models have, in lower case."""
    rows = connection.execute(
        "SELECT name FROM model WHERE racer_id IS ? AND status != 'DELETED' AND model_id != ?", [racer_id, but]
    )
    return {row["name"].lower() for row in rows.fetchall()}
