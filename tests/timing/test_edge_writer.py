"""The writer of edges.db: numbered without holes, durable before it is told, and never in the way."""

import sqlite3
import threading

import pytest
from edges_box import Open, rows, stored

from timing.clock_reading import read_clocks
from timing.stream import Edge, Gap, Level
from timing.strips import RawEdge, RawGap

SECOND_NS = 1_000_000_000


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
