"""
The clocks as large as the terminal allows, for a second screen or a timekeeper who stands. Owns no facts; the keys of
the race work here too.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from timing.structs import RaceView
from tui.columns import plain
from tui.key_line import KeyLine
from tui.screens.race_keys import RaceKeys
from tui.seat import Changed
from tui.status_line import StatusLine
from tui.widgets.clocks import Clock
from tui.widgets.panel import OWN, SOFT, STRONG, WARN, Draw, Panel, spread
from tui.widgets.queue_side import in_line
from tui.widgets.race_face import show_clocks
from tui.widgets.race_summary import notice_line, state_badge
from tui.widgets.waiting_presses import pending_words
from tui.words import counted, lap_text, who

ROOMY = 76
"""Cells from which name, laps and best lap stand in one line."""


class BigClockScreen(RaceKeys):
    """Two clocks, and in one line whose."""

    TITLE_WORD = "Clock"
    DEFAULT_CSS = """
    BigClockScreen #who, BigClockScreen #said { margin: 0 1; }
    BigClockScreen #clocks { height: 1fr; }
    BigClockScreen Clock { height: 1fr; }
    BigClockScreen.-free #clocks { display: none; }
    BigClockScreen.-low KeyLine { display: none; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]  # noqa: RUF012  as the base class has it
    """Below 20 rows every row is for the digits."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b,escape", "back", "Back", key_display="b esc"),
    ]

    def compose(self) -> ComposeResult:
        """As little as can be beside the digits."""
        yield StatusLine(self.TITLE_WORD)
        yield Panel(id="who")
        with Vertical(id="clocks"):
            yield Clock(is_centred=True, id="race-clock")
            yield Clock(is_centred=True, id="lap-clock")
        yield Panel(id="said")
        yield KeyLine()

    def show(self, changed: frozenset[Changed]) -> None:
        """Whose clocks, and what there is to say."""
        picture = self.seat.picture
        self.set_class(picture.race is None, "-free")
        self.query_one("#who", Panel).put(self._who())
        self.query_one("#said", Panel).put(self._said())
        self.refresh_bindings()
        self.on_tick(self.seat.server_now_ns())

    def on_tick(self, server_now_ns: int) -> None:
        """Run the clocks on."""
        if (race := self.seat.picture.race) is not None and self.query(Clock):
            show_clocks(self, race.view, self.seat.clocks(server_now_ns))

    def action_back(self) -> None:
        """To the screen before."""
        self.app.pop_screen()

    def _who(self) -> Draw:
        picture = self.seat.picture
        if picture.race is None:
            line = in_line(picture.queue)
            following = f"   next: {plain(who(line[0].entry.username, line[0].entry.country))}" if line else ""
            free = Content.assemble((f"{plain(picture.track_name)} is free", STRONG), following)
            return lambda width, _: [free.truncate(width, ellipsis=True)]
        view = picture.race.view
        pending = pending_words(self.seat.presses.waiting)
        name = Content.assemble(
            state_badge(view.state),
            (f"  {plain(who(view.username, view.country))}", STRONG),
            (f"  ● {', '.join(pending)}" if pending else "", WARN),
        )
        return lambda width, _: [_both(name, _standing(view), width)]

    def _said(self) -> Draw:
        """What is to be known now; where there is no room for it above, how the race stands."""
        race = self.seat.picture.race
        if race is None:
            return lambda _width, _height: []
        notice, standing = notice_line(race.view, power_cut=race.power_cut), _standing(race.view)
        return lambda width, _: [
            (notice if notice.plain or width >= ROOMY else standing).truncate(width, ellipsis=True)
        ]


def _standing(race: RaceView) -> Content:
    valid = sum(lap.valid for lap in race.laps)
    return Content.assemble((counted(valid, "valid lap"), ""), ("  best ", SOFT), (lap_text(race.best_ms), OWN))


def _both(name: Content, standing: Content, width: int) -> Content:
    return (spread(name, standing, width) if width >= ROOMY else name).truncate(width, ellipsis=True)
