"""
The recorder's memory at work: one thread that numbers edges and makes them durable, as many at once as are waiting.

Nobody hears of an edge before its fsync is done. When the disk does not take them, edges wait in memory and are tried
again for ever; past `MAX_WAITING` the loss itself is recorded as a gap. So is an edge that cannot be stored though the
disk is well: it never stands in the way of the next.
"""

import logging
import queue
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.clock import mono_ns, wall_ns
from timing.anchors import Anchor, ClockReading
from timing.clock_reading import read_clocks
from timing.edges_db import EdgesDb, Record, Row
from timing.stream import Blind, Edge, Gap, Level, Problem
from timing.strips import RawEdge, RawGap

BATCH = 512
"""Rows in one transaction: one fsync for all, and still under 100 KB of write-ahead log."""
MAX_WAITING = 100_000
"""Edges kept in memory while the disk refuses them: some 30 MB, hours of racing."""
RETRY_S = 0.2
IDLE_S = 1.0
"""Silence after which a checkpoint is not in the way of an edge; also how often a word is given that nothing waits."""
COMMITS_PER_CHECKPOINT = 50
RESERVE_RETRY_S = 10.0
LAST_TRY_S = 3.0
"""How long a stop waits for a disk that refuses."""

STUCK_S = 20.0
"""No card needs this long for one commit, and a disk that refuses says so at once: the thread hangs in the kernel."""
THE_EDGE_IS_AT_FAULT = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.NotSupportedError,
)
"""What SQLite answers for values it cannot store; any other error is the disk's, and trying again helps."""

log = logging.getLogger(__name__)


class _FileDamaged(Exception):
    """No edge can be recorded any more; the next start sets the file aside."""


@dataclass(frozen=True, slots=True)
class RawBlind:
    """Nobody watched until `at_ns`; `line` stands for all."""

    line: int
    at_ns: int
    blind: Blind


Raw = RawEdge | RawGap | RawBlind
Waiting = tuple[Raw, int]
"""An edge and the UTC estimate of its moment."""


