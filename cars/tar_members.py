"""
The members of a tar, one after the other, as they stream by.

Knows the old form, POSIX (pax) and GNU tar's long names. Refuses what no model has: links, devices, sparse files,
several volumes, paths that lead outside. Nothing of it is ever unpacked to a place that the archive names.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cars.file_kinds import has_tar_sum, instead_of_a_model
from cars.inspection import DOWNLOAD_AGAIN, Unfit, shown
from cars.unpacking import CHUNK_BYTES, CUT_OFF, DAMAGED, MAX_UNPACKED_BYTES, Unpacker

BLOCK_BYTES = 512
MAX_MEMBERS = 5_000
MAX_HEADERS = 3 * MAX_MEMBERS
"""A member may have a long name and a set of pax records before it."""
MAX_NOTE_BYTES = 1 << 20
"""Of a long name or of pax records: macOS packs attributes of some kB along."""
MAX_DIGITS = 20
"""Of a number in a pax record."""
MAX_PATH_BYTES = 1_024
MAX_DEPTH = 32

PACK_AGAIN = (
    "Unpack it, pack only the folder agent and model_metadata.json again"
    " (tar -czf model.tar.gz agent model_metadata.json), and upload that file."
)
_FILES = b"0\x007"
_FOLDERS = b"5D"
_LONG_NAME = b"L"
_LONG_LINK = b"K"
_PAX = b"xX"
_PAX_FOR_ALL = b"g"
_LABEL = b"V"
_REFUSED = {
    b"1": "a link",
    b"2": "a link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
    b"M": "only a part of a file that goes on in another archive",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A file or folder of the archive; `path` has no leading ./ and no slash at its end."""

    path: str
    is_file: bool
    size_bytes: int


@dataclass(slots=True)
class _Notes:
    """What the blocks before a member say about it."""

    path: bytes | None = None
    size_bytes: int | None = None


class TarMembers:
    """Go through it once; `chunks` gives the content of the member that came last."""

    def __init__(self, content: Unpacker) -> None:
        self._content = content
        self._left_bytes = 0
        self._padding_bytes = 0
        self._headers = 0
        self._members = 0

    def __iter__(self) -> Iterator[Member]:
        notes = _Notes()
        while (block := self._next_header()) is not None:
            kind = block[156:157]
            size = _number(block[124:136])
            if kind in _LONG_NAME + _LONG_LINK + _PAX + _PAX_FOR_ALL:
                self._take_note(notes, kind, size)
                continue
            member = _member(block, kind, notes)
            notes = _Notes()
            self._begin(member.size_bytes)
            if kind not in _LABEL:
                self._members += 1
                if self._members > MAX_MEMBERS:
                    raise Unfit(f"This archive holds more than {MAX_MEMBERS:,} files; a model has two.", PACK_AGAIN)
                yield member

    def chunks(self) -> Iterator[bytes]:
        """
        The content of the member that came last.

        Raises:
            Unfit: It is cut off.
        """
        while self._left_bytes:
            yield self._take(min(CHUNK_BYTES, self._left_bytes))

    def _next_header(self) -> bytes | None:
        """The next header, None at the end: a block of zeros, or nothing at all as some packers leave it."""
        for _ in self.chunks():
            pass
        if self._padding_bytes:
            # The last padding may be missing where everything else is there.
            self._content.read(self._padding_bytes)
            self._padding_bytes = 0
        block = self._content.read(BLOCK_BYTES)
        if not any(block):
            return None
        if not self._headers and not has_tar_sum(block):
            raise instead_of_a_model(block)
        if len(block) < BLOCK_BYTES:
            raise Unfit(*CUT_OFF)
        if not has_tar_sum(block):
            raise Unfit(*DAMAGED)
        self._headers += 1
        if self._headers > MAX_HEADERS:
            raise Unfit("This archive holds thousands of notes about files, as no model does.", PACK_AGAIN)
        return block

    def _begin(self, size_bytes: int) -> None:
        self._left_bytes = size_bytes
        self._padding_bytes = -size_bytes % BLOCK_BYTES

    def _take(self, size: int) -> bytes:
        data = self._content.read(size)
        if len(data) < size:
            raise Unfit(*CUT_OFF)
        self._left_bytes -= size
        return data

    def _take_note(self, notes: _Notes, kind: bytes, size: int) -> None:
        if not 0 <= size <= MAX_NOTE_BYTES:
            raise Unfit("This archive has a note about a file that is larger than any file name.", PACK_AGAIN)
        self._begin(size)
        note = b"".join(self.chunks())
        if kind == _LONG_NAME:
            notes.path = note.split(b"\x00", 1)[0]
        elif kind in _PAX:
            _read_pax(notes, note)
        elif kind == _PAX_FOR_ALL and _names_a_member(note):
            raise Unfit(*DAMAGED)


