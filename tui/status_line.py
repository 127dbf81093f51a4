"""
The top line of every screen: where this seat is, whether what is shown is live, what waits, how exact the clock is; and
while cars are being stopped, how many stand.

What matters most stands furthest right, and what matters least goes first when the terminal is narrow.
"""

import time
from datetime import datetime

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from tui import local_clock
from tui.columns import fit, plain
from tui.link import LinkState, LinkWord
from tui.seat import Seat
from tui.words import age_text, counted

NS_PER_MS = 1_000_000
SIGNED_OUT = "× SIGNED OUT: press O"
LEAST_PLACE = 24
"""Cells that event and track may shrink to."""


class StatusLine(Static):
    """One line; red, and in words, when the link is lost."""

    def __init__(self, of: str) -> None:
        super().__init__(markup=False)
        self._of = of
        self._shown = ""

    def show(self, seat: Seat) -> None:
        """Say how things stand now."""
        now_ns = time.monotonic_ns()
        text = status_text(seat, self._of, self.app.size.width, now_ns, f"{datetime.now():%H:%M:%S}")  # noqa: DTZ005  the wall's own time
        stop = seat.stop.shown(now_ns)
        is_lost = not seat.link_state.is_live or seat.is_signed_out
        self.set_class(is_lost or (stop is not None and stop.is_bad), "lost")
        self.set_class(stop is not None and not stop.is_bad, "stopping")
        if text != self._shown:
            self._shown = text
            self.update(Content(text), layout=False)


def status_text(seat: Seat, of: str, width: int, now_ns: int, time_of_day: str) -> str:
    """The line in exactly `width` cells."""
    parts = [
        time_of_day,
        _clock_words(seat),
        _waiting_words(seat),
        link_words(seat.link_state, now_ns, is_signed_out=seat.is_signed_out),
    ]
    place = plain(f" {of} · {seat.picture.track_name} · {seat.picture.event_name}")
    least = min(LEAST_PLACE, cell_len(place))
    if (stop := seat.stop.shown(now_ns)) is not None:
        place = f" {stop.text}"
        least = cell_len(place)
    while True:
        right = "  ".join(part for part in parts if part) + " "
        left = width - cell_len(right) - 1
        if left >= least or len(parts) == 1:
            return fit(fit(place, max(0, left)) + " " + right, width)
        parts.pop(0)


def link_words(state: LinkState, now_ns: int, *, is_signed_out: bool = False) -> str:
    """How the link is, and since when it is not; signed out, nothing that is pressed arrives, whatever is shown."""
    if is_signed_out:
        return SIGNED_OUT
    since = age_text((now_ns - state.since_ns) // NS_PER_MS)
    match state.word:
        case LinkWord.LIVE:
            return "● live"
        case LinkWord.CONNECTING:
            return "○ connecting"
        case LinkWord.LOST:
            return f"× LINK LOST {since}, trying again"
        case LinkWord.SIGNED_OUT:
            return SIGNED_OUT


def _clock_words(seat: Seat) -> str:
    offset = seat.clock.offset(local_clock.stamp())
    return "clock not measured" if offset is None else f"clock ±{max(1, round(offset.error_ns / NS_PER_MS))} ms"


def _waiting_words(seat: Seat) -> str:
    waiting = len(seat.presses.waiting)
    return f"{counted(waiting, 'press waits', 'presses wait')}" if waiting else ""
