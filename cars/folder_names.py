"""
The folder of a model on every car, and back from the name of a bag to that folder. Pure.

A folder is letters, digits and hyphens, as AWS names models: the console cuts a name at its first dot and turns blanks
into underscores, and DREM lost logs to both. Whose model it is stands in our tables, never guessed from the name.
"""

import re
import unicodedata
from collections.abc import Collection

MAX_LETTERS = 64
"""The longest name that AWS' own service takes."""
MAX_RACER_LETTERS = 24
"""So that something of the model's own name is always left; usernames have at most 20."""

WRITTEN_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "æ": "ae", "ø": "oe", "ł": "l", "đ": "d", "þ": "th"}
)
"""What loses its sense, or its letter, when only the mark above it is dropped."""
_BAG = re.compile(r"(?P<folder>.+)-\d{8}-\d{6}", re.ASCII)
"""The community's logging node names a bag after the folder and the car's clock."""


def folder_name(username: str | None, model_name: str, taken: Collection[str]) -> str:
    """
    A folder name that no other model has.

    Args:
        username: Of the racer; None for the box's own models.
        taken: Folders of other models. Names that differ only in large and small letters count as the same: people
            read them aloud.
    """
    racer = plain(username or "box", MAX_RACER_LETTERS) or "racer"
    whole = _cut(f"{racer}-{plain(model_name, MAX_LETTERS) or 'model'}", MAX_LETTERS)
    used = {name.casefold() for name in taken}
    name, number = whole, 1
    while name.casefold() in used:
        number += 1
        suffix = f"-{number}"
        name = _cut(whole, MAX_LETTERS - len(suffix)) + suffix
    return name


def folder_of_bag(bag_name: str) -> str | None:
    """The folder of the model that was driven while a bag was recorded; None when this is no bag's name."""
    found = _BAG.fullmatch(bag_name)
    return found["folder"] if found else None


def plain(text: str, letters: int) -> str:
    """A text in letters, digits and hyphens, at most so many; what loses its sense without its mark is written out."""
    lower_kept = "".join(
        written.capitalize() if letter.isupper() else written
        for letter in unicodedata.normalize("NFC", text)
        for written in [letter.lower().translate(WRITTEN_OUT)]
    )
    bare = unicodedata.normalize("NFKD", lower_kept)
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return _cut(re.sub(r"[^A-Za-z0-9]+", "-", bare, flags=re.ASCII), letters)


def _cut(text: str, letters: int) -> str:
    return text.strip("-")[:letters].strip("-")
