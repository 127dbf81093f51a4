"""What every benchmark shares: its last line is one JSON object, and percentiles mean the same everywhere."""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache"
"""On the disk of the project, which /tmp often is not; never committed."""


@contextmanager
def folder_on_disk(parent: Path = CACHE) -> Iterator[Path]:
    """A directory on a real disk, gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def percentile(values: Sequence[float], percent: float) -> float:
    """
    The nearest-rank percentile: a value that was measured, never one between two.

    Args:
        values: At least one, in any order.
        percent: 0 to 100.
    """
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def print_result(name: str, **figures: object) -> None:
    """Print one JSON object as the last line: the benchmark's name, then its figures with units in their names."""
    sys.stdout.write(json.dumps({"benchmark": name, **figures}) + "\n")
    sys.stdout.flush()
