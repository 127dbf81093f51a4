"""What a person types for a lap, read: its time and its resets. Pure."""

import re

from timing.lap_text import lap_time_ms

__all__ = ["MAX_RESETS", "WRONG_TIME", "lap_time_ms", "whole"]

_WHOLE = re.compile(r"[0-9]{1,9}")

WRONG_TIME = "Type the time as mm:ss.mmm, for example 00:12.345."
MAX_RESETS = 1_000


def whole(text: str, low: int, high: int) -> int | None:
    """A whole number from `low` to `high`; None when it is none."""
    text = text.strip()
    if _WHOLE.fullmatch(text) is None or not low <= int(text) <= high:
        return None
    return int(text)