class EdgeWriter:
    """Takes edges from any thread, tells `on_durable` from its own."""

    def __init__(
        self,
        db: EdgesDb,
        boot_id: str,
        on_durable: Callable[[list[Record]], None],
        on_death: Callable[[BaseException], None],
        on_rest: Callable[[ClockReading], None] = lambda reading: None,
    ) -> None:
        """
        Args:
            on_durable: Gets each batch in order; must be quick.
            on_death: The thread has ended by a fault of its own; the process must end too.
            on_rest: Told about once a second that whatever was handed over before this moment is durable.
        """
        self._db = db
        self._boot_id = boot_id
        self._on_durable = on_durable
        self._on_death = on_death
        self._on_rest = on_rest
        self._next_rest_s = 0.0
        self._at_the_disk_since_s: float | None = None
        self._is_whole = True
        self._queue: queue.SimpleQueue[Waiting | Anchor | None] = queue.SimpleQueue()
        self._dropped: Counter[int] = Counter()
        self._dropped_lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="edge-writer", daemon=True)
        self._commits = 0
        self._next_reserve_try_s = 0.0
        self.problem: Problem | None = None if db.reserve.is_held else Problem.DISK_FULL
        """What people must know; written by the thread, read by anyone."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_well(self) -> bool:
        """Whether the thread lives and is not stuck; a disk that refuses is a `problem`, not an illness."""
        since_s = self._at_the_disk_since_s
        return self._thread.is_alive() and (since_s is None or time.monotonic() - since_s < STUCK_S)

    def append(self, raw: Raw) -> None:
        """
        Hand over an edge; returns at once.

        Raises:
            ValueError: a number that no line, stamp or count can have; nothing is recorded.
        """
        check_raw(raw)
        if self._queue.qsize() >= MAX_WAITING:
            with self._dropped_lock:
                self._dropped[raw.line] += raw.lost if isinstance(raw, RawGap) else 1
            return
        self._queue.put((raw, wall_ns() - (mono_ns() - raw.at_ns)))

    def anchor(self, anchor: Anchor) -> None:
        """Hand over a reading of the clocks."""
        self._queue.put(anchor)

    def close(self) -> bool:
        """Make durable what is waiting and end the thread, the file stays open; whether the disk took all of it."""
        self._queue.put(None)
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        return self._is_whole

    def _run(self) -> None:
        try:
            while (items := self._next()) is not None:
                if items:
                    self._record(items)
                else:
                    self._use_the_silence()
                self._rest()
            if late := self._drain(BATCH):
                self._record(late)
        except BaseException as error:
            log.exception("edge_writer_died")
            self._on_death(error)

    def _next(self) -> list[Waiting | Anchor] | None:
        """What is waiting, an empty list after a silence, None at the end."""
        try:
            first = self._queue.get(timeout=IDLE_S)
        except queue.Empty:
            return []
        return None if first is None else [first, *self._drain(BATCH - 1)]

    def _drain(self, limit: int) -> list[Waiting | Anchor]:
        items: list[Waiting | Anchor] = []
        while len(items) < limit:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)
                break
            items.append(item)
        return items

    def _record(self, items: list[Waiting | Anchor]) -> None:
        waiting = [item for item in items if not isinstance(item, Anchor)] + self._take_dropped()
        anchors = [item for item in items if isinstance(item, Anchor)]
        try:
            self._store(waiting, anchors)
        except _FileDamaged:
            raise
        except Exception:
            log.exception("batch_refused count=%d doing=one_by_one", len(waiting))
            self._record_one_by_one(waiting, anchors)

    def _record_one_by_one(self, waiting: list[Waiting], anchors: list[Anchor]) -> None:
        for anchor in anchors:
            try:
                self._store([], [anchor])
            except Exception:
                log.exception("anchor_refused anchor=%r", anchor)
        for raw, wall in waiting:
            try:
                self._store([(raw, wall)], [])
            except Exception:
                log.exception("edge_refused raw=%r doing=recording_a_gap", raw)
                self._store([(RawGap(raw.line, 1, mono_ns()), wall)], [])

    def _store(self, waiting: Sequence[Waiting], anchors: Sequence[Anchor]) -> None:
        """Make these durable, however long it takes, and tell; any error but the disk's is raised, nothing stored."""
        rows = [self._row(self._db.last_seq + number, *one) for number, one in enumerate(waiting, start=1)]
        give_up_s = float("inf")
        while not self._commit(rows, anchors):
            if self._stopping.wait(RETRY_S):
                give_up_s = min(give_up_s, time.monotonic() + LAST_TRY_S)
                if time.monotonic() >= give_up_s:
                    log.error("edges_lost count=%d reason=stopped_while_the_disk_refused", len(rows))
                    self._is_whole = False
                    return
                time.sleep(RETRY_S)
        if rows:
            self._tell([record for record, _ in rows])

    def _tell(self, records: list[Record]) -> None:
        try:
            self._on_durable(records)
        except Exception:
            log.exception("not_told first=%d last=%d", records[0].seq, records[-1].seq)

    def _commit(self, rows: Sequence[Row], anchors: Sequence[Anchor]) -> bool:
        try:
            with self._at_the_disk():
                self._db.commit(rows, anchors)
        except THE_EDGE_IS_AT_FAULT:
            raise
        except sqlite3.Error as error:
            if self._db.make_room(error):
                self.problem = Problem.DISK_FULL
                return self._commit(rows, anchors)
            if self._db.is_damaged(error):
                raise _FileDamaged(str(error)) from error
            if self.problem is not Problem.NOT_RECORDING:
                log.error("not_recording error=%r waiting=%d remedy=free_disk_space", str(error), len(rows))
            self.problem = Problem.NOT_RECORDING
            return False
        self._commits += 1
        if self.problem is Problem.NOT_RECORDING:
            self.problem = None if self._db.reserve.is_held else Problem.DISK_FULL
            log.warning("recording_again last_seq=%d", self._db.last_seq)
        return True

    @contextmanager
    def _at_the_disk(self) -> Iterator[None]:
        self._at_the_disk_since_s = time.monotonic()
        try:
            yield
        finally:
            self._at_the_disk_since_s = None

    def _rest(self) -> None:
        """Say that nothing waits; the clocks are read before the looking, so that no edge slips in between."""
        if time.monotonic() < self._next_rest_s:
            return
        reading = read_clocks()
        if self._queue.empty() and not self._dropped:
            self._next_rest_s = time.monotonic() + IDLE_S / 2
            try:
                self._on_rest(reading)
            except Exception:
                log.exception("no_rest")

    def _use_the_silence(self) -> None:
        if self._commits >= COMMITS_PER_CHECKPOINT:
            with self._at_the_disk():
                self._db.checkpoint()
            self._commits = 0
        if self.problem is Problem.DISK_FULL and time.monotonic() >= self._next_reserve_try_s:
            self._next_reserve_try_s = time.monotonic() + RESERVE_RETRY_S
            if self._db.reserve.take():
                self.problem = None
                log.warning("disk_has_room_again")

    def _take_dropped(self) -> list[Waiting]:
        with self._dropped_lock:
            dropped, self._dropped = self._dropped, Counter()
        return [(RawGap(line, lost, mono_ns()), wall_ns()) for line, lost in dropped.items()]

    def _row(self, seq: int, raw: Raw, wall: int) -> Row:
        if isinstance(raw, RawBlind):
            return Gap(seq=seq, line=raw.line, lost=0, at_ns=raw.at_ns, boot_id=self._boot_id, blind=raw.blind), None
        if isinstance(raw, RawGap):
            return Gap(seq=seq, line=raw.line, lost=raw.lost, at_ns=raw.at_ns, boot_id=self._boot_id), None
        level = Level.ACTIVE if raw.active else Level.INACTIVE
        boot, at_ns = self._boot_id, raw.at_ns
        edge = Edge(seq=seq, boot_id=boot, line=raw.line, edge=level, at_ns=at_ns, wall_ns=wall, stamp=raw.stamp)
        return edge, raw.line_seqno


def check_raw(raw: Raw) -> None:
    """
    Refuse what no strip can have made.

    Raises:
        ValueError: a number that no line, stamp or count can have.
    """
    lost = raw.lost if isinstance(raw, RawGap) else 1
    if not (0 <= raw.line <= 1023 and 0 <= raw.at_ns < 2**63 and 0 < lost < 2**63):
        raise ValueError(f"no strip can have made {raw}")
