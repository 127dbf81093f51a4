"""
How long an edge takes from the recorder's hands to the disk, against this disk's own fsync in the same run.

    python -m tests.bench.durable [--edges N] [--data DIR]

Reach: p99 under 1.5 × the p99 of fsync + 2 ms. Fsync is measured as SQLite uses it, on a log of the same page size in
the same directory, in turn with the edges so that both meet the same disk.
"""

import argparse
import os
import sys
import threading
import time
from pathlib import Path

from tests.bench.common import CACHE, folder_on_disk, percentile, print_result
from timing.edge_writer import EdgeWriter
from timing.edges_db import EdgesDb, Record
from timing.strips import RawEdge

WARM_UP = 50
PAGE_BYTES = 4_096
BURST = 20
"""Edges of one hard hit: two strips, each bouncing."""


class Stopwatch:
    """When each edge became durable, by its number."""

    def __init__(self) -> None:
        self.durable_ns: dict[int, int] = {}
        self._news = threading.Condition()

    def __call__(self, records: list[Record]) -> None:
        now_ns = time.monotonic_ns()
        with self._news:
            self.durable_ns.update((record.seq, now_ns) for record in records)
            self._news.notify_all()

    def wait_for(self, seq: int) -> None:
        with self._news:
            if not self._news.wait_for(lambda: seq in self.durable_ns, timeout=60):
                raise TimeoutError(f"edge {seq} is not durable after a minute")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, default=2_000)
    parser.add_argument("--data", type=Path, help="directory on the disk to measure (default: one in .cache)")
    options = parser.parse_args()
    with folder_on_disk(options.data or CACHE) as directory:
        measure(directory, options.edges)


def measure(directory: Path, edges: int) -> None:
    watch = Stopwatch()
    db = EdgesDb(directory)
    writer = EdgeWriter(db, "bench", watch, lambda error: os._exit(1))
    writer.start()
    single_ms, burst_ms, fsync_ms = [], [], []
    with (directory / "log").open("wb", buffering=0) as log:
        seq = 0
        for step in range(WARM_UP + edges):
            seq, took_ms = hand_over(writer, watch, seq, 1)
            synced_ms = sync_a_page(log.fileno(), step)
            if step >= WARM_UP:
                single_ms += took_ms
                fsync_ms.append(synced_ms)
        for _ in range(edges // BURST):
            seq, took_ms = hand_over(writer, watch, seq, BURST)
            burst_ms += took_ms
    writer.close()
    db.close()
    report(single_ms, burst_ms, fsync_ms)


def hand_over(writer: EdgeWriter, watch: Stopwatch, seq: int, count: int) -> tuple[int, list[float]]:
    """Hand `count` edges over at once; answers the newest number and how long each took."""
    handed_ns = []
    for step in range(count):
        now_ns = time.monotonic_ns()
        handed_ns.append(now_ns)
        writer.append(RawEdge(17, step % 2 == 0, now_ns))
    watch.wait_for(seq + count)
    numbers = range(seq + 1, seq + count + 1)
    took = [(watch.durable_ns[number] - at_ns) / 1e6 for number, at_ns in zip(numbers, handed_ns, strict=True)]
    return seq + count, took


def sync_a_page(fd: int, step: int) -> float:
    """Write one page and its frame header as a write-ahead log does, and fdatasync; answers the ms of the sync."""
    os.pwrite(fd, b"\0" * (PAGE_BYTES + 24), (step % 1_000) * (PAGE_BYTES + 24))
    began_ns = time.monotonic_ns()
    os.fdatasync(fd)
    return (time.monotonic_ns() - began_ns) / 1e6


def report(single_ms: list[float], burst_ms: list[float], fsync_ms: list[float]) -> None:
    fsync_p99_ms = percentile(fsync_ms, 99)
    limit_ms = 1.5 * fsync_p99_ms + 2
    p99_ms = percentile(single_ms, 99)
    sys.stdout.write(
        f"edge to durable: p50 {percentile(single_ms, 50):.3f} ms, p99 {p99_ms:.3f} ms; "
        f"fsync p99 {fsync_p99_ms:.3f} ms; limit {limit_ms:.3f} ms\n"
    )
    print_result(
        "durable",
        edges=len(single_ms),
        p50_ms=round(percentile(single_ms, 50), 3),
        p99_ms=round(p99_ms, 3),
        max_ms=round(max(single_ms), 3),
        burst_of=BURST,
        burst_p50_ms=round(percentile(burst_ms, 50), 3),
        burst_p99_ms=round(percentile(burst_ms, 99), 3),
        fsync_p50_ms=round(percentile(fsync_ms, 50), 3),
        fsync_p99_ms=round(fsync_p99_ms, 3),
        limit_ms=round(limit_ms, 3),
        reached=p99_ms < limit_ms,
    )


if __name__ == "__main__":
    main()
