"""A clock on the screen: as large as its place, drawn again only where it changed, and in another look at once."""

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Region

from tui.big_digits import big_text, starts
from tui.widgets.clocks import Clock


class OneClock(App[None]):
    """A clock with room for digits of five rows."""

    CSS = "Clock { width: 60; height: 6; }"

    def compose(self) -> ComposeResult:
        yield Clock()

    @property
    def clock(self) -> Clock:
        return self.query_one(Clock)


def drawn(clock: Clock) -> list[str]:
    return [clock.render_line(y).text.rstrip() for y in range(6)]


def look(clock: Clock) -> Style | None:
    """How the digits are painted."""
    return next(iter(clock.render_line(2))).style


async def test_a_clock_stands_under_its_caption_in_five_rows() -> None:
    app = OneClock()
    async with app.run_test() as pilot:
        app.clock.show("TIME LEFT", "01:30.0")
        await pilot.pause()
        assert drawn(app.clock) == ["TIME LEFT", *(line.rstrip() for line in big_text("01:30.0", 5))]


async def test_only_the_digits_that_changed_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = OneClock()
    async with app.run_test() as pilot:
        app.clock.show("LAP 1", "01:30.0")
        await pilot.pause()
        asked: list[Region] = []
        monkeypatch.setattr(app.clock, "refresh", lambda *regions, **_: asked.extend(regions))
        app.clock.show("LAP 1", "01:30.1")
        assert asked == [Region(starts("01:30.1", 5)[6], 1, 6, 5)]
        asked.clear()
        app.clock.show("LAP 1", "01:29.9")
        places = starts("01:29.9", 5)
        assert [region.x for region in asked] == [places[3], places[4], places[6]]
        asked.clear()
        app.clock.show("LAP 1", "01:29.9")
        assert asked == []


async def test_another_look_is_seen_at_once() -> None:
    app = OneClock()
    async with app.run_test() as pilot:
        app.clock.show("TIME LEFT", "00:10.1")
        await pilot.pause()
        before = look(app.clock)
        app.clock.show("LAST SECONDS", "00:10.0", "-last")
        await pilot.pause()
        assert look(app.clock) != before
        app.clock.show("TIME LEFT", "00:10.1")
        await pilot.pause()
        assert look(app.clock) == before
