"""
The strip check: every strip as it is now, and the guided self-test that all devices see alike.

The box judges; this screen shows it, passes on what somebody wants, and rings for each hit. Connected only while shown.
"""

import asyncio
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.widgets import Static

from timing.strip_picture import RecorderPicture, StripCheckNow
from tui.columns import Cell, Look
from tui.errors import BoxError, Refused
from tui.looks import content_of
from tui.row_list import RowList
from tui.screens.base import RoomScreen
from tui.seat import Changed
from tui.sounds import Sound
from tui.strip_rows import Place, asked_place, panel, recorder_name, strip_rows

if TYPE_CHECKING:
    from tui.seat_app import SeatApp

AGAIN_S = 1.0
"""Until the check is asked for again after it was lost; the link of the seat tells of the loss meanwhile."""
REPAINT_S = 0.9
"""Silence is told in seconds."""


class StripsScreen(RoomScreen):
    """Every line of every recorder."""

    TITLE_WORD: ClassVar[str] = "Strips"
    DEFAULT_CSS = """
    StripsScreen #strip-rows { height: 6; max-height: 60%; }
    StripsScreen #strip-panel { height: 1fr; padding: 1 2 0 2; border-top: solid $panel; }
    StripsScreen #strip-panel Static { width: 1fr; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t,T", "start", "Test", tooltip="Begins the guided test of the chosen recorder's strips"),
        Binding("k,K", "skip", "Skip", tooltip="Leaves out the strip that is asked for"),
        Binding("escape", "end", "End test", tooltip="Ends the test without a result"),
        Binding("escape", "put_away", "Put away", tooltip="Puts the result away"),
        Binding("h,H", "hit", "Hit", tooltip="Presses the chosen strip; simulated ones only"),
        Binding(
            "pagedown", "scroll_said(1)", "Read on", key_display="PgDn", tooltip="Reads on where there are more rows"
        ),
        Binding("pageup", "scroll_said(-1)", "Read on", show=False, tooltip="Reads on where there are more rows"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._recorders: list[RecorderPicture] | None = None
        """None until the box has said how they are."""
        self._heard_s = 0.0
        self._painted_s = 0.0
        self._problem: BoxError | None = None
        """Why what is shown is not live."""
        self._places: list[Place] = []

    def compose_room(self) -> ComposeResult:
        """The strips, and below them what to do."""
        yield RowList(id="strip-rows")
        with VerticalScroll(id="strip-panel", can_focus=False):
            yield Static(id="strip-said")

    def on_mount(self) -> None:
        """Arrows choose a strip."""
        self.query_one("#strip-rows").focus()

    def on_screen_resume(self) -> None:
        """Listen while somebody looks."""
        self._follow_check()

    def on_screen_suspend(self) -> None:
        """Nobody looks."""
        if not self._is_in_sight:
            self.workers.cancel_group(self, "strips")

    def show(self, changed: frozenset[Changed]) -> None:
        """Whether a race is open is said here too."""
        if Changed.PICTURE_TRACKS in changed:
            self._paint()

    def on_tick(self, server_now_ns: int) -> None:
        """Silence counts on by itself."""
        if time.monotonic() - self._painted_s >= REPAINT_S:
            self._paint()

    def on_resize(self, _: Resize) -> None:
        """The columns fill the new width, and the letters the new height."""
        self.call_after_refresh(self._paint)

    def on_row_list_chosen(self, _: RowList.Chosen) -> None:
        """Another strip, perhaps of another recorder."""
        self._paint()
        self.refresh_bindings()

    # ---- keys

    def action_start(self) -> None:
        """Begin the test of the chosen recorder."""
        if (of := self._chosen()) is not None and self.may_run():
            self._do(self.seat.box.start_strip_test(of.recorder.recorder_id or ""))

    def action_skip(self) -> None:
        """Leave out the strip that is asked for."""
        if (of := self._chosen()) is not None and of.test is not None and self.may_run():
            self._do(self.seat.box.skip_strip(of.recorder.recorder_id or "", of.test.asked))

    def action_end(self) -> None:
        """End the test without a result."""
        if (of := self._chosen()) is not None and self.may_run():
            self._do(self.seat.box.cancel_strip_test(of.recorder.recorder_id or ""))

    def action_put_away(self) -> None:
        """Its result was read."""
        self.action_end()

    def action_hit(self) -> None:
        """Press the chosen strip, which must be a simulated one of the box itself."""
        of, place = self._chosen(), self._place()
        if of is None or place is None or not self.may_run():
            return
        if not of.recorder.is_own:
            self.notify("Use the recorder's own machine.", title="This strip is not the box's.", severity="warning")
        elif place.line is None:
            self.notify("Choose a strip with the arrows, then press H.", title="Which strip?", severity="warning")
        else:
            self._do(self.seat.box.hit_strip(place.line))

    def action_scroll_said(self, pages: int) -> None:
        """What to do has more rows than the terminal."""
        said = self.query_one("#strip-panel")
        said.scroll_relative(y=pages * max(1, said.size.height - 2), animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are in the footer; T always is, or it would lead to another track."""
        of = self._chosen()
        test = None if of is None else of.test
        is_running = test is not None and test.running
        match action:
            case "skip":
                return is_running
            case "end":
                return is_running
            case "put_away":
                return of is not None and not is_running and (test is not None or of.ended is not None)
            case "hit":
                return of is not None and of.simulated and of.recorder.connected
            case "scroll_said":
                return any(said.max_scroll_y > 0 for said in self.query("#strip-panel"))
        return True

    # ---- the box

    @work(exclusive=True, group="strips")
    async def _follow_check(self) -> None:
        while True:
            try:
                async for now in self.seat.box.strip_check():
                    self._take(now)
                self._lost(None)
            except Refused as error:
                self._lost(error)
                return
            except BoxError as error:
                self._lost(error)
            await asyncio.sleep(AGAIN_S)

    @work(group="strip-test")
    async def _do(self, call: Awaitable[None]) -> None:
        await self.ask(call)

    def _take(self, now: StripCheckNow) -> None:
        if not self._is_in_sight or not self.query("#strip-said"):
            return
        before, rows = self._recorders, self.query_one("#strip-rows", RowList)
        self._recorders, self._heard_s, self._problem = now.recorders, time.monotonic(), None
        if before is not None and (sound := sound_of(before, now.recorders)) is not None:
            cast("SeatApp", self.app).sounds.play(sound)
        self._paint()
        wanted = asked_place(before, now.recorders)
        if wanted in self._places:
            rows.choose(self._places.index(wanted))
            self.query_one("#strip-panel").scroll_home(animate=False)
        self.refresh_bindings()

    def _lost(self, problem: BoxError | None) -> None:
        self._problem = problem or BoxError("The box has ended the strip check.", "It is asked again all the time.")
        self._paint()

    # ---- what is seen

    def _place(self) -> Place | None:
        for rows in self.query(RowList):
            if rows.chosen is not None and rows.chosen < len(self._places):
                return self._places[rows.chosen]
        return None

    def _chosen(self) -> RecorderPicture | None:
        place = self._place()
        return None if place is None or not self._recorders else self._recorders[place.recorder]

    def _paint(self) -> None:
        if not self._is_in_sight or not self.query("#strip-said"):  # A timer may come while the screen goes.
            return
        self._painted_s = time.monotonic()
        rows, said = self.query_one("#strip-rows", RowList), self.query_one("#strip-said", Static)
        if self._recorders is None:
            problem = self._problem
            said.update("Asking the box." if problem is None else content_of(_not_live(problem)))
            return
        age_ms = int((self._painted_s - self._heard_s) * 1000)
        is_live = self._problem is None
        heading, cells, self._places = strip_rows(self._recorders, age_ms, rows.content_width, is_live=is_live)
        rows.styles.height = len(cells) + 1
        rows.set_rows(heading, cells)
        said.update(content_of(self._said()))
        self.call_after_refresh(self.refresh_bindings)

    def _said(self) -> list[Cell]:
        of = self._chosen()
        lost = [] if self._problem is None else [*_not_live(self._problem), Cell("")]
        if of is None:
            return lost
        racing = [track.name for track in self.seat.picture.tracks if track.state is not None]
        region = self.query_one("#strip-panel").scrollable_content_region
        head = [Cell(recorder_name(of), Look.SOFT)] if len(self._recorders or ()) > 1 else []
        return [*lost, *head, *panel(of, racing, max(1, region.width), region.height - len(lost) - len(head))]


def sound_of(before: list[RecorderPicture], after: list[RecorderPicture]) -> Sound | None:
    """What to ring for: the end of a test, else a hit."""
    known = {of.recorder.recorder_id: of for of in before}
    is_hit = False
    for of in after:
        was = known.get(of.recorder.recorder_id)
        if was is None:
            continue
        if of.test is not None and not of.test.running and was.test is not None and was.test.running:
            return Sound.BEST if of.test.passed else Sound.INVALID
        is_hit = is_hit or sum(line.hits for line in of.lines) > sum(line.hits for line in was.lines)
    return Sound.LAP if is_hit else None


def _not_live(problem: BoxError) -> list[Cell]:
    return [Cell("× NOT LIVE: what the strips do now is not known.", Look.BAD), Cell(str(problem), Look.WARN)]
