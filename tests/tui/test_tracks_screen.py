"""Choosing event and track, at a real server: what is there, who races now, and what appears meanwhile."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import cast

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from tests.tui.keys import press
from tests.web.conftest import Site, house, site
from tests.web.racing_day import act, add_racer, start_race
from timing.journal import Kind
from timing.structs import Event, NewEvent, NewTrack
from tui.box import Box
from tui.moments import today
from tui.row_list import RowList
from tui.screens import tracks as tracks_screen
from tui.screens.tracks import TracksScreen
from tui.track_rows import ChosenTrack

__all__ = ["house", "site"]

SMALL = (80, 24)
PATIENCE_S = 20.0


class Choosing(App[ChosenTrack | None]):
    """Asks as soon as it is up, and ends with the answer."""

    def __init__(self, screen: TracksScreen) -> None:
        super().__init__()
        self.tracks = screen
        self.has_ended = False

    def on_mount(self) -> None:
        self.push_screen(self.tracks, self._end)

    def _end(self, chosen: ChosenTrack | None) -> None:
        self.has_ended = True
        self.exit(chosen)

    def said(self) -> str:
        return str(self.tracks.query_one(".said", Static).content)

    def text(self) -> str:
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    def marked(self) -> str:
        """The row with the mark."""
        return next((line.strip() for line in self.text().splitlines() if "► " in line[:4]), "")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracks_screen, "LOOK_AGAIN_S", 0.2)
    monkeypatch.setattr(tracks_screen, "AGAIN_S", 0.05)


async def made(site: Site, name: str, days: int | None, *tracks: str) -> Event:
    """An event so many days from today: asked for now, since a run of all tests may go past midnight."""
    date = None if days is None else (today() + timedelta(days=days)).isoformat()
    new = NewEvent(name=name, date=date, tracks=[NewTrack(name=track) for track in tracks])
    return await site.house.events.create(new, "test")


def choosing(site: Site, last: ChosenTrack | None = None, role: str = "operator") -> Choosing:
    box = Box(site.url, site.tokens[role])
    return Choosing(TracksScreen(box, *(last or (None, None))))


async def until(pilot: Pilot[ChosenTrack | None], holds: Callable[[], object]) -> None:
    app = cast(Choosing, pilot.app)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await pilot.pause(0.02)
    except TimeoutError:
        raise AssertionError(f"not so within {PATIENCE_S} s; the screen was\n{app.text()}") from None


async def test_todays_event_is_marked_and_enter_sits_down(site: Site) -> None:
    await made(site, "Christmas Cup", 30, "Only")
    today = await made(site, "Club Evening", 0, "Left", "Right")
    await made(site, "Spring Cup", -200, "Only")
    app = choosing(site)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: app.said() == "3 events, 4 tracks. Enter sits down at the marked one.")
        assert app.marked().startswith("► today       Club Evening")
        assert "Left" in app.marked()
        lines = app.text().splitlines()
        order = [next(index for index, line in enumerate(lines) if name in line) for name in
                 ("Christmas Cup", "Club Evening", "Spring Cup")]  # fmt: skip
        assert order == sorted(order), "the newest day first"
        await press(pilot, "down", "enter")
        await until(pilot, lambda: app.has_ended)
    assert app.return_value == (today.event_id, "2")


async def test_where_somebody_sat_last_is_marked(site: Site) -> None:
    await made(site, "Club Evening", 0, "Left", "Right")
    old = await made(site, "Spring Cup", -200, "Near", "Far")
    app = choosing(site, ChosenTrack(old.event_id, "2"))
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "Far" in app.marked())
        await press(pilot, "enter")
        await until(pilot, lambda: app.has_ended)
    assert app.return_value == (old.event_id, "2")


async def test_who_races_now_is_live_at_the_marked_event(site: Site) -> None:
    today = await made(site, "Club Evening", 0, "Left", "Right")
    old = await made(site, "Spring Cup", -200, "Near")
    anna, bert = await add_racer(site.house, "anna"), await add_racer(site.house, "bert")
    race = await start_race(site.house, today, anna)
    app = choosing(site)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: app.marked().endswith("► Running anna"))
        await until(pilot, lambda: "free" in app.text())  # the other track
        race = await act(site.house, race, Kind.END)
        await until(pilot, lambda: app.marked().endswith("■ Over anna"))
        await act(site.house, race, Kind.SUBMIT)
        await until(pilot, lambda: app.marked().endswith("free"))
        await start_race(site.house, old, bert)
        await press(pilot, "end")
        await until(pilot, lambda: app.marked().endswith("► Running bert"))


async def test_an_event_made_meanwhile_appears_and_the_mark_stays(site: Site) -> None:
    app = choosing(site)
    async with app.run_test(size=SMALL) as pilot:
        wanted = f"There are no events yet. Make one on the page {site.url}/staff/events; it is listed here by itself."
        await until(pilot, lambda: app.said() == wanted)
        await press(pilot, "enter")
        assert not app.has_ended, "there is nothing to sit at"
        await made(site, "Spring Cup", -200, "Near")
        await until(pilot, lambda: "Spring Cup" in app.marked())
        await made(site, "Club Evening", 0, "Left")
        await until(pilot, lambda: "Club Evening" in app.text())
        assert "Spring Cup" in app.marked(), "nobody sits down elsewhere by a key pressed too late"


async def test_rows_that_are_made_anew_right_after_a_key_keep_the_mark(site: Site) -> None:
    await made(site, "Club Evening", 0, "Left", "Right")
    app = choosing(site)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "Left" in app.marked())
        rows = app.tracks.query_one(RowList)
        rows.choose(1)
        app.tracks.on_row_list_resized(RowList.Resized())  # before the screen has heard of the key
        assert rows.chosen == 1


async def test_a_box_that_is_away_says_so_and_is_asked_again(site: Site) -> None:
    await made(site, "Club Evening", 0, "Left")
    app = choosing(site)
    app.tracks._box.move_to("http://127.0.0.1:9")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: app.said().startswith("× The box at http://127.0.0.1:9 does not answer."))
        app.tracks._box.move_to(site.url)
        await until(pilot, lambda: "Club Evening" in app.marked())
        assert app.said() == "1 event, 1 track. Enter sits down at the marked one."


async def test_many_events_scroll_and_both_sizes_show_the_marked_one(site: Site) -> None:
    for number in range(40):
        await made(site, f"Cup {number}", -number, "Left")
    for size in (SMALL, (140, 40)):
        app = choosing(site)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: "Cup 0" in app.marked())  # noqa: B023  awaited in this round
            await press(pilot, "end")
            await until(pilot, lambda: "Cup 39" in app.marked())  # noqa: B023
            assert "Sit here" in app.text()
            assert "Another box" in app.text()


async def test_escape_leaves_without_a_track(site: Site) -> None:
    app = choosing(site)
    async with app.run_test(size=SMALL) as pilot:
        await press(pilot, "escape")
        await until(pilot, lambda: app.has_ended)
    assert app.return_value is None
