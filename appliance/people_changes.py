"""
What can be done to a person, each as one job for `Database.write`: change, roles, password, badge, merge, forget.

A job returns the rows that are different now, the person meant first.
"""

import secrets
import sqlite3

from msgspec import UNSET

from appliance import unix_people
from appliance.countries import COUNTRIES
from appliance.errors import Conflict, InvalidInput, NotAllowed
from appliance.people_store import (
    Details,
    add_trail,
    check_free,
    end_sessions,
    json_or_none,
    living_row_of,
    other_admins,
    person_of,
    row_of,
    set_columns,
)
from appliance.people_structs import COLOURS, Person, RacerPatch
from appliance.permissions import Permission, Role, can, is_staff, with_racer
from appliance.usernames import clean_username, neutral_username, username_key

Connection = sqlite3.Connection
Rows = list[sqlite3.Row]


def check_country(country: str | None) -> str | None:
    """
    A country that exists, or None.

    Raises:
        InvalidInput: `field` is "country".
    """
    if country is not None and country not in COUNTRIES:
        raise InvalidInput(f"There is no country {country}.", "Use its two letters, for example DE.", field="country")
    return country


def check_colour(colour: str | None) -> str | None:
    """
    One of the eight colours, or None.

    Raises:
        InvalidInput: `field` is "colour".
    """
    if colour is not None and colour not in COLOURS:
        raise InvalidInput(f"There is no colour {colour}.", f"Use one of {', '.join(COLOURS)}.", field="colour")
    return colour


def check_actor(connection: Connection, actor: str, target: Person) -> None:
    """
    Staff are changed by admins and by themselves only. An actor that is nobody's id is the box or its owner at a shell;
    one who came over the box's Unix socket is an operator.

    Raises:
        NotAllowed: an operator or a registration desk tried to change staff.
    """
    if actor == target.person_id or not target.is_staff:
        return
    row = connection.execute("SELECT roles FROM person WHERE person_id = ?", [actor]).fetchone()
    comes_locally = unix_people.shown_name(actor) is not None
    if row is None and not comes_locally:
        return
    roles = unix_people.ROLES if comes_locally else person_roles(connection, actor)
    if not can(roles, Permission.MANAGE_STAFF):
        raise NotAllowed(f"{target.username} is staff.", "Ask an admin to change it.")


def person_roles(connection: Connection, person_id: str) -> list[Role]:
    """The roles as they are in this transaction."""
    return person_of(row_of(connection, person_id)).roles


def change(connection: Connection, person_id: str, patch: RacerPatch, actor: str) -> Rows:
    """Rename, country, colour, avatar."""
    before = person_of(living_row_of(connection, person_id))
    check_actor(connection, actor, before)
    values: dict[str, object] = {}
    if patch.username is not UNSET:
        values["username"] = clean_username(patch.username)
        values["username_key"] = username_key(clean_username(patch.username))
        check_free(connection, clean_username(patch.username), unless_id=person_id)
    if patch.country is not UNSET:
        values["country"] = check_country(patch.country)
    if patch.colour is not UNSET:
        values["colour"] = check_colour(patch.colour)
    if patch.avatar is not UNSET:
        values["avatar"] = json_or_none(patch.avatar)
    if not values:
        return [row_of(connection, person_id)]
    row = set_columns(connection, person_id, values)
    details = _differences(before, person_of(row))
    if details:
        add_trail(connection, person_id, actor, "changed", details)
    return [row]


def change_roles(connection: Connection, person_id: str, roles: list[Role], actor: str) -> Rows:
    """Give and take roles; sessions end, because they were started as somebody who may do other things."""
    row = living_row_of(connection, person_id)
    before, after = person_of(row), with_racer(roles)
    if before.roles == after:
        return [row]
    check_actor(connection, actor, before)
    if Role.ADMIN in before.roles and Role.ADMIN not in after:
        _keep_an_admin(connection, person_id)
    if is_staff(after) and row["password_hash"] is None:
        raise Conflict(f"{before.username} has no password.", "Set a password first: staff must have one.")
    # A badge that was printed for a racer must not open a staff account, nor one that was given with other roles.
    values: dict[str, object] = {"roles": json_or_none(after), **_no_badge(row)}
    end_sessions(connection, [person_id])
    add_trail(connection, person_id, actor, "roles_set", {"roles": [" ".join(before.roles), " ".join(after)]})
    if before.has_crew_badge:
        add_trail(connection, person_id, actor, "badge_taken_away", {})
    return [set_columns(connection, person_id, values)]


def change_password(connection: Connection, person_id: str, password_hash: str, actor: str) -> Rows:
    """A new password; sessions end, because the old one may have been known to somebody."""
    check_actor(connection, actor, person_of(living_row_of(connection, person_id)))
    end_sessions(connection, [person_id])
    add_trail(connection, person_id, actor, "password_set", {})
    return [set_columns(connection, person_id, {"password_hash": password_hash})]


def change_badge(connection: Connection, person_id: str, actor: str) -> Rows:
    """A new badge; the old one stops, and whoever used it is signed out."""
    row = living_row_of(connection, person_id)
    check_actor(connection, actor, person_of(row))
    end_sessions(connection, [person_id])
    add_trail(connection, person_id, actor, "badge_renewed", {})
    return [set_columns(connection, person_id, {"badge_serial": row["badge_serial"] + 1})]


