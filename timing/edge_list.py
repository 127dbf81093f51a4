"""
`trackside edges`: what is in edges.db, as CSV, with UTC corrected by all that is known of the clock by now.

    python -m timing.edge_list --data DIR [--after N]

Reads only; the recorder may be running.
"""

import argparse
import csv
import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from appliance.clock import iso_utc
from appliance.errors import ApplianceError, NotFound, NotReady
from timing.anchors import by_boot, utc_of
from timing.edges_db import EdgesReader, Record
from timing.stream import Edge, Level

HEADER = ("number", "kind", "line", "utc", "at_ns", "boot_id", "remark")
CHUNK = 1_000
REFUSED = 2


def listed(path: Path, after: int) -> Iterator[tuple[object, ...]]:
    """
    A row for each record after that number, oldest first, as in HEADER.

    Raises:
        NotFound: there is no edges.db.
        NotReady: it cannot be read.
    """
    if not path.is_file():
        raise NotFound(
            f"There is no {path}.", "Give the right directory with --data DIR; the recorder makes a new file."
        )
    try:
        reader = EdgesReader(path)
        anchors = by_boot(reader.anchors())
        while records := reader.after(after, CHUNK):
            for record in records:
                corrected_ns = utc_of(anchors.get(record.boot_id, ()), record.boot_id, record.at_ns)
                yield _row(record, corrected_ns)
            after = records[-1].seq
        reader.close()
    except sqlite3.Error as error:
        raise NotReady(
            f"Cannot read {path}: {error}.",
            "Read it as its owner. A file of an older version: start its recorder once.",
        ) from error


def _row(record: Record, utc_ns: int | None) -> tuple[object, ...]:
    remark = ""
    if isinstance(record, Edge):
        kind = "press" if record.edge is Level.ACTIVE else "release"
        utc_ns = record.wall_ns if utc_ns is None else utc_ns
        remark = record.stamp or ""
    elif record.blind:
        blind = record.blind
        kind = "blind"
        utc_ns = blind.to_wall_ns if utc_ns is None else utc_ns
        remark = f"{blind.reason} for {(blind.to_wall_ns - blind.from_wall_ns) / 1e9:.3f} s"
    else:
        kind, remark = "gap", f"{record.lost} lost"
    utc = "" if utc_ns is None else iso_utc(utc_ns)
    return (record.seq, kind, record.line, utc, record.at_ns, record.boot_id, remark)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print it; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m timing.edge_list", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--after", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        rows = listed(options.data / "edges.db", options.after)
        writer = csv.writer(sys.stdout, lineterminator="\n")
        for number, row in enumerate(rows):
            if number == 0:
                writer.writerow(HEADER)
            writer.writerow(row)
        sys.stdout.flush()
    except ApplianceError as error:
        sys.stderr.write(f"{error.message}\n{error.remedy}\n")
        return REFUSED
    except BrokenPipeError:  # Whoever read it has seen enough; Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
