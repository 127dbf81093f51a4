"""edges.db: one writer, append only, of every version; damaged or full, it says so and recording goes on."""

import queue
import sqlite3

import pytest
from edges_box import Open, rows, stored
from sqlite_utils.db import Database as SchemaDatabase

from appliance.errors import Conflict, NotReady
from appliance.file_lock import FileInUse
from timing import edges_schema
from timing.anchors import Anchor, AnchorReason
from timing.blindness import Sign
from timing.edge_writer import EdgeWriter, RawBlind
from timing.edges_db import EdgesDb, EdgesReader
from timing.edges_schema import MIGRATIONS
from timing.reserve import Reserve
from timing.stream import Blind, BlindReason, Edge, Gap, Level, Problem, Stamp
from timing.strips import RawEdge

BLIND = Blind(boot_id="boot-0", from_ns=1, from_wall_ns=-2, to_wall_ns=3, reason=BlindReason.POWER)


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


@pytest.fixture
def first_version(tmp_path):
    """An edges.db as the first release left it, with something of everything."""
    connection = sqlite3.connect(tmp_path / "edges.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    MIGRATIONS.loaded().apply(SchemaDatabase(connection, execute_plugins=False), stop_before="0002_blind")
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.executemany(
        "INSERT INTO edge VALUES (?, ?, 'boot', 17, ?, ?, ?, ?, ?)",
        [(1, "edge", 1, 10, 1_010, None, 5), (2, "gap", None, 20, None, 3, None), (3, "edge", 0, 30, 1_030, None, 9)],
    )
    connection.execute("INSERT INTO anchor VALUES (7, 'boot', 5, 1005, 'start')")
    connection.close()
    return tmp_path


def test_file_of_the_first_version_keeps_everything_and_learns_of_blind_spots(first_version):
    ((recorder_id,),) = rows(first_version, "SELECT recorder_id FROM meta")
    with Open(first_version) as box:
        assert (box.db.recorder_id, box.db.last_seq) == (recorder_id, 3)
        before = [
            Edge(seq=1, boot_id="boot", line=17, edge=Level.ACTIVE, at_ns=10, wall_ns=1_010),
            Gap(seq=2, line=17, lost=3, at_ns=20, boot_id="boot"),
            Edge(seq=3, boot_id="boot", line=17, edge=Level.INACTIVE, at_ns=30, wall_ns=1_030),
        ]
        assert stored(first_version) == before
        reader = EdgesReader(box.db.path)
        assert reader.anchors() == [Anchor("boot", 5, 1_005, "start")]
        assert reader.last_sign() == Sign(boot_id="boot", mono_ns=30, wall_ns=1_030)
        reader.close()
        box.writer.append(RawBlind(17, 90, BLIND))
        box.writer.append(RawEdge(17, True, 95, stamp=Stamp.WALL_MS))
        blind, edge = box.told.wait_for(2)
    assert blind == Gap(seq=4, line=17, lost=0, at_ns=90, boot_id="boot-a", blind=BLIND)
    assert edge.stamp is Stamp.WALL_MS
    assert stored(first_version) == [*before, blind, edge]
    assert rows(first_version, "SELECT line_seqno FROM edge ORDER BY seq") == [(5,), (None,), (9,), (None,), (None,)]
    assert rows(first_version, "PRAGMA user_version") == [(2,)]
    assert [path.suffix for path in (first_version / "edges-backups").iterdir()] == [".db"]
    connection = sqlite3.connect(first_version / "edges.db")
    for table in ("edge", "anchor", "meta"):
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            connection.execute(f"DELETE FROM {table}")
    connection.close()


def test_upgraded_file_has_the_tables_of_a_new_one(first_version, tmp_path_factory):
    new = tmp_path_factory.mktemp("new")
    shape = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name"
    for directory in (first_version, new):
        EdgesDb(directory).close()
    assert rows(first_version, shape) == rows(new, shape)


def test_upgrade_needs_nothing_of_the_servers(first_version):
    """Under systemd `backups` is the server's alone; a file in its place is closed to root too."""
    (first_version / "backups").write_text("")
    EdgesDb(first_version).close()
    assert rows(first_version, "PRAGMA user_version") == [(2,)]


def test_upgrade_that_fails_leaves_the_file_as_it_was(first_version, monkeypatch):
    monkeypatch.setitem(edges_schema._BLIND_TABLES, "anchor", "CREATE TABLE anchor (a, a)")
    with pytest.raises(NotReady, match="The file is as it was"):
        EdgesDb(first_version)
    assert rows(first_version, "SELECT count(*) FROM edge") == [(3,)]
    assert rows(first_version, "PRAGMA user_version") == [(1,)]


@pytest.mark.parametrize(
    "wrong",
    [
        "INSERT INTO edge (seq, kind, boot_id, line, at_ns) VALUES (1, 'blind', 'b', 1, 1)",
        "INSERT INTO edge (seq, kind, boot_id, line, at_ns) VALUES (1, 'dark', 'b', 1, 1)",
        "INSERT INTO edge (seq, kind, boot_id, line, at_ns, lost) VALUES (1, 'gap', 'b', 1, 1, 0)",
        "INSERT INTO edge (seq, kind, boot_id, line, at_ns, wall_ns, from_boot_id, from_ns, from_wall_ns, reason)"
        " VALUES (1, 'blind', 'b', 1, 1, 1, 'a', 1, 1, 'bored')",
        "INSERT INTO anchor (boot_id, mono_ns, wall_ns, reason) VALUES ('b', 1, 1, 'whim')",
    ],
)
def test_record_that_says_nothing_is_refused_by_the_file_itself(tmp_path, wrong):
    EdgesDb(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "edges.db")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"):
        connection.execute(wrong)
    connection.close()


def test_every_reason_of_an_anchor_can_be_stored(tmp_path):
    with Open(tmp_path) as box:
        for number, reason in enumerate(AnchorReason):
            box.writer.anchor(Anchor("boot-a", number, number, reason, slept_ns=number))
    kept = rows(tmp_path, "SELECT reason, slept_ns FROM anchor ORDER BY anchor_id")
    assert kept == [(reason.value, number) for number, reason in enumerate(AnchorReason)]


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


def spoil_a_page(directory):
    path = directory / "edges.db"
    content = bytearray(path.read_bytes())
    content[4096 * 5 : 4096 * 5 + 200] = b"\xaa" * 200
    path.write_bytes(content)


def test_file_is_looked_through_once_in_each_boot(tmp_path):
    with Open(tmp_path) as box:
        box.writer.anchor(Anchor("boot-a", 1, 2, "start"))
        for step in range(2_000):
            box.writer.append(RawEdge(17, True, step))
    spoil_a_page(tmp_path)
    EdgesDb(tmp_path, "boot-a").close()
    assert list(tmp_path.glob("edges-damaged-*")) == []
    EdgesDb(tmp_path, "boot-b").close()
    assert len(list(tmp_path.glob("edges-damaged-*.db"))) == 1


def test_file_found_damaged_while_recording_is_looked_through_by_the_next_start(tmp_path):
    deaths = queue.SimpleQueue()
    db = EdgesDb(tmp_path, "boot-a")
    writer = EdgeWriter(db, "boot-a", lambda records: None, deaths.put)
    writer.start()
    writer.anchor(Anchor("boot-a", 1, 2, "start"))
    for step in range(2_000):
        writer.append(RawEdge(17, True, step))
    assert writer.close()
    db.close()
    spoil_a_page(tmp_path)

    db = EdgesDb(tmp_path, "boot-a")
    corrupt = sqlite3.DatabaseError("database disk image is malformed")
    corrupt.sqlite_errorname = "SQLITE_CORRUPT"

    def commit(*_):
        raise corrupt

    db.commit = commit
    writer = EdgeWriter(db, "boot-a", lambda records: None, deaths.put)
    writer.start()
    writer.append(RawEdge(17, True, 1))
    assert deaths.get(timeout=20).__cause__ is corrupt
    db.close()
    for _ in range(2):
        EdgesDb(tmp_path, "boot-a").close()
        assert len(list(tmp_path.glob("edges-damaged-*.db"))) == 1
    assert not (tmp_path / "edges.db.doubted").exists()


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


def test_reserve_that_cannot_be_made_is_told_of_once_and_recording_goes_on(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("timing.reserve.os.posix_fallocate", refuse)
    with Open(tmp_path) as box:
        assert box.writer.problem is Problem.DISK_FULL
        assert not box.db.reserve.take()
        assert not (tmp_path / "edges.reserve").exists()
        box.writer.append(RawEdge(17, True, 1))
        box.told.wait_for(1)
    assert [record.message.split()[0] for record in caplog.records] == ["no_reserve"]
