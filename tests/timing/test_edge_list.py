"""`trackside edges`: what is in edges.db, as people and spreadsheets read it."""

import csv
import io
import subprocess
import sys

from appliance.clock import iso_utc
from timing.anchors import Anchor
from timing.edges_db import EdgesDb
from timing.stream import Blind, BlindReason, Edge, Gap, Level, Stamp

S = 1_000_000_000
TRUE_NS = 1_795_355_000 * S
"""UTC at the beginning of the boot."""


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "appliance.cli", "edges", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def rows(text):
    return [tuple(row) for row in csv.reader(io.StringIO(text))]


def edge(seq, at_ns, **fields):
    values = {"boot_id": "boot", "line": 17, "edge": Level.ACTIVE, "wall_ns": at_ns, **fields}
    return Edge(seq=seq, at_ns=at_ns, **values), None


def test_every_kind_of_record_is_listed_with_its_corrected_time(tmp_path):
    blind = Blind(boot_id="boot", from_ns=2, from_wall_ns=0, to_wall_ns=3 * S, reason=BlindReason.KILLED)
    db = EdgesDb(tmp_path)
    db.commit(
        [
            edge(1, 1 * S),
            edge(2, 2 * S, edge=Level.INACTIVE, stamp=Stamp.WALL_MS),
            (Gap(seq=3, line=27, lost=4, at_ns=3 * S, boot_id="boot"), None),
            (Gap(seq=4, line=17, lost=0, at_ns=4 * S, boot_id="boot", blind=blind), None),
            edge(5, 5 * S, boot_id="unknown"),
        ],
        [Anchor("boot", 0, 0, "start"), Anchor("boot", 6 * S, TRUE_NS + 6 * S, "step")],
    )
    done = run("--data", tmp_path)
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout) == [
        ("number", "kind", "line", "utc", "at_ns", "boot_id", "remark"),
        ("1", "press", "17", iso_utc(TRUE_NS + S), str(S), "boot", ""),
        ("2", "release", "17", iso_utc(TRUE_NS + 2 * S), str(2 * S), "boot", "wall_ms"),
        ("3", "gap", "27", iso_utc(TRUE_NS + 3 * S), str(3 * S), "boot", "4 lost"),
        ("4", "blind", "17", iso_utc(TRUE_NS + 4 * S), str(4 * S), "boot", "killed for 3.000 s"),
        ("5", "press", "17", "1970-01-01T00:00:05.000Z", str(5 * S), "unknown", ""),
    ]
    assert [row[0] for row in rows(run("--data", tmp_path, "--after", 3).stdout)] == ["number", "4", "5"]
    assert run("--data", tmp_path, "--after", 5).stdout == ""
    db.close()


def test_missing_file_is_refused_with_a_remedy(tmp_path):
    done = run("--data", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "There is no " in done.stderr
    assert "--data DIR" in done.stderr


def test_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "edges.db").write_text("not a database, but long enough to be read as one" * 100)
    done = run("--data", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Cannot read" in done.stderr


def test_reader_that_has_seen_enough_ends_it_quietly(tmp_path):
    db = EdgesDb(tmp_path)
    db.commit([edge(number, number) for number in range(1, 5_001)])
    db.close()
    listing = subprocess.Popen(
        [sys.executable, "-m", "timing.edge_list", "--data", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert listing.stdout is not None
    assert listing.stderr is not None
    assert listing.stdout.readline().startswith(b"number,")
    listing.stdout.close()
    assert listing.stderr.read() == b""
    assert listing.wait(60) == 0
    listing.stderr.close()
