"""Names that the crew gives to cars: what one may look like, and a free one. Pure."""

import re
from collections.abc import Iterable

from appliance.errors import InvalidInput

MAX_CHARACTERS = 40


def checked_name(name: str) -> str:
    """
    The name without blanks around it.

    Raises:
        InvalidInput: it is empty, too long, or cannot be printed.
    """
    trimmed = " ".join(name.split())
    if not 1 <= len(trimmed) <= MAX_CHARACTERS or not trimmed.isprintable():
        raise InvalidInput(f"A car's name has 1 to {MAX_CHARACTERS} characters.", "For example: Blue 3.", field="name")
    return trimmed


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name itself, or the first of "name 2", "name 3" … that no other car has, in whatever case."""
    others = {name.casefold() for name in taken}
    name, number = wanted, 1
    while name.casefold() in others:
        number += 1
        suffix = f" {number}"
        name = wanted[: MAX_CHARACTERS - len(suffix)].rstrip() + suffix
    return name


def name_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key by which Blue 9 comes before Blue 10, in whatever case."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part.strip()) for part in parts)
