"""
Asks ClamAV about a file, where it is installed. Never in the way: nobody waits for its answer.

clamdscan first, whose daemon has the signatures in memory already; else clamscan, if there is memory to spare, since
it loads them all for one file. What neither can tell is no verdict. One at a time is the caller's business.
"""

import asyncio
import contextlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DAEMON, ALONE = "clamdscan", "clamscan"
TIMEOUT_S = 600.0
"""clamscan reads its signatures for a minute or two on a Pi."""
ALONE_NEEDS_BYTES = 2 << 30
"""clamscan takes 1.3 GB with the official signatures; a box that has to swap would time laps late."""
FIRST_TO_GO = "1000"
"""When memory runs out all the same, the kernel takes the scanner."""
MAX_REASON_CHARACTERS = 200

TOO_SMALL: list[str] = []
"""In place of a command that this machine has no memory for."""

_FOUND = re.compile(r": (.+) FOUND$", re.MULTILINE)
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)
_SIZES = ("--max-filesize=500M", "--max-scansize=500M")


@dataclass(frozen=True, slots=True)
class Clean:
    """It found nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """It found this, by the name of its signature."""

    name: str


@dataclass(frozen=True, slots=True)
class NotThere:
    """No scanner is installed."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A scanner is installed and could not tell: no signatures, no daemon, no memory, too slow."""

    reason: str


Verdict = Clean | Found | NotThere | Failed


async def scan(path: Path, *, timeout_s: float = TIMEOUT_S) -> Verdict:
    """Have a file scanned; takes from a moment to minutes, and never raises for what a scanner does."""
    verdict: Verdict = NotThere()
    for command in await asyncio.to_thread(_commands, path):
        if command is TOO_SMALL:
            verdict = Failed(reason="This machine has too little memory left for clamscan; clamdscan would need none.")
            continue
        verdict = await _ask(command, timeout_s)
        if not isinstance(verdict, Failed):
            return verdict
    return verdict


def _commands(path: Path) -> list[list[str]]:
    """How to ask the scanners that are installed, the quick one first."""
    file = str(path.absolute())
    nice = ["nice", "-n", "19"]
    commands = []
    if (daemon := shutil.which(DAEMON)) is not None:
        # The daemon is another user: it gets the file opened.
        commands.append([*nice, daemon, "--fdpass", "--no-summary", file])
    if (alone := shutil.which(ALONE)) is not None:
        commands.append([*nice, alone, "--no-summary", *_SIZES, file] if _has_room() else TOO_SMALL)
    return commands


def _has_room() -> bool:
    available = _AVAILABLE.search(Path("/proc/meminfo").read_text())
    return available is not None and int(available[1]) * 1024 >= ALONE_NEEDS_BYTES


async def _ask(command: Sequence[str], timeout_s: float) -> Verdict:
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
    except OSError as error:
        return Failed(reason=f"{command[0]} does not start: {error.strerror}")
    try:
        await asyncio.to_thread(_offer_to_go, process.pid)
        async with asyncio.timeout(timeout_s):
            told, complaint = await process.communicate()
    except TimeoutError:
        return Failed(reason=f"It took longer than {timeout_s:g} s.")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
    return _verdict(process.returncode, told.decode(errors="replace"), complaint.decode(errors="replace"))


def _offer_to_go(pid: int) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(FIRST_TO_GO)


def _verdict(status: int | None, told: str, complaint: str) -> Verdict:
    """clamscan(1): 0 for nothing, 1 for a find, 2 for trouble."""
    found = _FOUND.search(told)
    if status == 1 and found is not None:
        return Found(name=found[1])
    if status == 0:
        return Clean()
    lines = [line for line in (complaint + told).splitlines() if line.strip()]
    # What libclamav says comes first; clamscan's own word after it is that a file cannot be opened, and not which.
    # libclamav says first what is wrong; clamscan's own word after it is that something cannot be opened.
    errors = [line for line in lines if "error" in line.lower()]
    reason = [*errors, *reversed(lines), f"It ended with {status}."][0]
    return Failed(reason=reason[:MAX_REASON_CHARACTERS])
