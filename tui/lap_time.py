"""What a person types for a lap, read: its time and its resets. Pure."""

import re

_LAP_TIME = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,2})(?:[.,]([0-9]{1,3}))?")
_WHOLE = re.compile(r"[0-9]{1,9}")

WRONG_TIME = "Type the time as mm:ss.mmm, for example 00:12.345."
MAX_RESETS = 1_000


def lap_time_ms(text: str) -> int | None:
    """ "01:02.345", "62.345" or "9,1" as whole ms; None when it is no time. The web reads times the same way."""
    match = _LAP_TIME.fullmatch(text.strip())
    if match is None:
        return None
    minutes, seconds, part = match.groups()
    if minutes is not None and int(seconds) >= 60:
        return None
    return int(minutes or 0) * 60_000 + int(seconds) * 1000 + int((part or "").ljust(3, "0"))


def whole(text: str, low: int, high: int) -> int | None:
    """A whole number from `low` to `high`; None when it is none."""
    text = text.strip()
    if _WHOLE.fullmatch(text) is None or not low <= int(text) <= high:
        return None
    return int(text)