def give_badge(connection: Connection, person_id: str, actor: str, *, is_first: bool) -> Rows:
    """
    A badge for one of the crew. A code that was out before stops.

    Args:
        is_first: None was out: sessions go on, because nobody can have started one with it.
    """
    row = _crew_row(connection, person_id, actor)
    if not is_first:
        end_sessions(connection, [person_id])
    add_trail(connection, person_id, actor, "badge_given" if is_first else "badge_renewed", {})
    return [set_columns(connection, person_id, {"badge_serial": row["badge_serial"] + 1, "crew_badge": 1})]


def take_badge_away(connection: Connection, person_id: str, actor: str) -> Rows:
    """The badge of one of the crew stops, and whoever used it is signed out. Without one nothing changes."""
    row = _crew_row(connection, person_id, actor)
    if not row["crew_badge"]:
        return [row]
    end_sessions(connection, [person_id])
    add_trail(connection, person_id, actor, "badge_taken_away", {})
    return [set_columns(connection, person_id, _no_badge(row))]


def merge(connection: Connection, keep_id: str, duplicate_id: str, actor: str) -> Rows:
    """The duplicate stops being anybody; its name is free again, what the other lacks is taken over."""
    if keep_id == duplicate_id:
        raise InvalidInput("A racer cannot be merged with itself.", "Choose the duplicate.", field="duplicate_id")
    keep, gone = living_row_of(connection, keep_id), living_row_of(connection, duplicate_id)
    if person_of(gone).is_staff:
        raise Conflict(f"{gone['username']} is staff.", "Take the staff roles away first, or keep this one.")
    check_actor(connection, actor, person_of(keep))
    connection.execute("UPDATE person SET merged_into = ? WHERE merged_into = ?", [keep_id, duplicate_id])
    dead = {"merged_into": keep_id, "username_key": f"~{duplicate_id}", "password_hash": None}
    gone = set_columns(connection, duplicate_id, {**dead, **_no_badge(gone)})
    filled = {name: keep[name] if keep[name] is not None else gone[name] for name in ("country", "colour", "avatar")}
    keep = set_columns(connection, keep_id, filled)
    end_sessions(connection, [duplicate_id])
    add_trail(connection, keep_id, actor, "took_over", {"username": [gone["username"], keep["username"]]})
    add_trail(connection, duplicate_id, actor, "merged", {"username": [gone["username"], keep["username"]]})
    return [keep, *_family(connection, keep_id)[1:]]


def forget(connection: Connection, person_id: str, actor: str) -> Rows:
    """Erase everything personal of somebody and of the duplicates merged into them; races keep pointing at the id."""
    row = living_row_of(connection, person_id)
    person = person_of(row)
    check_actor(connection, actor, person)
    if Role.ADMIN in person.roles:
        _keep_an_admin(connection, person_id)
    name = neutral_username(lambda: secrets.token_hex(2), lambda key: _is_taken(connection, key))
    family = [member["person_id"] for member in _family(connection, person_id)]
    for member_id in family:
        _erase(connection, member_id, name, username_key(name) if member_id == person_id else f"~{member_id}")
    end_sessions(connection, family)
    add_trail(connection, person_id, actor, "forgotten", {})
    return _family(connection, person_id)


def _erase(connection: Connection, person_id: str, name: str, key: str) -> None:
    no_badge = _no_badge(row_of(connection, person_id))
    gone = dict.fromkeys(("country", "colour", "avatar", "password_hash"))
    roles = json_or_none(with_racer([]))
    kept = {"username": name, "username_key": key, "roles": roles, "neutral": 1}
    set_columns(connection, person_id, {**gone, **kept, **no_badge})
    connection.execute("UPDATE people_trail SET details = NULL WHERE person_id = ?", [person_id])


def _crew_row(connection: Connection, person_id: str, actor: str) -> sqlite3.Row:
    """The row of somebody whose badge this actor may give and take: of the crew, no admin, never oneself."""
    row = living_row_of(connection, person_id)
    person = person_of(row)
    if not person.is_staff:
        raise Conflict(f"{person.username} is not of the crew.", "A racer's badge is under Racers.")
    if not person.may_have_crew_badge:
        raise Conflict(
            f"{person.username} is an admin and has no badge.", "Admins sign in with name and password only."
        )
    if actor == person_id:
        raise NotAllowed("Nobody gives themselves a badge.", "Ask an admin.")
    check_actor(connection, actor, person)
    return row


def _no_badge(row: sqlite3.Row) -> dict[str, object]:
    """What stops whichever badge is out, and gives the crew none."""
    return {"badge_serial": row["badge_serial"] + 1, "crew_badge": 0}


def _family(connection: Connection, person_id: str) -> Rows:
    """The person and the duplicates merged into them."""
    merged = connection.execute("SELECT * FROM person WHERE merged_into = ?", [person_id]).fetchall()
    return [row_of(connection, person_id), *merged]


def _keep_an_admin(connection: Connection, person_id: str) -> None:
    if other_admins(connection, person_id) == 0:
        raise Conflict("This is the only admin.", "Make somebody else admin first.")


def _is_taken(connection: Connection, key: str) -> bool:
    return connection.execute("SELECT 1 FROM person WHERE username_key = ?", [key]).fetchone() is not None


def _differences(before: Person, after: Person) -> Details:
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in ("username", "country", "colour")}
    details: Details = {name: [old, new] for name, (old, new) in pairs.items() if old != new}
    if before.avatar != after.avatar:
        details["avatar"] = [json_or_none(before.avatar), json_or_none(after.avatar)]
    return details
