"""Tars of all kinds: what packers of today and of long ago write is read, what could do harm is refused in words."""

import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cars.inspection import DOWNLOAD_AGAIN, Fit, NotFit
from cars.tar_members import PACK_AGAIN
from tests.cars.in_process import look, reason
from tests.cars.model_samples import model_files, tar, tar_gz
from tests.cars.tar_blocks import gzipped, header, member, padded, pax, record

FILES = model_files()
GOOD = b"".join(member(path, data) for path, data in FILES)
DAMAGED = "This file is damaged: what comes out is not what went in."
CUT_OFF = "This file is cut off: its end is missing."


def test_the_blocks_are_a_model() -> None:
    assert isinstance(look(gzipped(GOOD)), Fit)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (b"1", "a link"),
        (b"2", "a link"),
        (b"3", "a device"),
        (b"4", "a device"),
        (b"6", "a pipe"),
        (b"S", "a sparse file"),
        (b"M", "only a part of a file that goes on in another archive"),
    ],
)
def test_what_is_no_plain_file_is_refused(kind: bytes, what: str) -> None:
    archive = gzipped(GOOD, header(b"agent/thing", kind=kind, link=b"/etc/passwd"))
    assert look(archive) == NotFit(
        reason=f"This archive holds {what}, agent/thing. A model has only plain files.", remedy=PACK_AGAIN
    )


def test_a_kind_that_nobody_knows_is_refused() -> None:
    assert reason(gzipped(GOOD, header(kind=b"Z"))) == (
        "This archive holds agent/thing, which is neither a file nor a folder. A model has only plain files."
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"/etc/passwd", "/etc/passwd"),
        (b"../../etc/cron.d/x", "../../etc/cron.d/x"),
        (b"agent/../../x", "agent/../../x"),
        (b"..\\..\\x", "../../x"),
        (b"C:\\Windows\\x", "C:/Windows/x"),
        (b"..", ".."),
        ("../Größe\u202e\x1b[2J".encode(), "../Größe\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[2J"),
    ],
)
def test_a_path_that_leads_outside_is_refused(path: bytes, shown: str) -> None:
    assert look(gzipped(GOOD, header(path))) == NotFit(
        reason=f"This archive holds a file that would land outside of it: {shown}.", remedy=PACK_AGAIN
    )


def test_a_path_that_leads_outside_by_its_pax_record_is_refused() -> None:
    archive = gzipped(GOOD, pax(record(b"path", b"../evil")), header(b"innocent"))
    assert reason(archive) == "This archive holds a file that would land outside of it: ../evil."


@pytest.mark.parametrize("path", ["x" * 1_025, "x/" * 33 + "y"])
def test_a_path_longer_or_deeper_than_any_is_refused(path: str) -> None:
    assert reason(tar_gz([*FILES, (path, b"")])) == (
        "This archive holds a file whose path is longer than any that a model has."
    )


def test_five_thousand_members_are_taken_and_one_more_is_not() -> None:
    others = b"".join(header(b"f%d" % number) for number in range(4_998))
    assert isinstance(look(gzipped(GOOD, others)), Fit)
    assert look(gzipped(GOOD, others, header())) == NotFit(
        reason="This archive holds more than 5,000 files; a model has two.", remedy=PACK_AGAIN
    )


def test_folders_count_as_members() -> None:
    folders = b"".join(header(b"d%d/" % number, kind=b"5") for number in range(5_001))
    assert reason(gzipped(folders)) == "This archive holds more than 5,000 files; a model has two."


def test_notes_without_members_are_refused() -> None:
    notes = member(b"././@LongLink", b"long", kind=b"L") * 15_001
    assert reason(gzipped(notes)) == "This archive holds thousands of notes about files, as no model does."


@pytest.mark.parametrize("size", [(1 << 20) + 1, 1 << 32])
def test_a_huge_note_is_refused_before_it_is_read(size: int) -> None:
    assert reason(gzipped(header(b"PaxHeader", size, b"x"))) == (
        "This archive has a note about a file that is larger than any file name."
    )


def test_the_attributes_that_a_mac_packs_along_are_taken() -> None:
    attributes = pax(record(b"LIBARCHIVE.xattr.com.apple.provenance", b"A" * 60_000), record(b"mtime", b"1.5"))
    assert isinstance(look(gzipped(attributes, GOOD)), Fit)


@pytest.mark.parametrize(("key", "value"), [(b"path", b"agent/model.pb"), (b"size", b"10")])
def test_a_record_for_all_members_with_the_path_or_size_of_one_is_damage(key: bytes, value: bytes) -> None:
    assert reason(gzipped(pax(record(key, value), kind=b"g"), GOOD)) == DAMAGED


def test_the_comment_of_git_archive_is_taken() -> None:
    assert isinstance(look(gzipped(pax(record(b"comment", b"5821abc"), kind=b"g"), GOOD)), Fit)


@pytest.mark.parametrize("key", [b"GNU.sparse.major", b"GNU.sparse.name", b"GNU.sparse.size"])
def test_a_sparse_file_of_pax_is_refused(key: bytes) -> None:
    archive = gzipped(pax(record(key, b"1")), GOOD)
    assert reason(archive) == "This archive holds a sparse file. A model has only plain files."


