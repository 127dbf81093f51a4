"""What every benchmark shares: its last line is one JSON object, and percentiles mean the same everywhere."""

import json
import sys
from collections.abc import Sequence


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
