"""
What a file is by its first bytes, whatever its name says. Pure.

Owns the words for everything that people upload instead of a model.
"""

from enum import StrEnum

from cars.inspection import DOWNLOAD_AGAIN, Unfit

GZIP_MARK = b"\x1f\x8b"
HEAD_BYTES = 512
"""Enough to tell: a tar has its mark at 257."""


class Packing(StrEnum):
    """How a file that may be a model is packed."""

    GZIP = "gzip"
    PLAIN = "plain"
    """A .tar: some phones and browsers unpack the .gz while they download."""


_OTHER_ARCHIVES = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"BZh", "a tar.bz2 archive"),
    (b"\xfd7zXZ\x00", "a tar.xz archive"),
    (b"\x28\xb5\x2f\xfd", "a tar.zst archive"),
    (GZIP_MARK, "a .gz inside of a .gz"),
)
_TEXTS = (
    (
        (b"<!doctype html", b"<html", b"<head", b"<?xml"),
        (
            "This is a web page and no model: the download gave an error page instead of the file.",
            "Sign in again where you trained, download the physical car model once more, and upload that file.",
        ),
    ),
    (
        (b"version https://git-lfs",),
        (
            "This is only a pointer to a file in Git LFS, without the model itself.",
            "Fetch the real file with `git lfs pull`, and upload that.",
        ),
    ),
    (
        (b"{", b"["),
        (
            "This is a JSON file and no archive with a model.",
            "Upload the whole .tar.gz of the physical car model; model_metadata.json alone is not enough.",
        ),
    ),
)
_TAR_MARK = slice(257, 262)


def packing_of(head: bytes) -> Packing:
    """
    Tell how the archive is packed.

    Args:
        head: The first HEAD_BYTES bytes, fewer only if there are no more.

    Raises:
        Unfit: It is no archive that may hold a model.
    """
    if head.startswith(GZIP_MARK):
        return Packing.GZIP
    if head[_TAR_MARK] == b"ustar" or has_tar_sum(head):
        return Packing.PLAIN
    raise instead_of_a_model(head)


def instead_of_a_model(head: bytes) -> Unfit:
    """What to say of a file, or of the content of a .gz, that begins so and is no tar."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return Unfit("This file is empty.", "Look whether the download had finished, and upload the file again.")
    if not any(head):
        return Unfit("This file holds only zeros: its content got lost on the way.", DOWNLOAD_AGAIN)
    for mark, name in _OTHER_ARCHIVES:
        if head.startswith(mark):
            return _other_archive(name)
    if b"main_level/agent" in head:
        return Unfit(
            "This is the network alone (model.pb), without model_metadata.json.",
            "Upload the whole .tar.gz of the physical car model, as it was downloaded.",
        )
    for starts, refusal in _TEXTS:
        if text.startswith(starts):
            return Unfit(*refusal)
    return Unfit("This file is no .tar.gz archive, whatever its name says.", DOWNLOAD_AGAIN)


def has_tar_sum(block: bytes) -> bool:
    """Whether a block is a tar header by its own sum; tars from before 1988 have no mark."""
    if len(block) < HEAD_BYTES or not any(block):
        return False
    digits = block[148:156].strip(b" \x00")
    if not digits or digits.strip(b"01234567"):
        return False
    blank = block[:148] + b" " * 8 + block[156:HEAD_BYTES]
    negative = sum(256 for byte in blank if byte > 127)  # Some old tars added up signed bytes.
    return int(digits, 8) in (sum(blank), sum(blank) - negative)


def _other_archive(name: str) -> Unfit:
    return Unfit(
        f"This is {name}, not a .tar.gz.",
        "Unpack it; if there is a .tar.gz with the physical car model inside, upload that one."
        " Another name is not enough: the content has to be a .tar.gz.",
    )