def _member(block: bytes, kind: bytes, notes: _Notes) -> Member:
    path = _path(_name_in(block) if notes.path is None else notes.path)
    name = shown(path) or "something without a name"
    if kind in _REFUSED:
        raise Unfit(f"This archive holds {_REFUSED[kind]}, {name}. A model has only plain files.", PACK_AGAIN)
    if kind not in _FILES + _FOLDERS + _LABEL:
        raise Unfit(
            f"This archive holds {name}, which is neither a file nor a folder. A model has only plain files.",
            PACK_AGAIN,
        )
    is_folder = kind == b"5" or _is_old_folder(block)
    size = _number(block[124:136]) if notes.size_bytes is None else notes.size_bytes
    if size < 0:
        raise Unfit(*DAMAGED)
    if size > MAX_UNPACKED_BYTES:
        raise Unfit(
            f"{name} in this archive says it is larger than {MAX_UNPACKED_BYTES >> 20} MB; a model is about 25 MB.",
            DOWNLOAD_AGAIN,
        )
    # A folder may carry a size, and has no content all the same.
    return Member(path=path, is_file=kind in _FILES and not is_folder, size_bytes=0 if is_folder else size)


def _is_old_folder(block: bytes) -> bool:
    """Before POSIX a folder was a file whose name ends with a slash."""
    return block[156:157] in b"\x000" and _name_in(block).endswith(b"/")


def _name_in(block: bytes) -> bytes:
    name = block[:100].split(b"\x00", 1)[0]
    if block[257:263] != b"ustar\x00":  # GNU's own form keeps times where POSIX has the front of a long path.
        return name
    front = block[345:500].split(b"\x00", 1)[0]
    return front + b"/" + name if front else name


def _path(raw: bytes) -> str:
    """
    A path inside the archive, cleaned of what does not matter.

    Raises:
        Unfit: It leads outside, or is longer or deeper than any that a model has.
    """
    text = raw.decode("utf-8", "replace").replace("\\", "/")  # Some Windows packers.
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or text[1:3] == ":/" or ".." in parts:
        raise Unfit(f"This archive holds a file that would land outside of it: {shown(text)}.", PACK_AGAIN)
    if len(raw) > MAX_PATH_BYTES or len(parts) > MAX_DEPTH:
        raise Unfit("This archive holds a file whose path is longer than any that a model has.", PACK_AGAIN)
    return "/".join(parts)


def _number(field: bytes) -> int:
    """A number of a header: octal digits, or GNU's binary for what is larger than 8 GB."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big", signed=True) if field[0] == 0xFF else int.from_bytes(field, "big")
        return value if field[0] == 0xFF else value & ~(0x80 << 8 * (len(field) - 1))
    digits = field.split(b"\x00", 1)[0].strip(b" ")
    if digits.strip(b"01234567"):
        raise Unfit(*DAMAGED)
    return int(digits, 8) if digits else 0


def _read_pax(notes: _Notes, note: bytes) -> None:
    """Records of the form "length key=value\\n"; what matters are path and size."""
    for key, value in _pax_records(note.rstrip(b"\x00")):
        if key.startswith(b"GNU.sparse."):
            raise Unfit("This archive holds a sparse file. A model has only plain files.", PACK_AGAIN)
        if key == b"path":
            notes.path = value
        elif key == b"size":
            if not value.isdigit() or len(value) > MAX_DIGITS:
                raise Unfit(*DAMAGED)
            notes.size_bytes = int(value)


def _names_a_member(note: bytes) -> bool:
    """Whether what is said of all members is one's own: packers that read it disagree about what it means."""
    notes = _Notes()
    _read_pax(notes, note)
    return notes != _Notes()


def _pax_records(note: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 0
    while start < len(note):
        digits, space, _ = note[start : start + MAX_DIGITS].partition(b" ")
        if not space or not digits.isdigit():
            raise Unfit(*DAMAGED)
        end = start + int(digits)
        key, equals, value = note[start + len(digits) + 1 : end - 1].partition(b"=")
        if not key or not equals or not start < end <= len(note):
            raise Unfit(*DAMAGED)
        yield key, value
        start = end
