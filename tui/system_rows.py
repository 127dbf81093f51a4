"""
How the box and the way to it are, as rows of a terminal: each with a word that says whether it is well. Pure.

What a check says and what to do about it are the box's own words.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from timing.clock_offset import Offset
from timing.crew_structs import Connections
from tui.columns import Cell, Look, Row, fit, plain
from tui.link import LinkState, LinkWord
from tui.wire import Check, HealthReport
from tui.words import age_text, counted

ORDER = ("recorder", "strips", "database", "disk", "clock", "cars", "sync", "network")
"""As people ask: what times the laps first. Checks of a newer box come after these."""
NAME_CELLS = 10
WORD_CELLS = 10
NAMES = {"local_login": "local"}
"""Checks whose name on the wire is longer than its column."""
NS_PER_MS = 1_000_000
OK, LOOK_AT, PROBLEM = "√ ok", "! look", "× PROBLEM"
UNMEASURED = "Not measured yet: presses wait until it is."
BAD_CLOCK = "The network is slow: laps pressed here may be off by that much. Move closer, or use a cable."
GOOD_ERROR_NS = 50 * NS_PER_MS
"""A thumb is no better; a stamp further in the future is refused (docs/api.md)."""
SINCE_CELLS = 12
ADDRESS_CELLS = 15
NAME_MOST = 24
"""What is left over goes to the address: one of IPv6 is long."""
LINK_SAYS = {
    LinkWord.LIVE: "What is shown is true,",
    LinkWord.CONNECTING: "Connecting",
    LinkWord.LOST: "Nothing heard of the box",
    LinkWord.SIGNED_OUT: "Nobody is signed in: press O,",
}
NOT_FOR_YOU = "What is behind it is shown to operators: press O to sign in as one."


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: CLOCK_MONOTONIC of this machine, and its time of day."""

    mono_ns: int
    local: datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """The box's clock as this terminal measured it in the last minute."""

    offset: Offset | None
    samples: int
    round_trip_ns: int | None


def check_rows(report: HealthReport, cells: int) -> list[Row]:
    """Every check in as many rows as its words need; the remedy on rows of its own."""
    if not report.checks:
        is_ok = report.status == "ok"
        word, look = (OK, Look.GOOD) if is_ok else (PROBLEM, Look.BAD)
        said = "The box says that all is well." if is_ok else "The box says that something needs a hand."
        return _entry("box", word, look, [(said, Look.PLAIN), (NOT_FOR_YOU, Look.SOFT)], cells)
    names = [name for name in ORDER if name in report.checks]
    names += sorted(report.checks.keys() - set(ORDER))
    return [row for name in names for row in _check(name, report.checks[name], cells)]


def summary(report: HealthReport) -> Cell:
    """All in a few words: how many things need a hand."""
    bad = sum(not check.ok for check in report.checks.values())
    if report.status == "ok":
        return Cell("√ All is well", Look.GOOD)
    return Cell(f"× {counted(bad, 'thing needs', 'things need') if bad else 'Something needs'} a hand", Look.BAD)


def link_rows(state: LinkState, now: Moment, cells: int) -> list[Row]:
    """How the link is, since when, and why there is none."""
    since_s = max(0, now.mono_ns - state.since_ns) // (1_000 * NS_PER_MS)
    since = f"since {(now.local - timedelta(seconds=since_s)):%H:%M:%S} ({age_text(since_s * 1000)})"
    words = {
        LinkWord.LIVE: ("√ live", Look.GOOD),
        LinkWord.CONNECTING: ("○ wait", Look.WARN),
        LinkWord.LOST: ("× LOST", Look.BAD),
        LinkWord.SIGNED_OUT: ("× OUT", Look.BAD),
    }
    word, look = words[state.word]
    said = [(f"{LINK_SAYS[state.word]} {since}", look if state.word is not LinkWord.LIVE else Look.PLAIN)]
    if state.problem is not None:
        said.append((f"{state.problem.message} {state.problem.remedy}", Look.WARN))
    return _entry("link", word, look, said, cells)


