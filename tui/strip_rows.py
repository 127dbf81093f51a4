"""
The strip check as rows of a terminal: every line of every recorder, and what to do now. Pure.

What a line does and how its hit was, is in the words of timing/line_words.py; signs say what colours repeat.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace
from rich.cells import cell_len

from timing.line_words import JUST_NOW_MS, NOTHING_SET_UP, contact_text, now_text
from timing.strip_picture import LinePicture, RecorderPicture, TestPicture
from timing.strip_words import LineVerdict
from tui.big_letters import big_lines, spaced
from tui.columns import Cell, Look, Row, fit, plain

LINE, NOW, HITS, CONTACT, BOUNCES = 5, 22, 5, 11, 9
NAME_CELLS = 8
NAME_MOST = 28
TEST_CELLS = 14
"""For "× Misses taps"; longer verdicts are told whole below."""
CONTACT_FROM, BOUNCES_FROM = 66, 75
"""Below so many cells the figures of the last hit give way to the verdicts."""
BIG_ROWS = 11
"""Two lines of the larger letters."""
CLOCK_OFF_MS = 2_000
AWAY = (
    "It is tried again all the time. What the strips see meanwhile is taken over when it is back."
    " Take laps by hand until then."
)
HOW = "Press T to test: you are asked to tap each strip three times. All devices show the same."


@dataclass(frozen=True, slots=True)
class Place:
    """What a row stands for: a recorder by its number among all, or one of its lines."""

    recorder: int
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Widths:
    """Cells of the columns that differ; 0 is left out."""

    name: int
    contact: int
    bounces: int
    test: int


def strip_rows(
    recorders: Sequence[RecorderPicture], age_ms: int, cells: int, *, is_live: bool = True
) -> tuple[Row, list[Row], list[Place]]:
    """
    The heading, the rows, and what each row stands for.

    Args:
        age_ms: Since the box said so: silence goes on by itself, except where nobody knows (`is_live` False).
    """
    widths = _widths(recorders, cells)
    rows: list[Row] = []
    places: list[Place] = []
    for number, of in enumerate(recorders):
        rows.append(_recorder_row(of, cells))
        places.append(Place(number))
        for line in of.lines:
            now = line if line.silent_ms is None else replace(line, silent_ms=line.silent_ms + age_ms)
            known = is_live and of.recorder.connected
            rows.append(_line_row(now, of.test, widths, is_known=known))
            places.append(Place(number, line.line))
    return _heading(widths), rows, places


def asked_place(before: Sequence[RecorderPicture] | None, after: Sequence[RecorderPicture]) -> Place | None:
    """The strip to look at now: the first of all at first, then each that a test begins to ask for."""
    if before is None:
        return next((Place(number, of.lines[0].line) for number, of in enumerate(after) if of.lines), None)
    was_asked = {of.recorder.recorder_id: of.test.asked for of in before if of.test is not None}
    for number, of in enumerate(after):
        asked = None if of.test is None else of.test.asked
        if asked is not None and was_asked.get(of.recorder.recorder_id) != asked:
            return Place(number, asked)
    return None


def recorder_name(of: RecorderPicture) -> str:
    """What people call it."""
    return "Strips of this box" if of.recorder.is_own else plain(of.recorder.name)


def panel(of: RecorderPicture, racing: Sequence[str], width: int, rows: int) -> list[Cell]:
    """
    What to do now at one recorder: one cell per row, the most urgent first, in large letters where they fit.

    Args:
        racing: The tracks with an open race, where taps count.
        width: Cells of a row; longer sentences are wrapped.
        rows: Rows that are seen at once.
    """
    if not of.recorder.connected:
        problem = plain(of.recorder.problem or "It does not answer.")
        return [
            *_big("No recorder", width, rows - 5, Look.BAD),
            Cell(""),
            *_wrapped(f"{recorder_name(of)}: {problem}", width, Look.BAD),
            *_wrapped(AWAY, width),
            *_wrapped(plain(of.ended or ""), width, Look.WARN),
        ]
    said = [*_test(of.test, width, rows)] if of.test is not None else []
    notices = _notices(of, racing)
    if said and notices:
        said.append(Cell(""))
    for text, look in notices:
        said += _wrapped(text, width, look)
    if not of.lines:
        return [*said, *_wrapped(NOTHING_SET_UP, width, Look.WARN)]
    if of.test is None:
        said += [*([Cell("")] if said else []), *_wrapped(HOW, width)]
    return said


def _recorder_row(of: RecorderPicture, cells: int) -> Row:
    recorder = of.recorder
    if not recorder.connected:
        state, look = "× NO RECORDER", Look.BAD
    elif recorder.problem:
        state, look = f"! {recorder.problem}", Look.WARN
    else:
        state, look = f"√ connected, {recorder.strips or 'unknown'} strips", Look.GOOD
    name = recorder_name(of)
    return [Cell(f"{fit(name, min(NAME_MOST, cells))} ", Look.STRONG), Cell(fit(state, cells - NAME_MOST - 1), look)]


def _widths(recorders: Sequence[RecorderPicture], cells: int) -> Widths:
    contact = CONTACT if cells >= CONTACT_FROM else 0
    bounces = BOUNCES if cells >= BOUNCES_FROM else 0
    fixed = LINE + NOW + HITS + contact + bounces + 2
    longest = max((cell_len(plain(line.name)) for of in recorders for line in of.lines), default=0)
    name = max(NAME_CELLS, min(NAME_MOST, longest, cells - fixed - TEST_CELLS))
    return Widths(name=name, contact=contact, bounces=bounces, test=max(0, cells - fixed - name))


def _heading(widths: Widths) -> Row:
    return [
        Cell(fit("Strip", widths.name + 2)),
        Cell(fit("Line", LINE, right=True)),
        Cell(fit("    Now", NOW)),
        Cell(fit("Hits", HITS, right=True)),
        Cell(fit("On it", widths.contact, right=True)),
        Cell(fit("Bounces", widths.bounces, right=True)),
        Cell(fit("  Test", widths.test)),
    ]


def _line_row(line: LinePicture, test: TestPicture | None, widths: Widths, *, is_known: bool) -> Row:
    now, look = _now(line) if is_known else ("? not known", Look.WARN)
    has_hit = line.hits > 0 and line.contact_ms is not None
    return [
        Cell(f"  {fit(line.name, widths.name)}"),
        Cell(fit(str(line.line), LINE, right=True), Look.SOFT),
        Cell(fit(f"  {now}", NOW), look),
        Cell(fit(str(line.hits), HITS, right=True), Look.STRONG),
        Cell(fit(contact_text(line) if has_hit else "–", widths.contact, right=True)),
        Cell(fit(str(line.bounces or 0) if has_hit else "–", widths.bounces, right=True)),
        *_tested(line, test, widths.test),
    ]


def _now(line: LinePicture) -> tuple[str, Look]:
    if line.pressed:
        return f"■ {now_text(line)}", Look.GOOD
    if line.silent_ms is not None and line.silent_ms < JUST_NOW_MS:
        return f"• {now_text(line)}", Look.GOOD
    return f"  {now_text(line)}", Look.SOFT


def _tested(line: LinePicture, test: TestPicture | None, cells: int) -> list[Cell]:
    if line.is_button:
        return [Cell(fit("  a button", cells), Look.SOFT)]
    if test is None:
        return [Cell(fit("", cells))]
    if test.asked == line.line:
        return [Cell(fit(f"  ◄ {dots(test)}", cells), Look.WARN)]
    verdict = next((one for one in test.verdicts if one.line == line.line), None)
    if verdict is None:
        return [Cell(fit("  –", cells), Look.SOFT)]
    return [Cell(fit(f"  {_sign(verdict.good)} {verdict.title}", cells), Look.GOOD if verdict.good else Look.BAD)]


def dots(test: TestPicture) -> str:
    """How many of the taps have come."""
    return " ".join("■" if tap < test.taps else "○" for tap in range(test.wanted))


def _test(test: TestPicture, width: int, rows: int) -> list[Cell]:
    if not test.running:
        look = Look.GOOD if test.passed else Look.BAD
        said = _big(test.say, width, rows - len(test.verdicts) - 3, look, _sign(test.passed))
    else:
        said = _big(test.say, width, rows - 4, Look.STRONG)
        step = [dots(test), f"strip {test.place} of {test.strips}"] if test.asked is not None else []
        said += [Cell(""), Cell("   ".join([*step, *([plain(test.hint)] if test.hint else [])]), Look.WARN)]
    if test.verdicts:
        said.append(Cell(""))
        first_bad = test.verdicts if test.running else sorted(test.verdicts, key=lambda verdict: verdict.good)
        for verdict in first_bad:
            said += _verdict(verdict, width)
    return said


def _verdict(verdict: LineVerdict, width: int) -> list[Cell]:
    text = f"{_sign(verdict.good)} {verdict.name}: {verdict.title}. {verdict.finding} {verdict.remedy or ''}"
    return _wrapped(text, width, Look.GOOD if verdict.good else Look.BAD, hanging=2)


def _notices(of: RecorderPicture, racing: Sequence[str]) -> list[tuple[str, Look]]:
    recorder = of.recorder
    said: list[tuple[str, Look]] = [
        (f"! {text}", Look.WARN) for text in (recorder.problem, recorder.note, of.ended) if text
    ]
    ahead_ms = recorder.clock_difference_ms or 0
    if abs(ahead_ms) > CLOCK_OFF_MS:
        way = "ahead" if ahead_ms > 0 else "behind"
        said.append((f"! Its clock is {abs(ahead_ms) // 1000} s {way}. Laps are right all the same.", Look.WARN))
    if racing:
        taps = "Taps are crossings like any other: each may start it or make a lap."
        said.append((f"! A race is open on {' and '.join(racing)}. {taps}", Look.WARN))
    return said


def _big(text: str, width: int, rows: int, look: Look, sign: str = "") -> list[Cell]:
    drawn = big_lines(text, width, min(rows, BIG_ROWS))
    if drawn is not None:
        return [Cell(row, look) for row in drawn]
    return [Cell(row, look) for row in spaced(f"{sign} {plain(text)}".strip(), width)]


def _wrapped(text: str, width: int, look: Look = Look.PLAIN, *, hanging: int = 0) -> list[Cell]:
    rows = textwrap.wrap(plain(text), max(1, width), subsequent_indent=" " * hanging)
    return [Cell(row, look) for row in rows]


def _sign(is_good: bool) -> str:
    return "√" if is_good else "×"
