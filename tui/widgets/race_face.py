"""
The whole face of a track as its timekeeper sees it. Owns the places; what stands in them its neighbours draw.

80 columns hold everything that matters; from 110 on the line and the strips stand beside the race.
"""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from timing.crew_structs import CrewRace
from timing.structs import RaceState, RaceView
from tui.errors import BoxError
from tui.picture import Picture
from tui.seat import Clocks
from tui.widgets.clocks import Clock
from tui.widgets.free_track import asking_lines, free_lines
from tui.widgets.lap_table import lap_lines
from tui.widgets.panel import Draw, Panel
from tui.widgets.queue_side import queue_lines
from tui.widgets.race_summary import (
    clock_caption,
    is_last_seconds,
    lap_caption,
    notice_line,
    stats_line,
    who_line,
)
from tui.widgets.strips_side import notes_line, strip_line, strip_lines, strip_rows
from tui.widgets.trail_side import trail_lines
from tui.words import clock_text

NOTHING = Content("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """
    What the face shows besides the picture.

    `pending`: presses on their way, in words. `waiting`: said loudly when presses wait for long. `chosen`: the lap
    that V is for. `next_by_proxy`: the next race will be marked so. `strips_age_s`: since the strips' health came.
    `link_problem`: why there is no link. `result`: the race before, once it has left the track.
    """

    pending: tuple[str, ...] = ()
    waiting: Content = NOTHING
    chosen: int | None = None
    next_by_proxy: bool = False
    strips_age_s: int = 0
    link_problem: BoxError | None = None
    result: RaceView | None = None


class RaceFace(Container):
    """Shows a picture; `show_clocks` moves its clocks between two pictures."""

    DEFAULT_CSS = """
    RaceFace { layout: horizontal; padding: 0 1; }
    RaceFace #main { width: 1fr; }
    RaceFace #side { width: 46; display: none; border-left: vkey $panel; padding-left: 1; margin-left: 1; }
    RaceFace #clocks { height: 4; }
    RaceFace Clock { height: 1fr; }
    RaceFace #middle { height: 1fr; }
    RaceFace #laps { height: 1fr; }
    RaceFace #next { width: 31; height: 1fr; border-left: vkey $panel; padding-left: 1; }
    RaceFace #line { height: 1fr; }
    RaceFace #strip-rows { height: 3; margin-top: 1; }
    RaceFace #free { height: 1fr; }
    RaceFace.-free #live { display: none; }
    RaceFace.-busy #free { display: none; }
    RaceFace.-wide #side { display: block; }
    RaceFace.-wide #next, RaceFace.-wide #strips { display: none; }
    RaceFace.-wide #notice, RaceFace.-wide #stats { margin-bottom: 1; }
    RaceFace.-tall #clocks { height: 6; margin-top: 1; }
    RaceFace.-tall #trail { height: 9; margin-top: 1; }
    """
    WIDE = 110
    """Cells from which the line stands beside the race at full height."""
    TALL = 30

    def compose(self) -> ComposeResult:
        """Every place once; the narrow and the wide face share what they can."""
        with Vertical(id="main"):
            with Vertical(id="live"):
                yield Panel(id="who")
                with Horizontal(id="clocks"):
                    yield Clock(id="race-clock")
                    yield Clock(id="lap-clock")
                yield Panel(id="notice")
                yield Panel(id="stats")
                with Horizontal(id="middle"):
                    yield Panel(id="laps")
                    yield Panel(id="next")
            yield Panel(id="free")
            yield Panel(id="strips")
            yield Panel(id="notes")
            yield Panel(id="waiting")
            yield Panel(id="trail")
        with Vertical(id="side"):
            yield Panel(id="line")
            yield Panel(id="strip-rows")

    def on_resize(self) -> None:
        """Choose the face for the size."""
        self.set_class(self.size.width >= self.WIDE, "-wide")
        self.set_class(self.size.height >= self.TALL, "-tall")

    def show(self, picture: Picture, shown: Shown) -> None:
        """Show everything but the clocks."""
        race = picture.race
        self.set_class(race is None, "-free")
        self.set_class(race is not None, "-busy")
        if race is None:
            self._panel("free").put(_free(picture, shown))
        else:
            self._show_race(race, shown)
        self._panel("trail").put(trail_lines(race.trail if race else ()))
        self._show_around(picture, shown)

    def _show_race(self, race: CrewRace, shown: Shown) -> None:
        view = race.view
        self._panel("who").put(who_line(view, shown.pending))
        notice = notice_line(view, power_cut=race.power_cut)
        self._panel("notice").put(lambda width, _: [notice.truncate(width, ellipsis=True)])
        self._panel("stats").put(stats_line(view))
        self._panel("laps").put(lap_lines(view.laps, view.best_ms, shown.chosen))

    def _show_around(self, picture: Picture, shown: Shown) -> None:
        self._panel("next").put(queue_lines(picture.queue))
        self._panel("line").put(queue_lines(picture.queue, picture.past))
        self._panel("strips").put(strip_line(picture.strips, shown.strips_age_s * 1000))
        strips = self._panel("strip-rows")
        strips.styles.height = strip_rows(picture.strips)
        strips.put(strip_lines(picture.strips, shown.strips_age_s * 1000))
        self._show_if_any("notes", notes_line(picture.loose_open, picture.blind, picture.strips.lost_edges))
        self._show_if_any("waiting", shown.waiting)

    def _show_if_any(self, name: str, line: Content) -> None:
        panel = self._panel(name)
        panel.display = bool(line.plain)
        panel.put(lambda width, _: [line.truncate(width, ellipsis=True)])

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)


def _free(picture: Picture, shown: Shown) -> Draw:
    if not picture.known:
        return asking_lines(shown.link_problem)
    return free_lines(
        picture.track_name,
        picture.queue,
        by_proxy=shown.next_by_proxy,
        may_run=picture.may_run,
        result=shown.result,
    )


def show_clocks(place: Widget, race: RaceView, clocks: Clocks) -> None:
    """Move the race's clock and the lap's, the two in `place`."""
    left_ms = clocks.race_left_ms
    look = "" if race.state is RaceState.RUNNING else "-still"
    race_look = look or ("-up" if race.time_up else "-last" if is_last_seconds(left_ms) else "")
    text = clock_text(clocks.race_elapsed_ms if left_ms is None else left_ms)
    place.query_one("#race-clock", Clock).show(clock_caption(race, left_ms), text, race_look)
    place.query_one("#lap-clock", Clock).show(lap_caption(race), clock_text(clocks.lap_elapsed_ms), look)
