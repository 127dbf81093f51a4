"""The board on a real server: kept true while races are handed in, found in by typing, right for any name."""

from rich.cells import cell_len

from tests.tui.seated import LARGE, Terminal, seated
from tests.web.conftest import Site
from tests.web.racing_day import add_racer, hand_in
from timing.structs import Event, NewEvent, NewTrack
from tui.key_line import KeyLine
from tui.row_list import RowList
from tui.screens.base import RoomScreen
from tui.screens.board import BoardScreen

ROOMS: dict[str, type[RoomScreen]] = {"board": BoardScreen}
MANY = 200


def rows_of(terminal: Terminal) -> RowList:
    return terminal.app.screen.query_one("#board-rows", RowList)


def row_of(terminal: Terminal, name: str) -> str:
    """The row as it stands, its words with single spaces."""
    found = [row for row in terminal.text().splitlines() if name in row]
    assert len(found) == 1, terminal.text()
    return " ".join(found[0].split())


def footer(terminal: Terminal) -> str:
    """The keys, with single spaces."""
    height = terminal.app.screen.query_one(KeyLine).size.height
    return " ".join(" ".join(terminal.text().splitlines()[-height:]).split())


async def race(
    site: Site, event: Event, name: str, *laps_ms: int | None, track_id: str = "1", proxy: bool = False
) -> None:
    """Somebody new drives these laps and hands in."""
    racer_id = await add_racer(site.house, name, "GB")
    await hand_in(site.house, event, racer_id, laps_ms, track_id, by_proxy=proxy)


