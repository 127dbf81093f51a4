"""
`trackside strips`: the strip check in a terminal, from the recorder's own stream, also while the server is down.

Owns the terminal: its keys, its frames, what a pipe gets instead. Started as `python -m timing.strip_terminal --socket
PATH [--test]`. Exit status: 0 good, 1 a strip is not good or the test was not finished, 2 no recorder answers.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance.errors import ApplianceError, Conflict, NotReady
from appliance.facts import Facts
from timing.crossings import EdgeSeen
from timing.facts import EdgeHeard, StripsChanged
from timing.stream import CaughtUp, Edge, Level, LineRole, RecorderHello
from timing.stream_client import StreamClient, StreamMessage
from timing.strip_check import StripCheck, StripCheckChanged
from timing.strip_health import RecorderState
from timing.strip_picture import RecorderPicture, TestPicture
from timing.strip_screen import Look, frame, hit_row, nothing_set_up, verdict_rows

GOOD, NOT_GOOD, REFUSED = 0, 1, 2
PATIENCE_S = 2.0
"""A recorder that restarts is back by then (0.2 s as a rule)."""
LOOK_S = 0.05
REDRAW_S = 1.0
"""Silence counts on by itself."""
RECALLED_EDGES = 200
"""Read again at the start: whether a line is pressed now, and since when it has been silent."""
NAME = "recorder"
ENTER, LEAVE, HOME = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[H"


class Terminal:
    """One strip check on one terminal or pipe."""

    def __init__(self, socket_path: Path, *, only_test: bool) -> None:
        self._socket_path = socket_path
        self._only_test = only_test
        self._facts = Facts()
        self._client = StreamClient(socket_path, self._take, self._from, lambda _: self._facts.publish(StripsChanged()))
        self._check = StripCheck(self._facts, lambda: [self._state()])
        self._news = asyncio.Event()
        self._facts.subscribe(StripCheckChanged, lambda _: self._news.set())
        self._caught_up = asyncio.Event()
        self._over = asyncio.Event()
        self._is_screen = sys.stdin.isatty() and sys.stdout.isatty()
        self._muted = False
        self._hits = 0
        self._said: dict[int, int] = {}
        self._asked = ""

    async def run(self) -> int:
        """
        Until the test is over, or somebody quits; answers the exit status.

        Raises:
            NotReady: no recorder answers.
            Conflict: a test was wanted, and it has no strips.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._over.set)
        async with self._client:
            try:
                await self._met()
                if self._only_test:
                    self._check.start_test(self._picture().recorder.recorder_id or "")
                if self._is_screen:
                    with _taken_over(self._key):
                        await self._follow(self._draw, REDRAW_S)
                else:
                    self._greet()
                    await self._follow(self._print, LOOK_S)
            finally:
                self._check.stop()
        return self._end()

    # ---- the recorder

    async def _met(self) -> None:
        await _first_of(PATIENCE_S, self._caught_up, self._over)
        if not self._client.connected and not self._over.is_set():
            raise NotReady(
                f"No recorder answers at {self._socket_path}: {self._client.last_error or 'no word from it'}",
                "Start one with `trackside serve` or `trackside recorder`, or name its socket with --socket.",
            )
        recorder = self._client.recorder
        if self._only_test and recorder and not any(line.role is LineRole.STRIP for line in recorder.lines):
            raise Conflict("This recorder has no strips.", "Set strips and gpio_lines in the settings, and restart it.")

    def _from(self, recorder: RecorderHello) -> int:
        return max(0, recorder.last_seq - RECALLED_EDGES)

    def _take(self, message: StreamMessage) -> None:
        recorder = self._client.recorder
        if isinstance(message, CaughtUp):
            self._caught_up.set()
        if not isinstance(message, Edge) or recorder is None:
            return
        edge = EdgeSeen(
            recorder_id=recorder.recorder_id,
            boot_id=message.boot_id,
            seq=message.seq,
            line=message.line,
            active=message.edge is Level.ACTIVE,
            at_ns=message.at_ns,
            wall_ns=message.wall_ns,
        )
        if self._client.caught_up:
            self._facts.publish(EdgeHeard(edge=edge))
        elif edge.boot_id == recorder.boot_id:
            self._check.recall(edge, max(0, recorder.mono_ns - edge.at_ns))

    def _state(self) -> RecorderState:
        client, recorder = self._client, self._client.recorder
        return RecorderState(
            recorder_id=None if recorder is None else recorder.recorder_id,
            remote_id=None,
            name=NAME,
            is_own=True,
            connected=client.connected,
            caught_up=client.caught_up,
            problem=client.problem if client.connected else client.last_error,
            note=None if recorder is None else recorder.note,
            strips=None if recorder is None else recorder.strips,
            lines=[] if recorder is None else recorder.lines,
            last_seq=client.last_seq or 0,
            offset_us=0,
            offset_error_us=0,
            clock_difference_ms=0,
        )

    def _picture(self) -> RecorderPicture:
        return self._check.pictures()[0]

    # ---- the terminal

    async def _follow(self, show: Callable[[RecorderPicture], None], every_s: float) -> None:
        """Show what changes, and at least every so often."""
        while not self._over.is_set():
            self._news.clear()
            picture = self._picture()
            show(picture)
            if self._only_test and (picture.test is None or not picture.test.running):
                return
            await _first_of(every_s, self._news, self._over)

    def _draw(self, picture: RecorderPicture) -> None:
        hits = sum(line.hits for line in picture.lines)
        bell = "\a" if hits > self._hits and not self._muted else ""
        self._hits = hits
        rows = "\x1b[K\r\n".join(frame(picture, _look(), muted=self._muted))
        sys.stdout.write(f"{HOME}{rows}\x1b[K{bell}")
        sys.stdout.flush()

    def _key(self, key: str) -> None:
        picture = self._picture()
        recorder_id, test = picture.recorder.recorder_id or "", picture.test
        with contextlib.suppress(ApplianceError):  # What stands in the way is on the screen already.
            match key.lower():
                case "q":
                    self._over.set()
                case "t":
                    self._check.start_test(recorder_id)
                case "s":
                    self._check.skip(recorder_id, None if test is None else test.asked)
                case "e":
                    self._check.cancel_test(recorder_id)
                case "m":
                    self._muted = not self._muted
        self._news.set()

    # ---- a pipe

    def _greet(self) -> None:
        picture = self._picture()
        _say(f"{self._socket_path}: {picture.recorder.strips or 'unknown'} strips")
        for line in picture.lines:
            _say(f"line {line.line}: {line.name}")
            self._said[line.line] = line.hits
        if not picture.lines:
            _say("\n".join(nothing_set_up(80)))

    def _print(self, picture: RecorderPicture) -> None:
        for line in picture.lines:
            is_over = not line.pressed and (line.silent_ms or 0) >= 150
            if line.hits > self._said.get(line.line, 0) and is_over:
                self._said[line.line] = line.hits
                _say(hit_row(line))
        asked = _asked(picture.test)
        if asked != self._asked:
            self._asked = asked
            if asked:
                _say(asked)

    # ---- the end

    def _end(self) -> int:
        if not self._only_test:
            return GOOD
        picture = self._picture()
        test = picture.test
        if test is None or test.running:
            _say(picture.ended or "The test was not finished.")
            return NOT_GOOD
        look = _look()
        _say(f"{look.yes if test.passed else look.no} {test.say}")
        _say("\n".join(verdict_rows(test.verdicts, look)))
        return GOOD if test.passed else NOT_GOOD


