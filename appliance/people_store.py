"""
People in SQL: rows, their trail, and the jobs that change them. Every function here runs in the writer's thread.

A job checks what it needs in its own transaction, so two requests at the same instant cannot both be right.
"""

import sqlite3
from collections.abc import Iterable

import msgspec

from appliance.clock import now_iso
from appliance.errors import Conflict, NotFound
from appliance.ids import new_id
from appliance.people_structs import Avatar, Person
from appliance.permissions import Role, with_racer
from appliance.usernames import username_key

LOAD = "SELECT * FROM person"

Details = dict[str, list[str | None]]


def person_of(row: sqlite3.Row) -> Person:
    """A stored row as the struct; the password's hash stays behind."""
    return Person(
        person_id=row["person_id"],
        username=row["username"],
        country=row["country"],
        colour=row["colour"],
        avatar=None if row["avatar"] is None else msgspec.json.decode(row["avatar"], type=Avatar),
        roles=msgspec.json.decode(row["roles"], type=list[Role]),
        has_password=row["password_hash"] is not None,
        created_at=row["created_at"],
        neutral=bool(row["neutral"]),
        merged_into=row["merged_into"],
        has_crew_badge=bool(row["crew_badge"]),
    )


def row_of(connection: sqlite3.Connection, person_id: str) -> sqlite3.Row:
    """
    The row as it is in this transaction.

    Raises:
        NotFound: nobody has this id.
    """
    row: sqlite3.Row | None = connection.execute("SELECT * FROM person WHERE person_id = ?", [person_id]).fetchone()
    if row is None:
        raise unknown_person()
    return row


def living_row_of(connection: sqlite3.Connection, person_id: str) -> sqlite3.Row:
    """
    The same, of somebody who can still be changed.

    Raises:
        Conflict: forgotten, or merged into another.
    """
    row = row_of(connection, person_id)
    if row["neutral"]:
        raise Conflict("This person has been forgotten; only laps are left.", "Register them again if they are back.")
    if row["merged_into"] is not None:
        raise Conflict("This person was merged into another one.", "Change the one they were merged into.")
    return row


def insert_person(
    connection: sqlite3.Connection, template: Person, password_hash: str | None, *, actor: str | None, kind: str
) -> sqlite3.Row:
    """
    Add somebody; `template` has everything but the id and the time. `actor` None: they did it themselves.

    Raises:
        Conflict: the name is taken.
    """
    person_id = new_id()
    check_free(connection, template.username)
    connection.execute(
        "INSERT INTO person"
        " (person_id, username, username_key, country, colour, avatar, roles, password_hash, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            person_id,
            template.username,
            username_key(template.username),
            template.country,
            template.colour,
            json_or_none(template.avatar),
            json_or_none(with_racer(template.roles)),
            password_hash,
            now_iso(),
        ],
    )
    roles = " ".join(with_racer(template.roles))
    add_trail(
        connection, person_id, actor or person_id, kind, {"username": [None, template.username], "roles": [None, roles]}
    )
    return row_of(connection, person_id)


def set_columns(connection: sqlite3.Connection, person_id: str, values: dict[str, object]) -> sqlite3.Row:
    """Set these columns of one person; the names come from this package, never from a request."""
    assignments = ", ".join(f"{column} = ?" for column in values)
    connection.execute(f"UPDATE person SET {assignments} WHERE person_id = ?", [*values.values(), person_id])  # noqa: S608
    return row_of(connection, person_id)


def check_free(connection: sqlite3.Connection, username: str, *, unless_id: str | None = None) -> None:
    """
    Refuse a name that somebody else has.

    Raises:
        Conflict: `field` is "username".
    """
    row = connection.execute("SELECT person_id FROM person WHERE username_key = ?", [username_key(username)]).fetchone()
    if row is not None and row["person_id"] != unless_id:
        raise name_taken(username)


def add_trail(connection: sqlite3.Connection, person_id: str, actor: str, kind: str, details: Details) -> None:
    """Write down who did what to whom; never a password, a badge code or a token."""
    connection.execute(
        "INSERT INTO people_trail (person_id, at, actor, kind, details) VALUES (?, ?, ?, ?, ?)",
        [person_id, now_iso(), actor, kind, json_or_none(details)],
    )


def end_sessions(connection: sqlite3.Connection, person_ids: Iterable[str]) -> None:
    """Sign these people out everywhere, in the transaction that gives the reason."""
    connection.executemany("DELETE FROM person_session WHERE person_id = ?", [[person_id] for person_id in person_ids])


def other_admins(connection: sqlite3.Connection, person_id: str | None) -> int:
    """How many admins there are besides this one."""
    row = connection.execute(
        "SELECT count(*) FROM person WHERE person_id IS NOT ? AND merged_into IS NULL"
        " AND EXISTS (SELECT 1 FROM json_each(roles) WHERE value = ?)",
        [person_id, Role.ADMIN.value],
    ).fetchone()
    return int(row[0])


def json_or_none(value: object) -> str | None:
    """The value as JSON text, None as NULL."""
    return None if value is None else msgspec.json.encode(value).decode()


def unknown_person() -> NotFound:
    """Nobody has this id."""
    return NotFound("There is no such person.", "Look for them under Racers; they may have been merged or removed.")


def name_taken(username: str) -> Conflict:
    """Somebody else has the name."""
    return Conflict(
        f"The name {username} is taken.", "Choose another, for example with a number behind it.", field="username"
    )
