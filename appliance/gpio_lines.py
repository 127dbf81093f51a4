"""
How a GPIO line is written in the settings, `27:pull-up:active-low=Left strip`, and what that means. Pure.

A bare strip or button has two wires and closes to ground: pulled up, it reads low when pressed. That is the default.
A board that drives the line itself, like those of the DREM timer kit, is `17:active-high`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from appliance.errors import InvalidInput

HIGHEST_NUMBER = 1023
"""As in the timing stream (timing/stream.py, LineNumber)."""
MOST_LINES = 64
"""The kernel takes no more in one request (GPIO_V2_LINES_MAX), and strips are asked for in one."""
EXAMPLE = "Write it like 27, or 27:pull-up:active-low=Left strip, with the BCM number first (docs/settings.md)."

_WRITTEN = re.compile(r"([0-9]{1,4})(?::pull-(up|down|none))?(?::active-(low|high))?(?:=([^,:=\x00-\x1f]{1,40}))?")


class Pull(StrEnum):
    """The resistor inside the chip that holds the line while nothing else does."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class GpioLine:
    """One input: its BCM number, the name people know it by, and how it is wired."""

    number: int
    name: str
    pull: Pull
    is_active_low: bool


def parse_gpio_line(text: str, name: str) -> GpioLine:
    """
    Read one line as the settings have it.

    Without a pull the line is pulled away from its active level, without a level it is active away from its pull.

    Args:
        name: Used when the text gives none.

    Raises:
        InvalidInput: it is not written that way.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or int(found[1]) > HIGHEST_NUMBER:
        raise InvalidInput(f"{text} is not a GPIO line.", EXAMPLE)
    number, pull, active, given = found.groups()
    is_active_low = active == "low" if active else pull != Pull.DOWN
    return GpioLine(
        number=int(number),
        name=(given or name).strip(),
        pull=Pull(pull or (Pull.UP if is_active_low else Pull.DOWN)),
        is_active_low=is_active_low,
    )


def parse_gpio_lines(texts: Sequence[str]) -> list[GpioLine]:
    """
    Read the strips; without names they are "strip 1", "strip 2", …

    Raises:
        InvalidInput: one is written wrongly, there is none, or there are too many.
    """
    if not 1 <= len(texts) <= MOST_LINES:
        raise InvalidInput(f"There are {len(texts)} GPIO strips.", f"Name 1 to {MOST_LINES} of them, like 17,27.")
    return [parse_gpio_line(text, f"strip {place}") for place, text in enumerate(texts, start=1)]


def refuse_shared(uses: Iterable[tuple[str, int]]) -> None:
    """
    Refuse one GPIO line for two things.

    Args:
        uses: What the line is for, and its number.

    Raises:
        InvalidInput: names the line and both uses.
    """
    taken: dict[int, str] = {}
    for use, number in uses:
        if number in taken:
            raise InvalidInput(
                f"GPIO {number} is set twice: for {taken[number]} and for {use}.", "Give each a line of its own."
            )
        taken[number] = use
