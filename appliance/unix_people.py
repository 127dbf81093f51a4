"""
Users of the machine itself as people of the box: how they are written in journals and trails, and shown.

An id like "unix:anna" is nobody's person id (those are UUIDs), and "anna (on the box)" nobody's username (those have
no space), so neither can ever be taken for somebody with an account. Pure.
"""

from appliance.permissions import Role

PREFIX = "unix:"
ROLES = (Role.OPERATOR,)
"""What the group is worth: races, queue and events, and no accounts."""
LONGEST_NAME = 64


def id_of(user: str) -> str:
    """The actor that stands for a Unix user, for example "unix:anna"."""
    return PREFIX + user


def shown_name(actor: str) -> str | None:
    """The name that people read, "anna (on the box)"; None when the actor is no Unix user."""
    return f"{actor.removeprefix(PREFIX)} (on the box)" if actor.startswith(PREFIX) else None


def user_name(uid: int, name: str | None) -> str:
    """A name fit for a journal; a user without one, or with one that nobody can read, goes by the number: "#1000"."""
    if name is None or not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        return f"#{uid}"
    return name