async def _first_of(at_most_s: float, *events: asyncio.Event) -> None:
    """Until one of them is set, or so long."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=at_most_s, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _asked(test: TestPicture | None) -> str:
    """What a pipe is told of a test that goes on."""
    if test is None or not test.running:
        return ""
    taps = f" ({test.taps} of {test.wanted})" if test.taps else ""
    return f"{test.say}{taps}{f': {test.hint}' if test.hint else ''}"


def _look() -> Look:
    """What this terminal can show now; it may have been made larger or smaller."""
    size = shutil.get_terminal_size()
    is_screen = sys.stdout.isatty()
    has_colour = is_screen and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return Look(columns=size.columns, rows=size.lines, unicode=is_unicode, colour=has_colour)


@contextlib.contextmanager
def _taken_over(key: Callable[[str], None]) -> Iterator[None]:
    """The whole screen, and each key as it is pressed; everything is as it was afterwards."""
    loop, fd = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(fd)

    def pressed() -> None:
        for letter in os.read(fd, 64).decode(errors="replace"):
            key(letter)

    try:
        tty.setcbreak(fd)
        loop.add_reader(fd, pressed)
        sys.stdout.write(f"{ENTER}\x1b[2J")
        yield
    finally:
        loop.remove_reader(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
        sys.stdout.write(LEAVE)
        sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """The command behind `trackside strips`."""
    parser = argparse.ArgumentParser(prog="trackside strips", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="where the recorder listens")
    parser.add_argument("--test", action="store_true", help="the guided test alone")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.CRITICAL)  # Whatever goes wrong is on the screen.
    try:
        return asyncio.run(Terminal(options.socket, only_test=options.test).run())
    except BrokenPipeError:  # Whoever read has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_GOOD
    except ApplianceError as error:
        sys.stderr.write(f"{error.message}\n{error.remedy}\n")
        return REFUSED


if __name__ == "__main__":
    sys.exit(main())