@pytest.mark.parametrize(
    "note",
    [b"0 a=b\n", b"99 a=b\n", b"7 a=b", b"x", b"5 a-b\n", b"-6 a=b\n", b"9999999999999999999999 a=b\n", b"6 =ab\n"],
)
def test_a_broken_pax_record_is_damage(note: bytes) -> None:
    assert reason(gzipped(member(b"PaxHeader", note, kind=b"x"), GOOD)) == DAMAGED


@pytest.mark.parametrize("size", [b"-5", b"1e9", b"", b"9" * 21])
def test_a_size_that_is_no_number_is_damage(size: bytes) -> None:
    assert reason(gzipped(pax(record(b"size", size)), GOOD)) == DAMAGED


def test_a_size_in_pax_overrules_the_header() -> None:
    (path, network), about = FILES
    network_member = pax(record(b"size", b"%d" % len(network))) + header(path.encode(), 0) + padded(network)
    assert isinstance(look(gzipped(network_member, member(*about))), Fit)


@pytest.mark.parametrize("size_field", [b"\x80" + (10 << 30).to_bytes(11, "big"), b"77777777777\0"])
def test_a_member_larger_than_all_is_refused_by_its_header(size_field: bytes) -> None:
    assert look(gzipped(GOOD, header(b"weights", size_field=size_field))) == NotFit(
        reason="weights in this archive says it is larger than 500 MB; a model is about 25 MB.", remedy=DOWNLOAD_AGAIN
    )


@pytest.mark.parametrize("size_field", [b"\xff" * 12, b"zzzzzzzzzzz\0", b"-0000000001\0"])
def test_a_header_with_an_impossible_size_is_damage(size_field: bytes) -> None:
    assert reason(gzipped(GOOD, header(size_field=size_field))) == DAMAGED


def test_a_header_whose_sum_is_wrong_is_damage() -> None:
    assert reason(gzipped(GOOD, b"X" + header()[1:])) == DAMAGED


def test_sums_of_signed_bytes_are_sums() -> None:
    """SunOS and old GNU tars added up their bytes as signed ones."""
    block = bytearray(header("Größe".encode()))
    unsigned = sum(block) - sum(block[148:156]) + 8 * 32
    block[148:156] = b"%06o\0 " % (unsigned - 256 * sum(byte > 127 for byte in block))
    assert isinstance(look(gzipped(bytes(block), GOOD)), Fit)


def test_a_folder_with_a_size_has_no_content() -> None:
    assert isinstance(look(gzipped(header(b"agent/", 512, b"5"), GOOD)), Fit)


def test_a_tar_from_before_posix_is_read() -> None:
    old = b"".join(member(path, data, kind=b"\0", mark=bytes(8)) for path, data in FILES)
    assert isinstance(look(gzipped(header(b"agent/", kind=b"\0", mark=bytes(8)), old)), Fit)


def test_a_path_in_two_parts_is_put_together() -> None:
    (_, network), about = FILES
    archive = gzipped(member(b"model.pb", network, front=b"my model/agent"), member("my model/" + about[0], about[1]))
    assert isinstance(look(archive), Fit)


def test_backslashes_of_windows_are_slashes() -> None:
    archive = gzipped(*(member(path.replace("/", "\\"), data) for path, data in FILES))
    assert isinstance(look(archive), Fit)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("folder", ["Müller läuft", "ﬂotte 🏎", "x" * 300])
def test_a_folder_around_it_may_have_any_name(form: int, folder: str) -> None:
    archive = tar_gz([(f"{folder}/{path}", data) for path, data in FILES], form=form)
    assert isinstance(look(archive), Fit)


def test_a_name_that_is_no_text_harms_nobody() -> None:
    assert isinstance(look(gzipped(GOOD, header(b"M\xfcll\xff\xfe"))), Fit)


def test_the_end_of_the_archive_may_be_missing() -> None:
    whole = tar(FILES)
    assert isinstance(look(whole.rstrip(b"\0")), Fit)


@pytest.mark.parametrize("kept", [300, 513, 600, 5_000])
def test_a_tar_that_ends_inside_of_a_member_is_cut_off(kept: int) -> None:
    assert reason(padded(FILES[0][1])[:0] + tar(FILES)[: kept + 512]) == CUT_OFF


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "pax"])
def test_gnu_tar_in_all_its_forms(tmp_path: Path, form: str) -> None:
    (tmp_path / "agent").mkdir()
    for path, data in FILES:
        (tmp_path / path).write_bytes(data)
    archive = tmp_path / "out"
    subprocess.run(["tar", "-C", tmp_path, "-H", form, "-czf", archive, "agent", "model_metadata.json"], check=True)
    assert isinstance(look(archive.read_bytes()), Fit)


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_a_sparse_file_of_gnu_tar_is_refused(tmp_path: Path, form: str) -> None:
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 20)
        file.write(b"x")
    archive = tmp_path / "out"
    subprocess.run(["tar", "-C", tmp_path, "-H", form, "--sparse", "-czf", archive, "hole"], check=True)
    assert re.fullmatch(
        r"This archive holds a sparse file(, hole)?\. A model has only plain files\.", reason(archive.read_bytes())
    )


@given(
    paths=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=200),
        max_size=5,
    ),
    form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_any_names_beside_the_model_are_refused_in_words_or_ignored(paths: list[str], form: int) -> None:
    inspection = look(tar_gz([*FILES, *((path, b"content") for path in paths)], form=form))
    assert isinstance(inspection, Fit) or inspection.reason.isprintable()
