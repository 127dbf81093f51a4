"""
What a person may be called on the board, and when two names are the same name. Pure.

DREM's rule (reference/drem.md 1.7) with letters of every script: 2–20 characters, letters, digits, `.`, `_`, `-`; none
of these three at the start, at the end, or two in a row.
"""

import unicodedata
from collections.abc import Callable

from appliance.errors import InvalidInput

MIN_LENGTH = 2
MAX_LENGTH = 20
SEPARATORS = "._-"
MARKS_IN_A_ROW = 3
"""Combining marks on one letter: Vietnamese and Devanagari need two; a name must not climb over the row above."""

_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\U00016fe4"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
"""
Letters and marks to Unicode, nothing to the eye: fillers, joiners, variation selectors (Default_Ignorable_Code_Point).
With one of them anybody could stand on the board under somebody else's name.
"""


def clean_username(text: str) -> str:
    """
    The name as it is stored: NFC, without spaces around it.

    Raises:
        InvalidInput: says which rule is broken; `field` is "username".
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not MIN_LENGTH <= len(name) <= MAX_LENGTH:
        raise _refused(f"A name has {MIN_LENGTH} to {MAX_LENGTH} characters; this one has {len(name)}.")
    if len(unicodedata.normalize("NFKC", name)) > MAX_LENGTH:  # One sign can be a whole phrase, as wide as the board.
        raise _refused("A name cannot have signs that stand for whole words.")
    for position, character in enumerate(name):
        if not _is_allowed(character):
            shown = "a space" if character.isspace() else f"“{character}”" if character.isprintable() else "that sign"
            raise _refused(f"A name cannot contain {shown}.")
        if character in SEPARATORS and (position in {0, len(name) - 1} or name[position + 1] in SEPARATORS):
            raise _refused("A name cannot start or end with . _ - or have two of them in a row.")
    if _marks_in_a_row(name) > MARKS_IN_A_ROW or unicodedata.category(name[0]).startswith("M"):
        raise _refused("A name cannot have that many marks on one letter.")
    return name


def username_key(name: str) -> str:
    """Two names with the same key are the same name: JÜRGEN, jürgen, and the full-width ｊürgen."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())


def neutral_username(random_hex: Callable[[], str], is_taken: Callable[[str], bool]) -> str:
    """
    A name that says nothing about anybody: "Racer-1a2b".

    Args:
        random_hex: Four fresh hexadecimal digits.
        is_taken: Whether a name's key is in use.
    """
    while True:
        name = f"Racer-{random_hex()}"
        if not is_taken(username_key(name)):
            return name


def _is_allowed(character: str) -> bool:
    category = unicodedata.category(character)
    is_word = category.startswith(("L", "M")) or category == "Nd"
    return character in SEPARATORS or (is_word and category != "Me" and character not in _INVISIBLE)


def _marks_in_a_row(name: str) -> int:
    longest = run = 0
    for character in name:
        run = run + 1 if unicodedata.category(character).startswith("M") else 0
        longest = max(longest, run)
    return longest


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, "Use letters, digits, and . _ - between them.", field="username")
