"""
The one shape of every answer that is not a success, and how msgspec's own words become it. Pure.
"""

import re

from msgspec import Struct

SEND_AGAIN = "Correct it and send the request again; /schema lists what is accepted."


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong, what to do next, and which field when it is one."""

    message: str
    remedy: str
    field: str | None = None


def shape_problem(detail: str) -> Problem:
    """
    The problem for msgspec's own words, e.g. "Expected `int`, got `str` - at `$.rules.race_ms`".

    The path after "at" becomes the field.
    """
    text, _, path = detail.partition(" - at `$")
    field = re.sub(r"\[\.\.\.\]", "", path.rstrip("`")).strip(".")
    unknown = re.search(r"(?:unknown|missing required) field `([^`]+)`", text)
    if unknown:
        field = ".".join(part for part in (field, unknown.group(1)) if part)
    return Problem(message=f"{field}: {text}." if field else f"{text}.", remedy=SEND_AGAIN, field=field or None)