async def test_an_empty_board_says_what_will_come(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("No times yet.", "The first race that is handed in appears here by itself.")


async def test_a_race_that_is_handed_in_appears_by_itself(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("No times yet.")
        await race(site, event, "山田太郎", 9_123, None, proxy=True)
        await terminal.shows("Left, by best lap   1 racer   * by proxy", "山田太郎 *")
        assert row_of(terminal, "山田太郎") == "► new 1 山田太郎 * GB 00:09.123 1/2 1"
        widths = {cell_len(line) for line in terminal.text().splitlines()}
        assert widths == {80}


async def test_who_has_no_time_stands_last_with_a_dash(site: Site, event: Event) -> None:
    await race(site, event, "anna", None)
    await race(site, event, "zoe", 9_000)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("2 racers, 1 without a time")
        assert row_of(terminal, "anna") == "– anna GB – 0/1 1"


async def test_a_row_that_moved_is_marked_with_a_sign(site: Site, event: Event) -> None:
    for name, lap_ms in (("anna", 9_000), ("bob", 9_100), ("cyd", 9_200)):
        await race(site, event, name, lap_ms)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("cyd")
        await hand_in(site.house, event, site.house.people.find("cyd").person_id, [8_900])  # type: ignore[union-attr]
        await terminal.shows("▲2")
        assert row_of(terminal, "cyd") == "► ▲2 1 cyd GB 00:08.900 2/2 2"
        assert row_of(terminal, "anna") == "▼1 2 anna GB 00:09.000 +0.100 1/1 1"
        await terminal.keys("f")
        await terminal.until(lambda: "▲2" not in terminal.text())


async def test_the_board_of_averages_and_of_all_tracks_are_a_key_away(site: Site, event: Event) -> None:
    await race(site, event, "anna", 9_000, 9_100, 9_200)
    await race(site, event, "bob", 8_000, track_id="2")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("Left, by best lap", "f Average", "c All tracks")
        await terminal.keys("f")
        await terminal.shows("Left, by best average", "00:09.100", "f Best lap")
        await terminal.keys("c", "f")
        await terminal.shows("All tracks, by best lap   2 racers", "bob", "c This track")
        assert row_of(terminal, "anna") == "2 anna GB 00:09.000 +1.000 3/3 1"
        await terminal.keys("c")
        await terminal.shows("Left, by best lap   1 racer")


async def test_one_track_alone_has_no_key_for_all_tracks(site: Site) -> None:
    event = await site.house.events.create(NewEvent(name="Cup", tracks=[NewTrack(name="Left")]), "test")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("f Average")
        assert "All tracks" not in footer(terminal)


async def test_a_wide_terminal_tells_all_about_the_chosen_racer(site: Site, event: Event) -> None:
    await race(site, event, "anna", 9_000, 9_100, 9_200)
    await race(site, event, "bob", 9_500)
    async with seated(site, event.event_id, ROOMS, size=LARGE) as terminal:
        await terminal.shows("Best average   00:09.100 (laps 1–3)", "Valid laps     3 of 3 (100 %)")
        await terminal.keys("down")
        await terminal.shows("Gap to first   +0.500", "Track          Left")


async def test_every_key_has_room_in_the_footer_of_a_small_terminal(site: Site, event: Event) -> None:
    await race(site, event, "anna", 9_000)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("anna", "q Quit", "↑↓ Row")
        keys = "↑↓ Row Home First End Last f Average c All tracks / Find F9 "
        await terminal.until(lambda: footer(terminal).startswith(keys))
        assert footer(terminal).endswith("? Help q Quit")


async def test_two_hundred_racers_are_scrolled_found_and_left_in_place(site: Site, event: Event) -> None:
    for number in range(MANY):
        await race(site, event, f"racer_{number:03d}", 9_000 + number)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("200 racers", "racer_000")
        await terminal.keys("end")
        await terminal.shows("racer_199")
        await terminal.keys("slash", *"142")
        await terminal.shows("142")
        await terminal.until(lambda: rows_of(terminal).chosen == 142)
        await terminal.keys("enter")
        top = rows_of(terminal).scroll_offset.y
        assert top > 100
        await race(site, event, "the_new_best", 8_000)
        await terminal.shows("201 racers")
        await terminal.until(lambda: rows_of(terminal).scroll_offset.y == top + 1)
        assert rows_of(terminal).chosen == 143
        assert row_of(terminal, "racer_142").startswith("► ▼1 144 racer_142")
        await terminal.keys("home")
        await terminal.shows("the_new_best")


async def test_the_chosen_racer_stays_in_view_of_a_window_that_is_made_smaller(site: Site, event: Event) -> None:
    for number in range(30):
        await race(site, event, f"racer_{number:03d}", 9_000 + number)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("30 racers", "racer_018")
        await terminal.keys(*["down"] * 18)
        await terminal.until(lambda: rows_of(terminal).chosen == 18)
        await terminal.pilot.resize_terminal(80, 18)
        await terminal.until(lambda: rows_of(terminal).size.height < 19)
        await terminal.shows("racer_018")
        assert row_of(terminal, "racer_018").startswith("► 19 racer_018")


async def test_escape_leaves_the_typed_name(site: Site, event: Event) -> None:
    await race(site, event, "anna", 9_000)
    await race(site, event, "Łukasz", 9_100)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("anna")
        await terminal.keys("slash", "ł", "f", "backspace")
        await terminal.until(lambda: rows_of(terminal).chosen == 1)
        assert "by best lap" in terminal.text()
        await terminal.keys("escape", "f")
        await terminal.shows("by best average")


async def test_a_lost_link_is_said_and_the_last_board_stays(site: Site, event: Event) -> None:
    await race(site, event, "anna", 9_000)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("anna")
        terminal.seat.move_to("http://127.0.0.1:9")
        await terminal.shows("× NOT LIVE: as it was last", "anna")
        await race(site, event, "bob", 8_000)
        terminal.seat.move_to(site.url)
        await terminal.shows("bob", "2 racers")
        await terminal.until(lambda: "NOT LIVE" not in terminal.text())


async def test_a_board_that_comes_right_after_a_key_keeps_the_row_that_was_chosen(site: Site, event: Event) -> None:
    for number in range(3):
        await race(site, event, f"racer_{number}", 9_000 + number)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("3 racers", "racer_2")
        screen = terminal.app.screen
        assert isinstance(screen, BoardScreen)
        assert screen._board is not None
        rows_of(terminal).choose(1)
        screen._take(screen._board)  # before the screen has heard of the key
        assert rows_of(terminal).chosen == 1
