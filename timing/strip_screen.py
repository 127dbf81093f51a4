"""
The strip check as text: one frame for a terminal of any size, or plain lines for a pipe. Values in, text out.

Signs and words say everything; colour only repeats it.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from timing.line_words import NOTHING_SET_UP, bounces_text, contact_text, now_text
from timing.strip_picture import LinePicture, RecorderPicture, TestPicture
from timing.strip_words import LineVerdict

NAME_COLUMNS = 28
"""More of a name than this is cut."""
NARROWEST = 12
"""Columns that words get at least, on however small a terminal."""
BOLD, GREEN, RED, REVERSED, PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[7m", "\x1b[0m"
KEYS = (("t", "test"), ("s", "skip"), ("e", "end test"), ("m", "mute"), ("q", "quit"))


@dataclass(frozen=True, slots=True)
class Look:
    """What the terminal can show. Without `unicode` signs are ASCII, without `colour` there are no escapes."""

    columns: int = 80
    rows: int = 24
    unicode: bool = True
    colour: bool = True

    def paint(self, text: str, *codes: str) -> str:
        """The text, coloured where that is possible."""
        return f"{''.join(codes)}{text}{PLAIN}" if self.colour else text

    @property
    def yes(self) -> str:
        """Good."""
        return "✓" if self.unicode else "ok"

    @property
    def no(self) -> str:
        """Not good."""
        return "✗" if self.unicode else "NO"


def frame(of: RecorderPicture, look: Look, *, muted: bool) -> list[str]:
    """The whole screen; the keys are in its last row, and what does not fit above them is left out."""
    body = [_head(of, look), ""]
    for said in (of.recorder.problem, of.recorder.note, of.ended):
        if said:
            body += [look.paint(row, BOLD, RED) for row in textwrap.wrap(said, look.columns)] + [""]
    width = _width([line.name for line in of.lines], look)
    body += [_row(line, width, look) for line in of.lines] or nothing_set_up(look.columns)
    if of.test is not None:
        body += ["", *_test(of.test, look)]
    body = body[: look.rows - 2]
    body += [""] * (look.rows - 1 - len(body))
    return [*body, _keys(of, look, muted=muted)]


def verdict_rows(verdicts: Sequence[LineVerdict], look: Look) -> list[str]:
    """Each strip's verdict, and what to do."""
    rows = []
    width = _width([verdict.name for verdict in verdicts], look)
    for verdict in verdicts:
        sign, colour = (look.yes, GREEN) if verdict.good else (look.no, RED)
        name = verdict.name[:width].ljust(width)
        indent = " " * (len(sign) + width + 4)
        text = f"{verdict.title}. {verdict.finding} {verdict.remedy or ''}".strip()
        first, *rest = textwrap.wrap(text, max(NARROWEST, look.columns - len(indent) - 1)) or [""]
        rows.append(f" {look.paint(f'{sign} {name}', BOLD, colour)}  {first}")
        rows += [f"{indent}{more}" for more in rest]
    return rows


def hit_row(line: LinePicture) -> str:
    """One hit, for a pipe."""
    quality = "" if line.contact_ms is None else f"  {contact_text(line)} on it  {bounces_text(line)}"
    return f"{line.name}  line {line.line}{quality}  hit {line.hits}"


def dots(test: TestPicture, look: Look) -> str:
    """How many of the taps have come."""
    full, empty = ("●", "○") if look.unicode else ("X", "-")
    return " ".join(full if tap < test.taps else empty for tap in range(test.wanted))


def nothing_set_up(columns: int) -> list[str]:
    """For a recorder that has no strips."""
    return textwrap.wrap(NOTHING_SET_UP, columns)


def _width(names: Sequence[str], look: Look) -> int:
    """Columns that names take."""
    return min(NAME_COLUMNS, look.columns // 3, max(map(len, names), default=0))


def _head(of: RecorderPicture, look: Look) -> str:
    recorder = of.recorder
    state = "live" if recorder.connected else "NOT LIVE: trying again"
    kind = f", {recorder.strips} strips" if recorder.strips else ""
    left, right = f" Trackside strips: {recorder.name}{kind}", f"{state} "
    return look.paint((left.ljust(look.columns - len(right)) + right)[: look.columns], BOLD, REVERSED)


def _row(line: LinePicture, width: int, look: Look) -> str:
    what = "button" if line.is_button else "line"
    text = (
        f" {line.name[:width].ljust(width)}  {what} {line.line:<4} {now_text(line):<18} {line.hits:>5} hit"
        f"{' ' if line.hits == 1 else 's'}"
    )
    if line.hits and line.contact_ms is not None:
        text += f"  {contact_text(line):>8} on it  {bounces_text(line)}"
    text = text[: look.columns - 1].ljust(look.columns)
    return look.paint(text, BOLD, REVERSED, GREEN) if line.pressed else text.rstrip()


def _test(test: TestPicture, look: Look) -> list[str]:
    if not test.running:
        sign, colour = (look.yes, GREEN) if test.passed else (look.no, RED)
        return [f" {look.paint(f'{sign} {test.say}', BOLD, colour)}", "", *verdict_rows(test.verdicts, look)]
    rows = [f" {look.paint(test.say.upper(), BOLD)}"]
    if test.asked is not None:
        rows[0] += f"   {look.paint(dots(test, look), BOLD, GREEN)}   ({test.place} of {test.strips})"
    return [*rows, f" {test.hint or ''}", "", *verdict_rows(test.verdicts, look)]


def _keys(of: RecorderPicture, look: Look, *, muted: bool) -> str:
    is_running = of.test is not None and of.test.running
    idle = {"s", "e"} if not is_running else {"t"}
    if of.test is not None:
        idle -= {"e"}
    words = {"m": "sound on" if muted else "mute", "e": "end test" if is_running else "put away"}
    keys = [f"{look.paint(key, BOLD)} {words.get(key, name)}" for key, name in KEYS if key not in idle]
    return " " + "   ".join(keys)
