"""
A script for simulated strips: which line is hit when.

One hit per line of text, `at_ms line [hold_ms] [bounces]`, `at_ms` counted from the start of the recorder; blank lines
and what follows a `#` are ignored. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from appliance.errors import InvalidInput
from timing.stream import Hit

MAX_AT_MS = 7 * 24 * 3_600_000
"""A week: no event is longer, and a time stamp typed by mistake shows."""


@dataclass(frozen=True, slots=True)
class ScriptedHit:
    """`hit` happens `at_ms` after the start."""

    at_ms: int
    hit: Hit


def parse_script(text: str, lines: Iterable[int]) -> list[ScriptedHit]:
    """
    Read a script.

    Args:
        lines: The line numbers that exist.

    Returns:
        The hits, earliest first; hits of the same moment in the order written.

    Raises:
        InvalidInput: names the line of text that is wrong.
    """
    known = frozenset(lines)
    hits = []
    for number, row in enumerate(text.splitlines(), start=1):
        words = row.partition("#")[0].split()
        if words:
            hits.append(_parse_row(words, number, known))
    return sorted(hits, key=lambda scripted: scripted.at_ms)


def _parse_row(words: list[str], number: int, known: frozenset[int]) -> ScriptedHit:
    if not 2 <= len(words) <= 4 or not all(word.isascii() and word.isdigit() for word in words):
        raise _wrong(number, "it is not `at_ms line [hold_ms] [bounces]` in whole numbers")
    at_ms, *fields = (int(word) for word in words)
    if at_ms > MAX_AT_MS:
        raise _wrong(number, f"{at_ms} ms is more than a week after the start")
    if fields[0] not in known:
        raise _wrong(number, f"line {fields[0]} does not exist; there are {', '.join(map(str, sorted(known)))}")
    try:
        hit = msgspec.convert({"type": "hit", **dict(zip(("line", "hold_ms", "bounces"), fields, strict=False))}, Hit)
    except msgspec.ValidationError as error:
        raise _wrong(number, str(error)) from error
    return ScriptedHit(at_ms, hit)


def _wrong(number: int, why: str) -> InvalidInput:
    return InvalidInput(f"Line {number} of the script cannot be used: {why}.", "Correct it and start again.")
