"""
The race: the timekeeper's whole table. Owns its keys and what is chosen; the looks are tui/widgets/race_face.py's.
"""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key

from timing.journal import Kind
from timing.structs import LapView, RaceView
from tui import local_clock
from tui.errors import BoxError
from tui.next_racer import NextRacer
from tui.picture import NS_PER_MS
from tui.press import Waiting
from tui.screens.ask import Ask
from tui.screens.race_keys import RaceKeys
from tui.seat import CAPTURES, Changed
from tui.widgets.lap_table import stepped
from tui.widgets.race_face import RaceFace, Shown, show_clocks
from tui.widgets.waiting_presses import LONG_MS, pending_words, pressed, waiting_line
from tui.words import counted


class RaceScreen(RaceKeys):
    """Times the race on the track."""

    TITLE_WORD = "Race"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,X", "end", "End", priority=True, tooltip="End the race"),
        Binding("n,N", "next", "Next racer", tooltip="Make the next racer in line ready"),
        Binding("s,S", "press('submit')", "Submit", priority=True, tooltip="Hand the race in"),
        Binding(
            "c,C",
            "press('cancel_end')",
            "Back to race",
            priority=True,
            tooltip="It is not over: back to the paused race",
        ),
        Binding("v,V", "validity", "Valid", priority=True, tooltip="The chosen lap, or the newest, counts or not"),
        Binding("w,W", "decide", "Waiting", tooltip="Decide about a press that waits"),
        Binding("p,P", "proxy", "Proxy", priority=True, tooltip="Somebody else drives, or not"),
        Binding("up", "choose(-1)", "Choose", key_display="↑↓", tooltip="Choose a lap"),
        Binding("down", "choose(1)", "Choose", show=False, tooltip="Choose a lap"),
        Binding("escape", "choose(0)", "Newest lap", show=False, tooltip="Choose no lap"),
        Binding("ctrl+x", "discard", "Discard", priority=True, tooltip="Throw the race away; asks first"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._chosen: int | None = None
        self._race_id: str | None = None
        self._next_by_proxy = False
        self._next = NextRacer(self)
        self._result: RaceView | None = None
        self._strips_at_ns = 0
        self._shown: Shown | None = None
        self._keys: frozenset[object] = frozenset()

    def compose_room(self) -> ComposeResult:
        """One face."""
        yield RaceFace()

    # ---- showing

    def show(self, changed: frozenset[Changed]) -> None:
        """Everything, at once: one message changes several places."""
        now_ns = self.seat.server_now_ns()
        if Changed.PICTURE_STRIPS in changed:
            self._strips_at_ns = now_ns
        race_id = self._race.race_id if self._race else None
        if race_id != self._race_id:
            if self._race_id is not None:
                self._ask_result(self._race_id)
            self._chosen, self._race_id = None, race_id
        self._shown = None
        self._draw(now_ns)
        keys = frozenset({*self.seat.allowed, bool(self._laps), race_id, bool(self.seat.presses.waiting)})
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    def on_tick(self, server_now_ns: int) -> None:
        """The clocks; and what has become late or old meanwhile."""
        self._draw(server_now_ns)

    def _draw(self, now_ns: int) -> None:
        shown = self._shown_now(now_ns)
        for face in self.query(RaceFace):
            if shown != self._shown:
                self._shown = shown
                face.show(self.seat.picture, shown)
            if (race := self.seat.picture.race) is not None:
                show_clocks(face, race.view, self.seat.clocks(now_ns))

    def _shown_now(self, now_ns: int) -> Shown:
        waiting, link = self.seat.presses.waiting, self.seat.link_state
        return Shown(
            pending=pending_words(waiting),
            waiting=waiting_line(
                waiting,
                local_clock.stamp(),
                link=link.word,
                trouble=self.seat.presses.trouble,
                has_race=self._race is not None,
            ),
            link_problem=link.problem,
            chosen=self._chosen,
            next_by_proxy=self._next_by_proxy,
            strips_age_s=max(0, now_ns - self._strips_at_ns) // NS_PER_MS // 1000,
            result=self._result,
        )

    @work(exclusive=True, group="result")
    async def _ask_result(self, race_id: str) -> None:
        """How the race that left the track ended: handed in, thrown away or moved."""
        try:
            self._result = await self.seat.box.race(race_id)
        except BoxError:
            self._result = None
        self._draw(self.seat.server_now_ns())

    # ---- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The footer has what makes sense now."""
        allowed, is_free = self.seat.allowed, self._race is None
        makes_sense = {
            "end": Kind.END in allowed,
            "discard": Kind.DISCARD in allowed,
            "validity": Kind.SET_VALIDITY in allowed and bool(self._laps),
            "choose": bool(self._laps),
            "proxy": self.seat.may_run if is_free else Kind.SET_PROXY in allowed,
            "next": is_free,
            "decide": bool(self.seat.presses.waiting),
        }
        return makes_sense[action] if action in makes_sense else super().check_action(action, parameters)

    def on_key(self, event: Key) -> None:
        """N on a track that is taken says what is in the way; the other keys are answered in race_keys.py."""
        if event.key in {"n", "N"} and self._race is not None:
            event.stop()
            self.action_next()

    def action_choose(self, step: int) -> None:
        """An older or a newer lap; 0 for none."""
        self._chosen = stepped(self._laps, self._chosen, step) if step else None
        self._draw(self.seat.server_now_ns())

    def action_validity(self) -> None:
        """The chosen lap, or the newest, counts or not."""
        lap = next((one for one in self._laps if one.lap == self._chosen), self._laps[-1] if self._laps else None)
        if lap is not None:
            self.seat.press(Kind.SET_VALIDITY, lap=lap.lap, valid=not lap.valid)

    def action_proxy(self) -> None:
        """Raced by somebody else: this race, or the next one while the track is free."""
        if self._race is not None:
            self.seat.press(Kind.SET_PROXY, by_proxy=not self._race.by_proxy)
        else:
            self._next_by_proxy = not self._next_by_proxy
            self._draw(self.seat.server_now_ns())

    @work(group="next")
    async def action_next(self) -> None:
        """Make the next racer ready; asks when their runs are used."""
        if await self._next.make_ready(by_proxy=self._next_by_proxy) is not None:
            self._next_by_proxy = False

    def action_end(self) -> None:
        """End the race; asks first while laps wait. What was pressed a moment ago is sent before it anyway."""
        now, is_live = local_clock.stamp(), self.seat.link_state.is_live
        waiting = [one for one in self.seat.presses.waiting if one.kind in CAPTURES]
        laps = sum(one.is_held or not is_live or one.age_ms(now) >= LONG_MS for one in waiting)
        if laps:
            self._ask_end(laps)
        else:
            self.seat.press(Kind.END)

    @work(exclusive=True, group="ask")
    async def _ask_end(self, laps: int) -> None:
        question = f"End the race while {counted(laps, 'lap waits', 'laps wait')} for the box?"
        detail = "They count as of when they were pressed, as soon as the box answers."
        if await self.app.push_screen_wait(Ask(question, detail, yes="End", no="Go on", careful=True)):
            self.seat.press(Kind.END)

    @work(exclusive=True, group="ask")
    async def action_discard(self) -> None:
        """Throw the race away; asks first."""
        detail = "Its laps do not count and the run is given back. This cannot be undone."
        ask = Ask("Throw this race away?", detail, yes="Discard", no="Keep it", careful=True)
        if await self.app.push_screen_wait(ask):
            self.seat.press(Kind.DISCARD)

    @work(exclusive=True, group="ask")
    async def action_decide(self) -> None:
        """What becomes of the oldest press that waits; of those that only the person can decide about first."""
        waiting = sorted(self.seat.presses.waiting, key=lambda one: not one.is_held)
        if not waiting:
            return
        one = waiting[0]
        if one.is_held and await self.app.push_screen_wait(_count_now(one)):
            self.seat.presses.send_without_stamp(one.press.action_id)
        elif await self.app.push_screen_wait(_let_go(one)):
            self.seat.presses.let_go(one.press.action_id)

    # ---- what is there

    @property
    def _race(self) -> RaceView | None:
        race = self.seat.picture.race
        return None if race is None else race.view

    @property
    def _laps(self) -> list[LapView]:
        return self._race.laps if self._race else []


def _count_now(one: Waiting) -> Ask:
    return Ask(
        f"{pressed(one)}: count it as pressed now?", one.why, yes="Count it now", no="Do not count it", careful=True
    )


def _let_go(one: Waiting) -> Ask:
    detail = "It has not been answered and is tried again until then. If it arrived already, it counts all the same."
    return Ask(f"{pressed(one)}: let it go?", detail, yes="Let it go", no="Keep it", careful=True)
