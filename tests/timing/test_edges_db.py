"""edges.db: numbered without holes, durable before it is told, one writer, append only, and never in the way."""

import sqlite3
import threading

import pytest

from appliance.errors import Conflict, NotReady
from appliance.file_lock import FileInUse
from timing.clock_reading import ClockReading, ClockWatch, read_clocks
from timing.edge_writer import EdgeWriter
from timing.edges_db import Anchor, EdgesDb, EdgesReader
from timing.reserve import Reserve
from timing.stream import Edge, Gap, Level
from timing.strips import RawEdge, RawGap

SECOND_NS = 1_000_000_000


class Told:
    """What the writer told, and a way to wait for the n-th record."""

    def __init__(self):
        self.batches = []
        self._changed = threading.Condition()

    @property
    def records(self):
        return [record for batch in self.batches for record in batch]

    def __call__(self, records):
        with self._changed:
            self.batches.append(records)
            self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.records) >= count, timeout=20)
        return self.records


def fail(error):
    raise AssertionError("the writer died") from error


class Open:
    """An open edges.db with its writer running."""

    def __init__(self, directory, boot="boot-a"):
        self.db = EdgesDb(directory)
        self.told = Told()
        self.writer = EdgeWriter(self.db, boot, self.told, fail)
        self.writer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.writer.close()
        self.db.close()


def stored(directory):
    reader = EdgesReader(directory / "edges.db")
    try:
        return reader.after(0, 1_000_000)
    finally:
        reader.close()


