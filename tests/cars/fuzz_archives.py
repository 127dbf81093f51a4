"""
Mutated archives by the million, through the very function that the child runs.

    python -m tests.cars.fuzz_archives --mutants 1000000 --seed 1 --keep DIR

Counts crashes (anything but a refusal in words), hangs (over 5 s), touches (any file, process or network that the
inspection reaches for) and nonsense (a refusal that a racer could not read, facts that do not fit the bytes). Each
mutant follows from the seed and its number, so a find can be made again. What it finds is kept in DIR.
"""

import argparse
import gzip
import hashlib
import io
import os
import random
import signal
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cars.inspect_child import load_what_comes_late, look_into
from cars.inspection import Unfit
from tests.cars import model_samples
from tests.cars.in_process import MemoryNetwork

HANG_S = 5
BLOCK = 512
TOUCHES = ("open", "os.", "shutil.", "socket.", "subprocess.", "ctypes.", "tempfile.", "glob.", "pathlib.", "exec")
"""Beginnings of audit events that an inspection has no reason to cause."""
TYPES = b"01234567gxLKSMVDNX\x00A"
INTERESTING = (0, 1, 2, 3, 4, 8, 10, 0x0A, 0x7F, 0x80, 0xFF, 0x20, 0x30, 0x39, 0x5C, 0x2F, 0x2E, 0x7B, 0x5B)
SIZES = (b"00000000000\0", b"77777777777\0", b"00000001000\0", b"\x80" + b"\0" * 10 + b"\x07", b"\xff" * 12, b" " * 12)
NAMES = (
    b"../x",
    b"/x",
    b"model.pb",
    b"agent/model.pb",
    b"model_metadata.json",
    b"agent/",
    b"a\\..\\..\\b",
    b"\xff\xfe",
    b"",
)
NOTES = (
    b"12 path=../x\n",
    b"11 size=10\n",
    b"0 a=b\n",
    b"30 GNU.sparse.name=model.pb\n",
    b"9 path=\n",
    b"99 a=b\n",
    b"x" * 40,
)


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


def seeds() -> list[bytes]:
    """Archives to begin with, as plain tars: small, so that a mutation hits something."""
    files = model_samples.model_files(pb_bytes=1_100)
    lidar = model_samples.model_files(pb_bytes=1_100, sensors=("STEREO_CAMERAS", "LIDAR"))
    smooth = model_samples.model_files(
        pb_bytes=1_100, algorithm="sac", action_space=model_samples.CONTINUOUS, action_space_type="continuous"
    )
    long = [("Größe " + "x" * 120 + "/" + path, data) for path, data in files]
    more = [*files, ("agent/model.xml", b"<net/>"), ("._agent", b"x"), ("model/5.ckpt.index", b"")]
    many = [files, lidar, smooth, long, more, files[:1], files[::-1]]
    forms = (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)
    return [model_samples.tar(one, form=form) for one in many for form in forms]


def mutant(seed: int, number: int, pool: list[bytes]) -> bytes:
    """The mutant of this number, the same each time."""
    dice = random.Random(f"{seed}:{number}")
    data = bytearray(dice.choice(pool))
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        dice.choice(MUTATIONS)(data, dice, pool)
    if dice.random() < 0.8:
        _mend_sums(data)
    if dice.random() < 0.7:
        return bytes(data)
    packed = bytearray(gzip.compress(bytes(data), compresslevel=1, mtime=0))
    if dice.random() < 0.6:
        dice.choice((_flip, _cut, _double, _drop))(packed, dice, pool)
    return bytes(packed)


Mutation = Callable[[bytearray, random.Random, list[bytes]], None]