def clock_rows(clock: Clock, cells: int) -> list[Row]:
    """How far this machine's clock is from the box's, and how well that is known."""
    if clock.offset is None:
        return _entry("clock", LOOK_AT, Look.WARN, [(UNMEASURED, Look.WARN)], cells)
    error_ns = clock.offset.error_ns
    trip = "" if clock.round_trip_ns is None else f"round trip {clock.round_trip_ns / NS_PER_MS:.1f} ms, "
    known = f"{_signed(clock.offset.offset_ns)} ±{error_ns / NS_PER_MS:.1f} ms against this one"
    said = [(f"The box's is {known} ({trip}{counted(clock.samples, 'answer')} in a minute).", Look.PLAIN)]
    is_good = error_ns <= GOOD_ERROR_NS
    if not is_good:
        said.append((BAD_CLOCK, Look.WARN))
    return _entry("clock", OK if is_good else LOOK_AT, Look.GOOD if is_good else Look.WARN, said, cells)


def press_rows(waiting: int, trouble: str | None, cells: int) -> list[Row]:
    """What waits to be sent, and whether it could be lost with this machine; nothing when all is well."""
    if trouble is not None:
        return _entry("presses", PROBLEM, Look.BAD, [(trouble, Look.BAD)], cells)
    if waiting:
        said = f"{counted(waiting, 'press waits', 'presses wait')} to be sent, in order; each counts when it was made."
        return _entry("presses", LOOK_AT, Look.WARN, [(said, Look.PLAIN)], cells)
    return []


def seat_rows(connections: Connections, tracks: Mapping[tuple[str, str], str], cells: int) -> list[Row]:
    """How many are connected, and who sits at which track, whoever came first on top.

    Args:
        tracks: Names of the tracks that this terminal knows, by event and track id.
    """
    counts = (
        f"{counted(len(connections.seats), 'terminal')}, {counted(connections.pages, 'crew page')},"
        f" {counted(connections.screens, 'hall screen')}"
    )
    rows: list[Row] = [[Cell("Connected: ", Look.STRONG), Cell(fit(counts, max(0, cells - 11)))]]
    width = min(NAME_MOST, max(8, (cells - SINCE_CELLS - ADDRESS_CELLS) // 2 - 1))
    address = max(ADDRESS_CELLS, cells - SINCE_CELLS - 2 * (width + 1))
    for seat in sorted(connections.seats, key=lambda seat: seat.since):
        rows.append(
            [
                Cell(f"{fit(seat.username, width)} ", Look.STRONG),
                Cell(f"{fit(tracks.get((seat.event_id, seat.track_id), 'another event'), width)} "),
                Cell(fit(f"since {datetime.fromisoformat(seat.since).astimezone():%H:%M}", SINCE_CELLS), Look.SOFT),
                Cell(fit(seat.address, address), Look.SOFT),
            ]
        )
    return rows


def entry(name: str, text: str, cells: int, look: Look = Look.PLAIN) -> list[Row]:
    """A name and what is to be said of it."""
    return _entry(name, "", look, [(text, look)], cells)


def wrapped(text: str, cells: int, look: Look = Look.PLAIN, *, indent: int = 0) -> list[Row]:
    """A sentence on as many rows as it needs."""
    width = max(1, cells - indent)
    return [[Cell(" " * indent + line, look)] for line in textwrap.wrap(plain(text), width)]


def _check(name: str, check: Check, cells: int) -> list[Row]:
    word, look = (PROBLEM, Look.BAD) if not check.ok else (LOOK_AT, Look.WARN) if check.remedy else (OK, Look.GOOD)
    said = [(check.message, Look.STRONG if not check.ok else Look.PLAIN)]
    if check.remedy:
        said.append((check.remedy, look))
    return _entry(NAMES.get(name, name.replace("_", " ")), word, look, said, cells)


def _entry(name: str, word: str, look: Look, said: Sequence[tuple[str, Look]], cells: int) -> list[Row]:
    width = max(12, cells - NAME_CELLS - WORD_CELLS)
    lines = [(line, style) for text, style in said for line in textwrap.wrap(plain(text), width)] or [("", Look.PLAIN)]
    rows: list[Row] = []
    for number, (line, style) in enumerate(lines):
        head = [Cell(fit(name, NAME_CELLS)), Cell(fit(word, WORD_CELLS), look)]
        rows.append([*(head if number == 0 else [Cell(" " * (NAME_CELLS + WORD_CELLS))]), Cell(line, style)])
    return rows


def _signed(offset_ns: int) -> str:
    """Milliseconds below a second; two machines that were not started together are hours apart."""
    sign, size_ns = "+" if offset_ns >= 0 else "-", abs(offset_ns)
    if size_ns < 1_000 * NS_PER_MS:
        return f"{sign}{size_ns / NS_PER_MS:.1f} ms"
    seconds = size_ns / (1_000 * NS_PER_MS)
    return f"{sign}{seconds:.3f} s"
