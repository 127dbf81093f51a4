"""
The strip check of the box: what each strip does now, and one guided self-test per recorder that all devices see alike.

Listens to live edges only and stores nothing; how edges are judged is in timing/strip_verdict.py. A strip that chatters
a thousand times a second changes what is shown five times a second. Event loop only.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from appliance import clock
from appliance.errors import Conflict, NotFound, NotReady
from appliance.facts import Facts
from timing import strip_verdict
from timing.crossings import EdgeSeen
from timing.facts import EdgeHeard, StripsChanged
from timing.stream import LineRole, StripsKind
from timing.strip_health import RecorderState
from timing.strip_hits import LineState, step
from timing.strip_picture import RecorderPicture, TestPicture, picture_of_line, picture_of_test
from timing.strip_verdict import Phase, StripTest

EVERY_S = 0.2
"""At most so often is told that something changed: a tap is seen at once, and nobody reads faster."""
TICK_S = 0.1
"""How often a test under way looks at its watch."""
GONE = "The test was ended: the recorder went away. Start it again once it is back."


class StripCheckChanged(Struct, frozen=True, kw_only=True):
    """A strip did something, a test went on, or a recorder came or went."""


@dataclass(frozen=True, slots=True)
class _Heard:
    newest: EdgeSeen
    state: LineState
    heard_ns: int
    """On this box's clock."""


