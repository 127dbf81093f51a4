"""
Text in columns of a terminal: names of any script fit their column and can do nothing to the screen. Pure.

Widths are in cells: a Chinese sign takes two, an accent that stands alone none.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, set_cell_size

CUT = "…"
NOT_SHOWN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories that move the cursor, end the row or are no character at all."""
TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of writing, and with it the order of the columns."""


class Look(StrEnum):
    """How a cell looks; what it means is in its words."""

    PLAIN = "plain"
    SOFT = "soft"
    STRONG = "strong"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a row, as wide as its column already."""

    text: str
    look: Look = Look.PLAIN


Row = Sequence[Cell]


def plain(text: str) -> str:
    """The text without what a terminal would obey instead of show."""
    return "".join(" " if unicodedata.category(sign) in NOT_SHOWN else sign for sign in text if sign not in TURNS)


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """The text in exactly so many cells; what is cut off is told by "…"."""
    text = plain(text)
    length = cell_len(text)
    if length > cells:
        return set_cell_size(f"{set_cell_size(text, cells - 1).rstrip()}{CUT}", cells) if cells > 1 else CUT[:cells]
    pad = " " * (cells - length)
    return pad + text if right else text + pad
