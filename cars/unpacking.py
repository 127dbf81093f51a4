"""
The bytes of an archive, unpacked as they are asked for, forwards only.

Owns gzip and the limits on how much comes out of how little; keeps at most one chunk in memory. Refuses a bomb while
it is still small. Reads the file it is given and touches nothing else.
"""

import zlib
from typing import Protocol

from cars.file_kinds import GZIP_MARK, HEAD_BYTES, Packing, packing_of
from cars.inspection import DOWNLOAD_AGAIN, Unfit

MIB = 1 << 20
MAX_PACKED_BYTES = 200 * MIB
"""The console of a car takes no more either (nginx client_max_body_size)."""
MAX_UNPACKED_BYTES = 500 * MIB
MAX_RATIO = 100
"""Weights hardly shrink (1.1 to 1), text 10 to 1; gzip can do 1,030 to 1, which only a bomb needs."""
RATIO_COUNTS_FROM_BYTES = 16 * MIB
"""Less can hurt nobody, and a small network of zeros is somebody's first model."""
MAX_GZIP_MEMBERS = 1_000
"""Some packers end a gzip member each MiB; an empty one takes 20 bytes and a reset of the unpacker."""
CHUNK_BYTES = 1 << 18

CUT_OFF = (
    "This file is cut off: its end is missing.",
    "Look whether the download had finished, download it again if not, and upload it again.",
)
DAMAGED = ("This file is damaged: what comes out is not what went in.", DOWNLOAD_AGAIN)


class Source(Protocol):
    """An archive, open for reading in binary."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""


class Unpacker:
    """An archive's content. `read` gives what is asked for, less only at the end."""

    def __init__(self, source: Source) -> None:
        """
        Raises:
            Unfit: It is no archive.
        """
        self._source = source
        self._packed = _head_of(source)
        self._packed_bytes = len(self._packed)
        self.unpacked_bytes = 0
        """How much came out so far."""
        self._buffer = bytearray()
        self._is_over = False
        self._gzip_members = 1
        self._gzip = zlib.decompressobj(wbits=31) if packing_of(self._packed) is Packing.GZIP else None

    def read(self, size: int) -> bytes:
        """
        The next bytes; `size` is at most CHUNK_BYTES.

        Raises:
            Unfit: Cut off, damaged, or more than any model has.
        """
        while len(self._buffer) < size and not self._is_over:
            self._fill()
        wanted = bytes(self._buffer[:size])
        del self._buffer[:size]
        return wanted

    def drain(self) -> None:
        """Read to the end, where gzip keeps the sum of it all."""
        while not self._is_over:
            self._fill()
            self._buffer.clear()

    def _fill(self) -> None:
        if not self._packed:
            self._packed = self._more()
        unpacked = self._take_plain() if self._gzip is None else self._take_gzip(self._gzip)
        self.unpacked_bytes += len(unpacked)
        self._check_size()
        self._buffer += unpacked

    def _more(self) -> bytes:
        more = self._source.read(CHUNK_BYTES)
        self._packed_bytes += len(more)
        return more

    def _take_plain(self) -> bytes:
        plain, self._packed = self._packed, b""
        self._is_over = not plain
        return plain

    def _take_gzip(self, gzip: "zlib._Decompress") -> bytes:
        if not self._packed:
            raise Unfit(*CUT_OFF)
        try:
            unpacked = gzip.decompress(self._packed, CHUNK_BYTES)
        except zlib.error as error:
            raise Unfit(*DAMAGED) from error
        self._packed = gzip.unconsumed_tail
        if gzip.eof:
            self._next_gzip(gzip.unused_data)
        return unpacked

    def _next_gzip(self, rest: bytes) -> None:
        """A gzip may be followed by another one; gunzip leaves alone what else comes."""
        if len(rest) < 2:
            rest += self._more()
        if not rest.startswith(GZIP_MARK):
            self._is_over = True
            return
        self._gzip_members += 1
        if self._gzip_members > MAX_GZIP_MEMBERS:
            raise Unfit("This file is made of thousands of gzip pieces, as no model is.", DOWNLOAD_AGAIN)
        self._gzip = zlib.decompressobj(wbits=31)
        self._packed = rest

    def _check_size(self) -> None:
        if self._packed_bytes > MAX_PACKED_BYTES:
            raise Unfit(
                f"This file is larger than {MAX_PACKED_BYTES // MIB} MB; a model is about 20 MB.", DOWNLOAD_AGAIN
            )
        if self.unpacked_bytes > MAX_UNPACKED_BYTES:
            raise Unfit(
                f"Unpacked this is more than {MAX_UNPACKED_BYTES // MIB} MB; a model is about 25 MB.", DOWNLOAD_AGAIN
            )
        used_bytes = self._packed_bytes - len(self._packed)
        blown_up = self.unpacked_bytes > used_bytes * MAX_RATIO
        if blown_up and self.unpacked_bytes > RATIO_COUNTS_FROM_BYTES:
            raise Unfit(
                f"This file blows up to more than {MAX_RATIO} times its size when it is unpacked, as no model does.",
                DOWNLOAD_AGAIN,
            )


def _head_of(source: Source) -> bytes:
    """The first bytes; a source may give fewer than it is asked for."""
    head = b""
    while len(head) < HEAD_BYTES and (more := source.read(HEAD_BYTES - len(head))):
        head += more
    return head
