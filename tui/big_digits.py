"""
Clock texts in large digits: seven segments drawn with the block signs that every terminal font has. Pure.

A row of a terminal is two dots high and a cell one dot wide, so that a dot is about square.
"""

from functools import lru_cache

SIZES = (3, 5, 7, 9, 11, 13, 15)
"""Rows a text can be high."""

SEGMENTS = {
    "0": "abcdef",
    "1": "bc",
    "2": "abdeg",
    "3": "abcdg",
    "4": "bcfg",
    "5": "acdfg",
    "6": "acdefg",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
    "-": "g",
    " ": "",
}
"""Which segments are lit: a on top, then clockwise, g in the middle."""

NARROWEST = 5
"""Cells of a digit of 3 rows: the inside of a 0 must not close when it is read from a metre."""

Dots = list[list[bool]]
DOT_PAIRS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def stroke(rows: int) -> int:
    """How many dots a segment is thick."""
    return (rows + 3) // 4


def glyph_width(sign: str, rows: int) -> int:
    """How many cells a sign takes: digits all the same, so that a clock stands still while it runs."""
    if sign in ":.":
        return stroke(rows)
    return max(NARROWEST, round(_dots_high(rows) * 0.6))


def text_width(text: str, rows: int) -> int:
    """How many cells the text takes."""
    return sum(glyph_width(sign, rows) for sign in text) + max(0, len(text) - 1) * _gap(rows)


def starts(text: str, rows: int) -> list[int]:
    """In which column each sign begins."""
    return [text_width(text[:place], rows) + (_gap(rows) if place else 0) for place in range(len(text))]


def fitting_rows(text: str, width: int, height: int) -> int:
    """The largest of SIZES that leaves nothing out; the smallest when none fits."""
    fits = [rows for rows in SIZES if rows <= height and text_width(text, rows) <= width]
    return max(fits, default=SIZES[0])


def big_text(text: str, rows: int) -> list[str]:
    """
    The text as `rows` lines of equal length.

    Args:
        text: Digits, blanks, "-", ":" and "."; any other sign is a blank.
        rows: One of SIZES.
    """
    glyphs = [glyph(sign, rows) for sign in text]
    return [(" " * _gap(rows)).join(lines) for lines in zip(*glyphs, strict=True)] if glyphs else [""] * rows


@lru_cache(maxsize=256)
def glyph(sign: str, rows: int) -> tuple[str, ...]:
    """One sign as `rows` lines."""
    width, high = glyph_width(sign, rows), _dots_high(rows)
    dots: Dots = [[False] * width for _ in range(2 * rows)]
    for top, left, bottom, right in _boxes(sign, rows, width, high):
        for line in dots[top:bottom]:
            line[left:right] = [True] * (right - left)
    return tuple(
        "".join(DOT_PAIRS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(dots[::2], dots[1::2], strict=True)
    )


def _boxes(sign: str, rows: int, width: int, high: int) -> list[tuple[int, int, int, int]]:
    """The lit boxes of a sign in dots: top, left, bottom, right; the last two exclusive."""
    thick = stroke(rows)
    middle = (high - thick) // 2
    if sign == ".":
        return [(high - thick, 0, high, thick)]
    if sign == ":":
        upper = thick + max(0, middle - 2 * thick) // 2
        return [(upper, 0, upper + thick, thick), (high - upper - thick, 0, high - upper, thick)]
    where = {
        "a": (0, 0, thick, width),
        "b": (0, width - thick, middle + thick, width),
        "c": (middle, width - thick, high, width),
        "d": (high - thick, 0, high, width),
        "e": (middle, 0, high, thick),
        "f": (0, 0, middle + thick, thick),
        "g": (middle, 0, middle + thick, width),
    }
    return [where[segment] for segment in SEGMENTS.get(sign, "")]


def _dots_high(rows: int) -> int:
    """The height in dots: as much of the rows as leaves the same room above and below the middle segment."""
    return 2 * rows - (2 * rows - 3 * stroke(rows)) % 2


def _gap(rows: int) -> int:
    """Cells between two signs."""
    return max(1, stroke(rows) - 1) if rows < 7 else stroke(rows)
