"""
What a model is called: the name that a file gives it, and what people may call it. Pure.

DREM takes `[A-Za-z0-9_-]+.tar.gz` and turns everything else away (reference/drem.md 5.1). Phones and browsers write
"Modell (1).tar.gz" or unpack to ".tar", so here the name is made to fit instead; what a file is, its bytes say.
"""

import re
import unicodedata
from collections.abc import Container

from appliance.errors import InvalidInput

LONGEST = 60
"""Characters of a name: with a user name of 20 it still fits a folder of the car (80)."""
NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST}}}")
FALLBACK = "model"
ENDINGS = re.compile(r"(\.tar)?[ ._-]*(\(\d+\)|\d+)?\.(tar|tgz|gz)$|\.tar$", re.IGNORECASE)
"""Also "x.tar(1).gz" and "x.tar-1.gz": how Android and Windows name a second download."""
GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
OTHER_KINDS = {
    "zip": "a zip file",
    "7z": "a 7-Zip file",
    "rar": "a RAR file",
    "pdf": "a document",
    "json": "a JSON file",
    "py": "a Python file",
    "pb": "a bare model.pb",
    "txt": "a text file",
    "html": "a web page",
    "heic": "a photo",
    "jpg": "a photo",
    "jpeg": "a photo",
    "png": "a picture",
    "mov": "a video",
    "mp4": "a video",
}
"""Endings that no model has: refused before 200 MB of it have come."""
WANTED = "Choose the physical car model that you downloaded: its name ends in .tar.gz."


def model_name(file_name: str) -> str:
    """The name that a file of this name gives its model; always one that `NAME` takes."""
    bare = re.split(r"[/\\]", file_name)[-1].strip()
    bare = ENDINGS.sub(r" \2", bare, count=1)
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", bare).translate(GERMAN))
    ascii_only = plain.encode("ascii", "ignore").decode()
    clean = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_only).strip("-_")
    return clean[:LONGEST].rstrip("-_") or FALLBACK


def check_kind(file_name: str) -> str:
    """
    The bare file name, unless it is plainly something else.

    Raises:
        InvalidInput: a zip, a photo, a video …; `field` is "file_name".
    """
    bare = re.split(r"[/\\]", file_name)[-1].strip()
    if not bare or any(unicodedata.category(character) in ("Cc", "Cs") for character in bare):
        raise InvalidInput("The file has no name that can be shown.", WANTED, field="file_name")
    kind = OTHER_KINDS.get(bare.rpartition(".")[2].lower())
    if kind is not None:
        raise InvalidInput(f"{bare} is {kind}, not a model.", WANTED, field="file_name")
    return bare


def shown_name(file_name: str) -> str:
    """The name of a file on some disk as it can be stored and shown, with "\ufffd" for what is no text to be seen."""
    return "".join("\ufffd" if unicodedata.category(one) in ("Cc", "Cs") else one for one in file_name)


def check_name(name: str) -> str:
    """
    A name that somebody typed.

    Raises:
        InvalidInput: `field` is "name".
    """
    if NAME.fullmatch(name):
        return name
    raise InvalidInput(
        f"A model cannot be called {name!r}.",
        f"Use 1 to {LONGEST} letters, digits, - and _, for example {model_name(name)}.",
        field="name",
    )


def free_name(name: str, taken: Container[str]) -> str:
    """
    The name, with -2, -3 … where a racer's other model has it already.

    Args:
        taken: Names of the racer's other models, in lower case.
    """
    if name.lower() not in taken:
        return name
    number = 2
    while True:
        tail = f"-{number}"
        candidate = name[: LONGEST - len(tail)].rstrip("-_") + tail
        if candidate.lower() not in taken:
            return candidate
        number += 1
