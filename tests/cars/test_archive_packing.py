"""How a file is packed: gzip in its odd forms, bombs, and what people upload instead of a model."""

import bz2
import gzip
import io
import lzma
import random
import zipfile
import zlib
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cars.file_kinds import has_tar_sum
from cars.inspection import DOWNLOAD_AGAIN, Fit, NotFit, Unfit
from cars.unpacking import MIB, Unpacker
from tests.cars.in_process import look, reason
from tests.cars.model_samples import graph, metadata_bytes, model_archive, model_files, tar
from tests.cars.tar_blocks import END, gzipped, header

CUT_OFF = NotFit(
    reason="This file is cut off: its end is missing.",
    remedy="Look whether the download had finished, download it again if not, and upload it again.",
)
DAMAGED = NotFit(reason="This file is damaged: what comes out is not what went in.", remedy=DOWNLOAD_AGAIN)
BLOWN_UP = "This file blows up to more than 100 times its size when it is unpacked, as no model does."
TO_UNPACK = (
    "Unpack it; if there is a .tar.gz with the physical car model inside, upload that one."
    " Another name is not enough: the content has to be a .tar.gz."
)


def as_zip() -> bytes:
    """The model as a zip, not compressed: its bytes are all in there."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in model_files():
            archive.writestr(path, data)
    return out.getvalue()


def changed(data: bytes, at: int) -> bytes:
    """With one bit turned over."""
    copy = bytearray(data)
    copy[at] ^= 1
    return bytes(copy)


def pieces(data: bytes, size: int) -> bytes:
    """Packed as many gzips, one after the other."""
    return b"".join(gzip.compress(data[at : at + size], mtime=0) for at in range(0, len(data), size))


def test_a_plain_tar_is_taken_as_it_is() -> None:
    assert look(tar(model_files())) == look(model_archive())


@pytest.mark.parametrize("size", [700, 4_096, 10_000])
def test_several_gzips_in_one_file_are_one(size: int) -> None:
    assert look(pieces(tar(model_files()), size)) == look(model_archive())


def test_thousands_of_gzips_in_one_file_are_refused() -> None:
    empty = gzip.compress(b"", mtime=0)
    assert isinstance(look(empty * 999 + model_archive()), Fit)
    assert look(empty * 1_000 + model_archive()) == NotFit(
        reason="This file is made of thousands of gzip pieces, as no model is.", remedy=DOWNLOAD_AGAIN
    )


@pytest.mark.parametrize("rest", [b"\0" * 512, b"hello", b"\x1f"])
def test_what_follows_the_gzip_does_not_matter(rest: bytes) -> None:
    assert isinstance(look(model_archive() + rest), Fit)


@pytest.mark.parametrize("kept", [2, 10, 18, 1_000, -1, -8, -9])
def test_a_gzip_without_its_end_is_cut_off(kept: int) -> None:
    assert look(model_archive()[:kept]) == CUT_OFF


@pytest.mark.parametrize("at", [2, 3_000, -5, -1])
def test_a_gzip_with_one_wrong_bit_is_damaged(at: int) -> None:
    assert look(changed(model_archive(), at)) == DAMAGED


def test_zeros_that_blow_up_are_refused_while_they_are_small() -> None:
    read = io.BytesIO(gzip.compress(bytes(64 * MIB), compresslevel=1))
    content = Unpacker(read)
    with pytest.raises(Unfit, match="blows up"):
        content.drain()
    assert content.unpacked_bytes < 18 * MIB


def test_a_bomb_behind_the_end_of_the_archive_is_one() -> None:
    assert reason(gzip.compress(tar(model_files()) + bytes(32 * MIB), compresslevel=1)) == BLOWN_UP


def test_a_bomb_as_a_member_nobody_wants_is_one() -> None:
    assert reason(gzipped(header(b"zeros", 32 * MIB), bytes(32 * MIB))) == BLOWN_UP


def test_a_bomb_of_bombs_is_only_a_gzip_in_a_gzip() -> None:
    inner = gzip.compress(bytes(8 * MIB), compresslevel=1)
    assert look(gzip.compress(inner)) == NotFit(
        reason="This is a .gz inside of a .gz, not a .tar.gz.", remedy=TO_UNPACK
    )


class Endless:
    """A file whose bytes never end, after a header of a member that is as long."""

    def __init__(self, packed: bytes, then: bytes) -> None:
        self._packed = packed
        self._then = then

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data, self._packed = (self._packed or self._then)[:size], self._packed[size:]
        return data


def test_a_file_larger_than_a_car_takes_is_refused() -> None:
    content = Unpacker(Endless(header(b"a"), b"x" * MIB))
    with pytest.raises(Unfit, match="is larger than 200 MB; a model is about 20 MB"):
        content.drain()


def test_more_than_500_mb_unpacked_is_refused() -> None:
    packer = zlib.compressobj(1, wbits=31)
    line = random.Random(0).randbytes(1_000)  # Shrinks to less than a hundredth, but not to less than a 50th.
    text = b"".join(line + bytes(40_000) for _ in range(26))
    head = packer.compress(header(b"log")) + packer.flush(zlib.Z_FULL_FLUSH)
    chunk = packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)
    assert 20 < len(text) / len(chunk) < 100
    content = Unpacker(Endless(head, chunk))
    with pytest.raises(Unfit, match="Unpacked this is more than 500 MB; a model is about 25 MB"):
        content.drain()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (as_zip(), "a zip archive"),
        (bz2.compress(tar(model_files())), "a tar.bz2 archive"),
        (lzma.compress(tar(model_files())), "a tar.xz archive"),
        (b"\x28\xb5\x2f\xfd" + bytes(100), "a tar.zst archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(100), "a rar archive"),
        (gzip.compress(as_zip()), "a zip archive"),
    ],
    ids=count(),
)
def test_another_archive_by_the_name_of_a_tar_gz_is_told(data: bytes, what: str) -> None:
    assert look(data) == NotFit(reason=f"This is {what}, not a .tar.gz.", remedy=TO_UNPACK)


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html>\n<html><body>403 Forbidden</body></html>",
        b"\xef\xbb\xbf \r\n<HTML>",
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        gzip.compress(b"<html>Sign in</html>"),
    ],
    ids=count(),
)
def test_a_web_page_in_place_of_the_file_is_told(page: bytes) -> None:
    assert look(page) == NotFit(
        reason="This is a web page and no model: the download gave an error page instead of the file.",
        remedy="Sign in again where you trained, download the physical car model once more, and upload that file.",
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "This file is empty."),
        (gzip.compress(b""), "This archive is empty."),
        (END, "This file holds only zeros: its content got lost on the way."),
        (metadata_bytes(), "This is a JSON file and no archive with a model."),
        (graph(), "This is the network alone (model.pb), without model_metadata.json."),
        (
            b"version https://git-lfs.github.com/spec/v1\noid",
            "This is only a pointer to a file in Git LFS, without the",
        ),
        (random.Random(0).randbytes(5_000), "This file is no .tar.gz archive, whatever its name says."),
        (b"hello", "This file is no .tar.gz archive, whatever its name says."),
    ],
    ids=count(),
)
def test_everything_else_is_told(data: bytes, told: str) -> None:
    assert reason(data).startswith(told)


@given(st.binary(max_size=3_000))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    for archive in (data, gzip.compress(data), b"\x1f\x8b" + data):
        assert reason(archive).endswith(".")


@given(st.binary(min_size=512, max_size=600))
def test_few_bytes_are_a_header_by_chance(data: bytes) -> None:
    assert not has_tar_sum(data)