class StripCheck:
    """Follows the facts from its making on, until `stop()`."""

    def __init__(
        self, facts: Facts, recorders: Callable[[], Sequence[RecorderState]], now_ns: Callable[[], int] = clock.mono_ns
    ) -> None:
        """
        Args:
            recorders: How all recorders stand at the moment of asking.
            now_ns: The clock that silence and waiting are measured by.
        """
        self._facts = facts
        self._recorders = recorders
        self._now_ns = now_ns
        self._lines: dict[tuple[str, int], _Heard] = {}
        self._tests: dict[str, StripTest] = {}
        self._shown: dict[str, TestPicture] = {}
        """Each test as it was told last: hints come and go with time alone."""
        self._ended: dict[str, str] = {}
        self._resting: asyncio.TimerHandle | None = None
        """While it runs nothing is told."""
        self._is_stale = False
        self._ticking: asyncio.TimerHandle | None = None
        self._ends = [facts.subscribe(EdgeHeard, self._heard), facts.subscribe(StripsChanged, lambda _: self._stir())]

    def stop(self) -> None:
        """Hear and tell no more."""
        for end in self._ends:
            end()
        for timer in (self._resting, self._ticking):
            if timer is not None:
                timer.cancel()

    def recall(self, edge: EdgeSeen, age_ns: int) -> None:
        """An edge from before: the level it left and how long ago, but no hit."""
        state = LineState(active=edge.active, boot_id=edge.recorder_boot_id, last_ns=edge.edge_ns)
        self._lines[edge.recorder_id, edge.line] = _Heard(edge, state, self._now_ns() - age_ns)

    # ---- what people see

    def pictures(self) -> list[RecorderPicture]:
        """Every recorder, the box's own first."""
        return [self._picture(recorder) for recorder in self._recorders()]

    def _picture(self, recorder: RecorderState) -> RecorderPicture:
        recorder_id = recorder.recorder_id or ""
        now_ns = self._now_ns()
        test = self._tests.get(recorder_id)
        is_kit = recorder.strips == StripsKind.DREM_KIT
        lines = []
        for line in recorder.lines:
            heard = self._lines.get((recorder_id, line.line))
            silent_ns = None if heard is None else now_ns - heard.heard_ns
            lines.append(picture_of_line(line, None if heard is None else heard.state, silent_ns, is_kit=is_kit))
        return RecorderPicture(
            recorder=recorder,
            lines=lines,
            test=None if test is None else picture_of_test(test, now_ns),
            ended=self._ended.get(recorder_id),
        )

    # ---- the self-test

    def start_test(self, recorder_id: str) -> None:
        """
        Begin a self-test; one that is under way goes on.

        Raises:
            NotFound: no such recorder.
            NotReady: it is not connected.
            Conflict: it has no strips.
        """
        recorder = self._recorder(recorder_id)
        if self._is_running(recorder_id):
            return
        if not recorder.connected:
            raise NotReady(f"{recorder.name} is not connected.", "Wait until it is back, then start the test.")
        if not any(line.role is LineRole.STRIP for line in recorder.lines):
            raise Conflict(f"{recorder.name} has no strips.", "Set strips and gpio_lines in the settings.")
        newest = {line: heard.newest for (of, line), heard in self._lines.items() if of == recorder_id}
        is_kit = recorder.strips == StripsKind.DREM_KIT
        self._tests[recorder_id] = strip_verdict.begin(recorder.lines, newest, self._now_ns(), is_kit=is_kit)
        self._ended.pop(recorder_id, None)
        self._tick()
        self._stir()

    def skip(self, recorder_id: str, line: int | None) -> None:
        """
        Leave out the strip that is asked for.

        Args:
            line: The one the person saw asked for, None while hands are off; two presses then skip once.

        Raises:
            NotFound: no such recorder.
        """
        self._recorder(recorder_id)
        test = self._tests.get(recorder_id)
        if test is not None and (None if test.asked is None else test.asked.line) == line:
            self._tests[recorder_id] = strip_verdict.skip(test, self._now_ns())
            self._stir()

    def cancel_test(self, recorder_id: str) -> None:
        """End the test, or put its result away. Raises NotFound."""
        self._recorder(recorder_id)
        self._tests.pop(recorder_id, None)
        self._ended.pop(recorder_id, None)
        self._stir()

    # ---- what happens

    def _recorder(self, recorder_id: str) -> RecorderState:
        for recorder in self._recorders():
            if recorder.recorder_id == recorder_id:
                return recorder
        raise NotFound("There is no such recorder.", "Reload the page: it may have been replaced.")

    def _is_running(self, recorder_id: str) -> bool:
        test = self._tests.get(recorder_id)
        return test is not None and test.phase is not Phase.DONE

    def _heard(self, fact: EdgeHeard) -> None:
        edge, now_ns = fact.edge, self._now_ns()
        key = (edge.recorder_id, edge.line)
        known = self._lines.get(key)
        self._lines[key] = _Heard(edge, step(LineState() if known is None else known.state, edge), now_ns)
        if self._is_running(edge.recorder_id):
            self._tests[edge.recorder_id] = strip_verdict.heard(self._tests[edge.recorder_id], edge, now_ns)
        self._stir()

    def _tick(self) -> None:
        """Silence decides as well; runs only while a test does."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        connected = {recorder.recorder_id for recorder in self._recorders() if recorder.connected}
        now_ns = self._now_ns()
        for recorder_id, test in list(self._tests.items()):
            if test.phase is Phase.DONE:
                continue
            if recorder_id not in connected:
                del self._tests[recorder_id]
                self._ended[recorder_id] = GONE
                self._stir()
                continue
            self._tests[recorder_id] = strip_verdict.advance(test, now_ns)
            picture = picture_of_test(self._tests[recorder_id], now_ns)
            if picture != self._shown.get(recorder_id):
                self._shown[recorder_id] = picture
                self._stir()
        if any(self._is_running(recorder_id) for recorder_id in self._tests):
            self._ticking = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _stir(self) -> None:
        """Tell at once, then not again before `EVERY_S` are over; the last change is always told."""
        if self._resting is not None:
            self._is_stale = True
            return
        self._resting = asyncio.get_running_loop().call_later(EVERY_S, self._rested)
        self._facts.publish(StripCheckChanged())

    def _rested(self) -> None:
        self._resting = None
        if self._is_stale:
            self._is_stale = False
            self._stir()
