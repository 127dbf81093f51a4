"""
Short orders in large letters, to be read from the strip while the terminal stands on the table. Pure.

Drawn with the block signs that every terminal font has, three or five rows high.
"""

import textwrap
from collections.abc import Callable, Sequence

from rich.cells import cell_len

DOTS = 5
"""A letter is so many dots high."""
GAP = " "
SPACE = "  "
"""Between two words, besides the gaps."""

LETTERS = {
    "A": (" # ", "# #", "###", "# #", "# #"),
    "B": ("## ", "# #", "## ", "# #", "## "),
    "C": (" ##", "#  ", "#  ", "#  ", " ##"),
    "D": ("## ", "# #", "# #", "# #", "## "),
    "E": ("###", "#  ", "## ", "#  ", "###"),
    "F": ("###", "#  ", "## ", "#  ", "#  "),
    "G": (" ###", "#   ", "# ##", "#  #", " ###"),
    "H": ("# #", "# #", "###", "# #", "# #"),
    "I": ("#", "#", "#", "#", "#"),
    "J": ("  #", "  #", "  #", "# #", " # "),
    "K": ("#  #", "# # ", "##  ", "# # ", "#  #"),
    "L": ("#  ", "#  ", "#  ", "#  ", "###"),
    "M": ("#   #", "## ##", "# # #", "#   #", "#   #"),
    "N": ("#  #", "## #", "# ##", "#  #", "#  #"),
    "O": (" # ", "# #", "# #", "# #", " # "),
    "P": ("## ", "# #", "## ", "#  ", "#  "),
    "Q": (" #  ", "# # ", "# # ", "# # ", " ## "),
    "R": ("## ", "# #", "## ", "# #", "# #"),
    "S": (" ##", "#  ", " # ", "  #", "## "),
    "T": ("###", " # ", " # ", " # ", " # "),
    "U": ("# #", "# #", "# #", "# #", "###"),
    "V": ("# #", "# #", "# #", "# #", " # "),
    "W": ("#   #", "#   #", "# # #", "## ##", "#   #"),
    "X": ("# #", "# #", " # ", "# #", "# #"),
    "Y": ("# #", "# #", " # ", " # ", " # "),
    "Z": ("###", "  #", " # ", "#  ", "###"),
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" #", "##", " #", " #", " #"),
    "2": ("## ", "  #", " # ", "#  ", "###"),
    "3": ("## ", "  #", "## ", "  #", "## "),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "## ", "  #", "## "),
    "6": (" ##", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", " # ", " # ", " # "),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "## "),
    "-": ("  ", "  ", "##", "  ", "  "),
    ".": (" ", " ", " ", " ", "#"),
    ":": (" ", "#", " ", "#", " "),
}
CELLS = {(" ", " "): " ", ("#", " "): "▀", (" ", "#"): "▄", ("#", "#"): "█"}


def can_draw(text: str) -> bool:
    """Whether there is a large letter for each of its signs; a strip may have a name in any script."""
    return all(sign.isspace() or sign in LETTERS for sign in text.upper())


def big_lines(text: str, width: int, rows: int) -> list[str] | None:
    """
    The text in large letters, in the larger of two sizes that fits, its words on as few lines as possible.

    Returns:
        At most `rows` rows of at most `width` cells; None when it cannot be drawn or does not fit.
    """
    if not can_draw(text):
        return None
    for draw in (_large, _small):
        lines = _wrapped(text.upper().split(), width, draw)
        drawn: list[str] = []
        for line in lines:
            drawn += [*([""] if drawn else []), *draw(line)]
        if drawn and len(drawn) <= rows and all(len(row) <= width for row in drawn):
            return drawn
    return None


def spaced(text: str, width: int) -> list[str]:
    """The text in capitals, their letters apart where there is room: for what cannot be drawn."""
    wide = "   ".join(" ".join(word) for word in text.upper().split())
    return [wide] if cell_len(wide) <= width else textwrap.wrap(text.upper(), max(1, width))


def _wrapped(words: Sequence[str], width: int, draw: Callable[[str], list[str]]) -> list[str]:
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and len(draw(longer)[0]) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _large(line: str) -> list[str]:
    """A dot is two cells wide and a row high."""
    return ["".join("██" if dot == "#" else "  " for dot in row) for row in _dots(line)]


def _small(line: str) -> list[str]:
    """A dot is a cell wide and half a row high."""
    dots = _dots(line)
    dots.append(" " * len(dots[0]))
    return [
        "".join(CELLS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(dots[::2], dots[1::2], strict=True)
    ]


def _dots(line: str) -> list[str]:
    return [GAP.join(SPACE if sign == " " else LETTERS[sign][row] for sign in line) for row in range(DOTS)]