def _flip(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    for _ in range(dice.choice((1, 1, 4, 16))):
        if data:
            data[dice.randrange(len(data))] = dice.choice((dice.randrange(256), *INTERESTING))


def _flip_content(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    """In the first bytes of a member, where a graph has its tags and JSON its brackets."""
    block = dice.randrange(max(len(data) // BLOCK, 1)) * BLOCK
    for _ in range(dice.choice((1, 2, 6))):
        at = block + dice.randrange(BLOCK)
        if at < len(data):
            data[at] = dice.choice((dice.randrange(256), *INTERESTING))


def _cut(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    del data[dice.randrange(len(data) + 1) :]


def _drop(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    at = dice.randrange(len(data) + 1)
    del data[at : at + dice.choice((1, 7, BLOCK, 3 * BLOCK))]


def _double(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    at = dice.randrange(len(data) // BLOCK + 1) * BLOCK
    piece = data[at : at + dice.choice((1, 3)) * BLOCK]
    to = dice.randrange(len(data) // BLOCK + 1) * BLOCK
    data[to:to] = piece


def _splice(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    other = dice.choice(pool)
    at = dice.randrange(len(data) // BLOCK + 1) * BLOCK
    data[at:] = other[dice.randrange(len(other) // BLOCK) * BLOCK :]


def _headers(data: bytearray) -> list[int]:
    return [at for at in range(0, len(data) - BLOCK + 1, BLOCK) if data[at + 257 : at + 262] == b"ustar"]


def _header_field(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    headers = _headers(data)
    if not headers:
        return
    at = dice.choice(headers)
    which = dice.randrange(4)
    if which == 0:
        data[at + 156] = dice.choice(TYPES)
    elif which == 1:
        data[at + 124 : at + 136] = dice.choice((*SIZES, b"%011o\0" % dice.randrange(5_000)))
    elif which == 2:
        data[at : at + 100] = dice.choice(NAMES).ljust(100, b"\0")
    else:
        data[at + 257 : at + 265] = dice.choice((b"ustar\x0000", b"ustar  \0", bytes(8)))


def _insert_note(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    headers = _headers(data)
    if not headers:
        return
    at = dice.choice(headers)
    note = b"".join(dice.choice(NOTES) for _ in range(dice.choice((1, 1, 2, 40))))
    header = bytearray(data[at : at + BLOCK])
    header[156] = dice.choice(b"xgLKX")
    header[124:136] = b"%011o\0" % (len(note) + dice.choice((0, 0, 0, -1, 1, 600)))
    data[at:at] = header + note.ljust(-(-len(note) // BLOCK) * BLOCK, b"\0")


def _swap_text(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    """Something of the metadata for something else, of the same length or not."""
    old, new = dice.choice(
        (
            (b"-30", b"NaN"),
            (b"0.8", b"1e999"),
            (b"0.8", b"9" * 40),
            (b"[", b"[[[[[[[[[[[[[[[[["),
            (b'"sensor"', b'"sensox"'),
            (b'"LIDAR"', b'"lidar"'),
            (b"{", b"\xef\xbb\xbf{"),
            (b"discrete", b"continuous"),
            (b"30", b"true"),
            (b"Placeholder", b"VariableV2"),
            (b"Softmax", b"NoOp"),
            (b"main_level", b"main_lev\xffl"),
        )
    )
    at = data.find(old)
    if at >= 0:
        data[at : at + len(old)] = new
        if dice.random() < 0.7:  # Kept in line, so that what follows is still read.
            rest = at + len(new)
            del data[rest : rest + max(len(new) - len(old), 0)]
            data[rest:rest] = b" " * max(len(old) - len(new), 0)


MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _flip_content,
    _flip_content,
    _cut,
    _drop,
    _double,
    _splice,
    _header_field,
    _header_field,
    _insert_note,
    _swap_text,
    _swap_text,
)


def _mend_sums(data: bytearray) -> None:
    """Most mutants are to get past the sum of their headers."""
    for at in _headers(data):
        data[at + 148 : at + 156] = b" " * 8
        data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + BLOCK])


def fuzz(seed: int, count: int, *, first: int = 0, keep: Path | None = None) -> Tally:
    """Try `count` mutants from number `first` on. On the main thread: it needs the alarm."""
    if not _watches:
        load_what_comes_late()  # As the child does; whatever else is loaded later is a touch.
        _watches.append(Watch())
    pool, tally = seeds(), Tally()
    before = signal.signal(signal.SIGALRM, _hang)
    try:
        for number in range(first, first + count):
            data = mutant(seed, number, pool)
            find = _try(data, _watches[0], tally)
            if find is not None:
                tally.finds.append((number, find))
                if keep is not None:
                    (keep / f"{seed}-{number}").write_bytes(data)
    finally:
        signal.signal(signal.SIGALRM, before)
    return tally


def _hang(number: int, frame: object) -> None:
    raise HangError


def _try(data: bytes, watch: Watch, tally: Tally) -> str | None:
    """One mutant; answers what is wrong with what became of it."""
    tally.mutants += 1
    network = MemoryNetwork()
    started = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        with watch.watching():
            facts, metadata = look_into(io.BytesIO(data), network)
    except Unfit as refused:
        signal.setitimer(signal.ITIMER_REAL, 0)
        tally.reasons[refused.message.split(":")[0][:40]] += 1
        wrong = _wrong_words(refused.message) or _wrong_words(refused.remedy)
    except HangError:
        return "hang"
    except BaseException as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return f"crash: {error!r}"
    else:
        signal.setitimer(signal.ITIMER_REAL, 0)
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