def rows(directory, sql):
    connection = sqlite3.connect(f"file:{directory}/edges.db?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_edge_is_stored_when_it_is_told(tmp_path):
    with Open(tmp_path) as box:
        box.writer.append(RawEdge(17, True, 123, 5))
        (edge,) = box.told.wait_for(1)
        assert stored(tmp_path) == [edge]
        assert (edge.seq, edge.boot_id, edge.line, edge.edge, edge.at_ns) == (1, "boot-a", 17, Level.ACTIVE, 123)
        assert rows(tmp_path, "SELECT line_seqno FROM edge") == [(5,)]


def test_utc_of_an_edge_is_worked_out_from_its_stamp(tmp_path):
    clocks = read_clocks()
    with Open(tmp_path) as box:
        box.writer.append(RawEdge(17, True, clocks.mono_ns - 10 * SECOND_NS))
        (edge,) = box.told.wait_for(1)
    assert edge.wall_ns == pytest.approx(clocks.wall_ns - 10 * SECOND_NS, abs=SECOND_NS)


def test_numbers_go_on_without_a_hole_after_a_restart(tmp_path):
    for run in range(3):
        with Open(tmp_path) as box:
            for step in range(5):
                box.writer.append(RawEdge(17, step % 2 == 0, run * 5 + step))
    edges = stored(tmp_path)
    assert [edge.seq for edge in edges] == list(range(1, 16))
    assert [edge.at_ns for edge in edges] == list(range(15))


def test_edges_keep_the_boot_that_stamped_them(tmp_path):
    for boot in ("boot-a", "boot-b"):
        with Open(tmp_path, boot) as box:
            box.writer.append(RawEdge(17, True, 99))
    assert [(edge.seq, edge.boot_id) for edge in stored(tmp_path)] == [(1, "boot-a"), (2, "boot-b")]


def test_gap_is_numbered_like_an_edge(tmp_path):
    with Open(tmp_path) as box:
        box.writer.append(RawEdge(17, True, 1))
        box.writer.append(RawGap(17, 4, 2))
        box.writer.append(RawEdge(17, False, 3))
        box.told.wait_for(3)
    assert stored(tmp_path)[1] == Gap(seq=2, line=17, lost=4, at_ns=2, boot_id="boot-a")
    assert [record.seq for record in stored(tmp_path)] == [1, 2, 3]


def test_edges_that_wait_together_are_made_durable_together(tmp_path):
    box = Open(tmp_path)
    first = threading.Event()
    box.db.commit, commit = (lambda *batch: (first.wait(20), commit(*batch))), box.db.commit
    with box:
        for step in range(1_000):
            box.writer.append(RawEdge(17, step % 2 == 0, step))
        first.set()
        box.told.wait_for(1_000)
    assert len(box.told.batches) <= 4
    assert [record.seq for record in box.told.records] == list(range(1, 1_001))


@pytest.mark.parametrize(
    "raw",
    [RawEdge(-1, True, 1), RawEdge(1024, True, 1), RawEdge(17, True, -1), RawEdge(17, True, 2**63), RawGap(1, 0, 1)],
)
def test_impossible_edge_is_refused_and_the_next_is_recorded(tmp_path, raw):
    with Open(tmp_path) as box:
        with pytest.raises(ValueError, match="no strip can have made"):
            box.writer.append(raw)
        box.writer.append(RawEdge(17, True, 1))
        assert [edge.seq for edge in box.told.wait_for(1)] == [1]


def test_close_makes_durable_what_waits(tmp_path):
    with Open(tmp_path) as box:
        for step in range(2_000):
            box.writer.append(RawEdge(17, step % 2 == 0, step))
    assert len(stored(tmp_path)) == 2_000


def test_batch_that_the_disk_refuses_is_tried_again_with_the_same_numbers(tmp_path):
    box = Open(tmp_path)
    commit, refusals = box.db.commit, iter([sqlite3.OperationalError("disk I/O error")] * 2)

    def stubborn(*batch):
        if (error := next(refusals, None)) is not None:
            raise error
        commit(*batch)

    box.db.commit = stubborn
    with box:
        box.writer.append(RawEdge(17, True, 1))
        assert [edge.seq for edge in box.told.wait_for(1)] == [1]
        assert next(refusals, None) is None
        box.writer.append(RawEdge(17, False, 2))
        box.told.wait_for(2)
    assert [edge.seq for edge in stored(tmp_path)] == [1, 2]
    assert box.writer.problem is None


def test_edges_beyond_what_memory_keeps_are_recorded_as_a_gap(tmp_path, monkeypatch):
    monkeypatch.setattr("timing.edge_writer.MAX_WAITING", 3)
    box = Open(tmp_path)
    let_go, stuck, commit = threading.Event(), threading.Event(), box.db.commit

    def slow(*batch):
        stuck.set()
        let_go.wait(20)
        commit(*batch)

    box.db.commit = slow
    with box:
        box.writer.append(RawEdge(17, True, 0))
        assert stuck.wait(20)
        for step in range(1, 9):
            box.writer.append(RawEdge(17, step % 2 == 0, step))
        let_go.set()
        records = box.told.wait_for(5)
    assert [type(record) for record in records] == [Edge, Edge, Edge, Edge, Gap]
    assert (records[-1].line, records[-1].lost) == (17, 5)
    assert [record.seq for record in stored(tmp_path)] == [1, 2, 3, 4, 5]


def test_transaction_is_all_or_nothing(tmp_path):
    db = EdgesDb(tmp_path)
    good = Edge(seq=1, boot_id="b", line=1, edge=Level.ACTIVE, at_ns=1, wall_ns=1)
    with pytest.raises(sqlite3.IntegrityError):
        db.commit([(good, None), (good, None)])
    assert db.last_seq == 0
    db.commit([(good, None)])
    assert db.last_seq == 1
    db.close()
    assert stored(tmp_path) == [good]


@pytest.mark.parametrize(
    "sql", ["UPDATE edge SET at_ns = 0", "DELETE FROM edge", "DELETE FROM meta", "DELETE FROM anchor"]
)
def test_what_was_recorded_cannot_be_changed(tmp_path, sql):
    with Open(tmp_path) as box:
        box.writer.append(RawEdge(17, True, 1))
        box.writer.anchor(Anchor("boot-a", 1, 2, "start"))
    connection = sqlite3.connect(tmp_path / "edges.db")
    assert connection.execute("SELECT (SELECT count(*) FROM edge), (SELECT count(*) FROM anchor)").fetchone() == (1, 1)
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        connection.execute(sql)
    connection.close()


def test_file_has_one_writer(tmp_path):
    with Open(tmp_path), pytest.raises(FileInUse, match=r"edges\.db is in use by process"):
        EdgesDb(tmp_path)
    EdgesDb(tmp_path).close()


def test_writer_syncs_every_commit(tmp_path):
    with Open(tmp_path) as box:
        assert box.db._connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert box.db._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_recorder_id_stays_with_the_file(tmp_path):
    first = EdgesDb(tmp_path)
    first.close()
    second = EdgesDb(tmp_path)
    second.close()
    assert second.recorder_id == first.recorder_id


def test_tables_are_strict(tmp_path):
    EdgesDb(tmp_path).close()
    tables = rows(tmp_path, "SELECT name, strict FROM pragma_table_list WHERE name IN ('edge', 'anchor', 'meta')")
    assert sorted(tables) == [("anchor", 1), ("edge", 1), ("meta", 1)]


@pytest.mark.parametrize("damage", ["header", "page"])
def test_damaged_file_is_set_aside_and_recording_begins_anew(tmp_path, damage):
    with Open(tmp_path) as box:
        for step in range(500):
            box.writer.append(RawEdge(17, True, step))
    path = tmp_path / "edges.db"
    content = bytearray(path.read_bytes())
    start = 0 if damage == "header" else 4096 * 2
    content[start : start + 200] = b"\xaa" * 200
    path.write_bytes(content)
    with Open(tmp_path) as anew:
        assert anew.db.recorder_id != box.db.recorder_id
        anew.writer.append(RawEdge(17, True, 1))
        assert [edge.seq for edge in anew.told.wait_for(1)] == [1]
    (kept,) = tmp_path.glob("edges-damaged-*.db")
    assert kept.read_bytes() == bytes(content)


def test_file_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    EdgesDb(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "edges.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Conflict, match="newer Trackside"):
        EdgesDb(tmp_path)
    assert rows(tmp_path, "PRAGMA user_version") == [(99,)]


def test_directory_that_cannot_be_written_is_refused_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReady, match="--data"):
        EdgesDb(tmp_path / "file")


def test_reader_answers_in_pieces(tmp_path):
    with Open(tmp_path) as box:
        for step in range(10):
            box.writer.append(RawEdge(17, True, step))
        box.told.wait_for(10)
        reader = EdgesReader(box.db.path)
        assert [edge.seq for edge in reader.after(0, 4)] == [1, 2, 3, 4]
        assert [edge.seq for edge in reader.after(8, 4)] == [9, 10]
        assert reader.after(10, 4) == []
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._connection.execute("DELETE FROM edge")
        reader.close()


def test_reserve_is_real_blocks_and_is_given_once(tmp_path):
    reserve = Reserve(tmp_path / "reserve", 1_000_000)
    assert not reserve.is_held
    assert reserve.take()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 1_000_000
    assert reserve.take()
    assert reserve.give()
    assert not reserve.give()
    assert not reserve.is_held


def test_reserve_is_not_taken_from_a_nearly_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("timing.reserve.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_500_000}))
    assert not Reserve(tmp_path / "reserve", 1_000_000).take()
    assert not (tmp_path / "reserve").exists()


def test_clocks_are_kept_at_the_start_each_minute_and_when_utc_is_stepped():
    watch = ClockWatch()

    def at(second, step_s=0):
        return watch.anchor_due(ClockReading(second * SECOND_NS, (1_000 + second + step_s) * SECOND_NS))

    assert at(0) == "start"
    assert [at(second) for second in range(1, 60)] == [None] * 59
    assert at(60) == "minute"
    assert at(61, 86_400 * 365 * 5) == "step"
    assert at(62, 86_400 * 365 * 5) is None
    assert at(120, 86_400 * 365 * 5) is None
    assert at(121, 86_400 * 365 * 5) == "minute"


def test_slewed_clock_is_no_step():
    watch = ClockWatch()
    watch.anchor_due(ClockReading(0, 0))
    assert watch.anchor_due(ClockReading(SECOND_NS, SECOND_NS + 500_000)) is None
