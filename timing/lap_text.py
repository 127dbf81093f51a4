"""Lap times as people read and type them, the same on every page and screen. Pure."""

import re

_TYPED = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,2})(?:[.,]([0-9]{1,3}))?")


def lap_text(lap_ms: int) -> str:
    """mm:ss.mmm, as DREM shows it: 9123 is "00:09.123"; an hour and more counts on in minutes."""
    return f"{lap_ms // 60_000:02d}:{lap_ms // 1000 % 60:02d}.{lap_ms % 1000:03d}"


def lap_time_ms(text: str) -> int | None:
    """ "01:02.345", "62.345" or "9,1" as whole ms; None when it is no time."""
    match = _TYPED.fullmatch(text.strip())
    if match is None:
        return None
    minutes, seconds, part = match.groups()
    if minutes is not None and int(seconds) >= 60:
        return None
    return int(minutes or 0) * 60_000 + int(seconds) * 1000 + int((part or "").ljust(3, "0"))
