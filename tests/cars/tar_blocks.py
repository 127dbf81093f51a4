"""Tars block by block, with headers that no packer of today would write."""

import gzip

END = bytes(1_024)


def header(
    name: bytes = b"agent/thing",
    size: int = 0,
    kind: bytes = b"0",
    *,
    link: bytes = b"",
    mark: bytes = b"ustar\x0000",
    size_field: bytes | None = None,
    front: bytes = b"",
) -> bytes:
    """One header, with the right sum."""
    block = bytearray(512)
    for at, value in {
        0: name,
        100: b"0000644\0",
        124: size_field or b"%011o\0" % size,
        148: b" " * 8,
        156: kind,
        157: link,
        257: mark,
        345: front,
    }.items():
        block[at : at + len(value)] = value
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    """Content, filled up to whole blocks."""
    return data + bytes(-len(data) % 512)


def member(path: str | bytes, data: bytes, **header_fields: object) -> bytes:
    """A file with its header."""
    name = path.encode() if isinstance(path, str) else path
    return header(name, len(data), **header_fields) + padded(data)  # type: ignore[arg-type]


def record(key: bytes, value: bytes) -> bytes:
    """A pax record, which begins with its own length."""
    size = len(key) + len(value) + 3
    while len(b"%d" % size) + len(key) + len(value) + 3 != size:
        size += 1
    return b"%d %s=%s\n" % (size, key, value)


def pax(*records: bytes, kind: bytes = b"x") -> bytes:
    """Pax records with their header."""
    return member(b"PaxHeader", b"".join(records), kind=kind)


def gzipped(*blocks: bytes) -> bytes:
    """The blocks and the end of the archive, packed."""
    return gzip.compress(b"".join(blocks) + END, compresslevel=1, mtime=0)
