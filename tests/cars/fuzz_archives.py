"""
Mutated archives by the million, through the very function that the child runs.

    python -m tests.cars.fuzz_archives --mutants 1000000 --seed 1 --keep DIR

Counts crashes (anything but a refusal in words), hangs (over 5 s), touches (any file, process or network that the
inspection reaches for) and nonsense (a refusal that a racer could not read, facts that do not fit the bytes). Each
mutant follows from the seed and its number, so a find can be made again. What it finds is kept in DIR.
"""

import argparse
import hashlib
import io
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cars.inspect_child import load_what_comes_late, look_into
from cars.inspection import Unfit
from tests.cars.archive_mutants import mutant, seeds
from tests.cars.in_process import MemoryNetwork

HANG_S = 5.0
"""Of its own time, not of a clock on the wall: a machine may be busy."""
TOUCHES = ("open", "os.", "shutil.", "socket.", "subprocess.", "ctypes.", "tempfile.", "glob.", "pathlib.", "exec")
"""Beginnings of audit events that an inspection has no reason to cause."""


class HangError(Exception):
    """It took longer than HANG_S."""


@dataclass
class Tally:
    """What came of all mutants; `finds` has the number of each that should not be, and why."""

    mutants: int = 0
    fit: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    finds: list[tuple[int, str]] = field(default_factory=list)
    slowest_s: float = 0.0


class Watch:
    """An audit hook; it can never be taken out again, so it looks away most of the time."""

    def __init__(self) -> None:
        self.is_watching = False
        self.touches: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: object) -> None:
        if self.is_watching and event.startswith(TOUCHES):
            self.touches.append(event)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Notes what is touched inside."""
        self.touches = []
        self.is_watching = True
        try:
            yield
        finally:
            self.is_watching = False


_watches: list[Watch] = []


def fuzz(seed: int, count: int, *, first: int = 0, keep: Path | None = None) -> Tally:
    """Try `count` mutants from number `first` on. On the main thread: it needs an alarm."""
    if not _watches:
        load_what_comes_late()  # As the child does; whatever else is loaded later is a touch.
        _watches.append(Watch())
    pool, tally = seeds(), Tally()
    before = signal.signal(signal.SIGVTALRM, _hang)
    try:
        for number in range(first, first + count):
            data = mutant(seed, number, pool)
            find = _try(data, _watches[0], tally)
            if find is not None:
                tally.finds.append((number, find))
                if keep is not None:
                    (keep / f"{seed}-{number}").write_bytes(data)
    finally:
        signal.signal(signal.SIGVTALRM, before)
    return tally


def _hang(number: int, frame: object) -> None:
    raise HangError


def _try(data: bytes, watch: Watch, tally: Tally) -> str | None:
    """One mutant; answers what is wrong with what became of it."""
    tally.mutants += 1
    network = MemoryNetwork()
    started = time.perf_counter()
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG_S)
    try:
        with watch.watching():
            facts, metadata = look_into(io.BytesIO(data), network)
    except Unfit as refused:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        tally.reasons[refused.message.split(":")[0][:40]] += 1
        wrong = _wrong_words(refused.message) or _wrong_words(refused.remedy)
    except HangError:
        return "hang"
    except BaseException as error:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return f"crash: {error!r}"
    else:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        tally.fit += 1
        digest = hashlib.sha256(network.data).hexdigest()
        wrong = None if (facts.pb_sha256, facts.pb_bytes) == (digest, len(network.data)) else "wrong digest"
        wrong = wrong or (None if facts.metadata_bytes == len(metadata) else "wrong metadata")
        wrong = wrong or next((found for text in facts.warnings if (found := _wrong_words(text))), None)
    tally.slowest_s = max(tally.slowest_s, time.perf_counter() - started)
    return f"touched {watch.touches}" if watch.touches else wrong


def _wrong_words(text: str) -> str | None:
    if not text.endswith((".", ")")) or not text.isprintable() or not 10 < len(text) < 400:
        return f"words: {text!r}"
    return None


def main() -> int:
    """Run until all mutants are tried; 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for what is found")
    options = parser.parse_args()
    os.nice(19)
    found = done = fit = 0
    reasons: Counter[str] = Counter()
    slowest_s = 0.0
    while done < options.mutants:
        count = min(20_000, options.mutants - done)
        tally = fuzz(options.seed, count, first=options.first + done, keep=options.keep)
        done, fit, found = done + count, fit + tally.fit, found + len(tally.finds)
        reasons += tally.reasons
        slowest_s = max(slowest_s, tally.slowest_s)
        for number, find in tally.finds:
            print(f"seed={options.seed} mutant={number} {find}", flush=True)
        print(f"mutants={done} fit={fit} reasons={len(reasons)} found={found} slowest_s={slowest_s:.3f}", flush=True)
    for reason, times in reasons.most_common():
        print(f"{times:9} {reason}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
