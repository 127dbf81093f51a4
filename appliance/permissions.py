"""
Who may do what: one table, checked on the server for every page and every call.

The roles are DREM's five (reference/drem.md 3); a person may have several, and everybody has `racer`. DREM's weak spots
are closed here, because nothing is allowed that the table does not name:

- pairing a car, deleting a fleet and changing an event's board (DREM: any signed-in user) need MANAGE_CARS or
  MANAGE_EVENTS: operators and admins;
- deleting a user (DREM: any signed-in user) is FORGET_RACERS, admins only; a person's own account is theirs;
- a car's password (DREM: shown to all staff and put in QR codes) needs MANAGE_CARS and is in no page for others;
- staff accounts are changed by admins only, whatever else a role may do to racers (People checks it once more); a badge
  signs in staff only when an admin gave it to them with the roles they have, and never an admin.
"""

from collections.abc import Iterable
from enum import StrEnum

from appliance.errors import NotAllowed


class Role(StrEnum):
    """DREM's groups. Everybody is a `racer`; the others are staff."""

    ADMIN = "admin"
    OPERATOR = "operator"
    COMMENTATOR = "commentator"
    REGISTRATION = "registration"
    RACER = "racer"


class Permission(StrEnum):
    """What can be allowed; the values are the names that templates ask for."""

    MANAGE_EVENTS = "manage_events"
    """Events, tracks, rules; what a board shows."""
    SEE_EVENTS = "see_events"
    RUN_RACES = "run_races"
    """The timekeeper, the queue, the simulated strips."""
    EDIT_RACES = "edit_races"
    SEE_RACES = "see_races"
    COMMENTATE = "commentate"
    REGISTER_RACERS = "register_racers"
    LIST_RACERS = "list_racers"
    EDIT_RACERS = "edit_racers"
    """Rename a racer, change country and colour, show or renew the badge."""
    MERGE_RACERS = "merge_racers"
    FORGET_RACERS = "forget_racers"
    MANAGE_RACERS = "manage_racers"
    """All of the three above: for pages that offer them together."""
    MANAGE_STAFF = "manage_staff"
    """Give and take roles, set somebody's password, give the crew badges."""
    MANAGE_CARS = "manage_cars"
    """Pair and remove cars, fleets, see a car's password."""
    MANAGE_RECORDERS = "manage_recorders"
    """Add, pair and remove recorders on other machines: whoever may, decides what counts as a crossing."""
    UPLOAD_MODELS = "upload_models"
    """One's own models: upload, rename, download, delete."""
    MANAGE_MODELS = "manage_models"
    """The same with everybody's, and with the box's own for walk-ups."""
    SEE_SYSTEM = "see_system"
    OWN_PROFILE = "own_profile"
    """Change and delete one's own account, show one's own badge."""


_ADMIN, _OPERATOR, _COMMENTATOR, _REGISTRATION, _RACER = Role
_TABLE: dict[Permission, frozenset[Role]] = {
    Permission.MANAGE_EVENTS: frozenset({_ADMIN, _OPERATOR}),
    Permission.SEE_EVENTS: frozenset({_ADMIN, _OPERATOR, _COMMENTATOR, _REGISTRATION}),
    Permission.RUN_RACES: frozenset({_ADMIN, _OPERATOR}),
    Permission.EDIT_RACES: frozenset({_ADMIN, _OPERATOR}),
    Permission.SEE_RACES: frozenset({_ADMIN, _OPERATOR, _COMMENTATOR}),
    Permission.COMMENTATE: frozenset({_ADMIN, _COMMENTATOR}),
    Permission.REGISTER_RACERS: frozenset({_ADMIN, _REGISTRATION}),
    Permission.LIST_RACERS: frozenset({_ADMIN, _OPERATOR, _REGISTRATION}),
    Permission.EDIT_RACERS: frozenset({_ADMIN, _OPERATOR, _REGISTRATION}),
    Permission.MERGE_RACERS: frozenset({_ADMIN}),
    Permission.FORGET_RACERS: frozenset({_ADMIN}),
    Permission.MANAGE_RACERS: frozenset({_ADMIN}),
    Permission.MANAGE_STAFF: frozenset({_ADMIN}),
    Permission.MANAGE_CARS: frozenset({_ADMIN, _OPERATOR}),
    Permission.MANAGE_RECORDERS: frozenset({_ADMIN}),
    Permission.UPLOAD_MODELS: frozenset(Role),
    Permission.MANAGE_MODELS: frozenset({_ADMIN, _OPERATOR}),
    Permission.SEE_SYSTEM: frozenset({_ADMIN, _OPERATOR}),
    Permission.OWN_PROFILE: frozenset(Role),
}


def can(roles: Iterable[Role], permission: Permission) -> bool:
    """Whether somebody with these roles may."""
    return not _TABLE[permission].isdisjoint(roles)


def is_staff(roles: Iterable[Role]) -> bool:
    """Whether any of the roles is more than racer."""
    return any(role is not Role.RACER for role in roles)


def with_racer(roles: Iterable[Role]) -> list[Role]:
    """These roles and `racer`, each once, in the order of the enum: the only form in which roles are stored."""
    wanted = {*roles, Role.RACER}
    return [role for role in Role if role in wanted]


def require(roles: Iterable[Role], permission: Permission) -> None:
    """
    Let pass or refuse.

    Raises:
        NotAllowed: none of the roles covers it; the remedy names those that do.
    """
    if not can(roles, permission):
        allowed = " or ".join(role.value for role in Role if role in _TABLE[permission])
        raise NotAllowed("Your account may not do this.", f"Ask an admin for the role {allowed}.")
