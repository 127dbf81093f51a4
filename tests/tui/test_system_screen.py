"""The system screen on a real server: what the box says of itself, who is connected, what is known while it is away."""

import pytest

from appliance.health import Check
from appliance.permissions import Role
from tests.tui.seated import LARGE, Terminal, seated
from tests.web.conftest import Site
from timing.structs import Event
from tui.screens.base import RoomScreen
from tui.screens.system import SystemScreen

ROOMS: dict[str, type[RoomScreen]] = {"system": SystemScreen}


@pytest.fixture
async def site(site: Site) -> Site:
    await site.add(Role.COMMENTATOR)
    return site


def row_of(terminal: Terminal, name: str) -> str:
    """The row of a check, with single spaces."""
    return next((" ".join(row.split()) for row in terminal.text().splitlines() if row.startswith(f" {name}")), "")


async def test_every_check_of_the_box_is_shown_in_words(site: Site, event: Event) -> None:
    site.house.health.register("recorder", lambda: Check(ok=False, message="It is away.", remedy="Start it again."))
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("× 1 thing needs a hand", f"version {site.house.box.version}", "Start it again.")
        assert row_of(terminal, "recorder") == "recorder × PROBLEM It is away."
        assert row_of(terminal, "database") == "database √ ok Reading and writing work."
        assert row_of(terminal, "cars") == "cars √ ok No car is paired yet."
        for name in ("strips", "disk", "clock", "sync"):
            assert " √ ok " in row_of(terminal, name) or " ! look " in row_of(terminal, name)


async def test_r_asks_at_once(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("database  √ ok")
        site.house.health.register("database", lambda: Check(ok=False, message="It is full.", remedy="Make room."))
        await terminal.keys("r")
        await terminal.shows("database  × PROBLEM It is full.", "asked 0 s ago")


async def test_the_link_and_the_clocks_are_shown_with_their_error(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS, size=LARGE) as terminal:
        await terminal.shows("√ live    What is shown is true, since ", "against this one", " answers in a")
        await terminal.shows("the-operator (operator), over")


async def test_who_is_connected_is_shown(site: Site, event: Event) -> None:
    async with (
        seated(site, event.event_id, ROOMS, size=LARGE) as terminal,
        seated(site, event.event_id, ROOMS, role="commentator"),
    ):
        await terminal.keys("r")
        await terminal.shows("Connected: 2 terminals, 0 crew pages, 0 hall screens", "the-commentator", "127.0.0.1")


async def test_a_commentator_sees_that_something_is_wrong_and_not_what(site: Site, event: Event) -> None:
    site.house.health.register("disk", lambda: Check(ok=False, message="It is full.", remedy="Make room."))
    async with seated(site, event.event_id, ROOMS, role="commentator") as terminal:
        await terminal.shows("× Something needs a hand", "press O to sign", "√ live")
        assert "It is full." not in terminal.text()


async def test_while_the_box_is_away_its_last_state_is_shown_with_its_age(site: Site, event: Event) -> None:
    site.house.health.register("recorder", lambda: Check(ok=True, message="The recorder is connected."))
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("All is well", "database  √ ok")
        terminal.seat.move_to("http://127.0.0.1:9")
        await terminal.shows("× NOT LIVE: ", "This is how it was ", "× LOST", "database  √ ok")
        assert "All is well" not in terminal.text()
        terminal.seat.move_to(site.url)
        await terminal.shows("All is well", "√ live")
        await terminal.until(lambda: "NOT LIVE" not in terminal.text())


async def test_a_small_terminal_scrolls_to_the_end(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS, size=(80, 14)) as terminal:
        await terminal.shows("database  √ ok")
        assert "Connected:" not in terminal.text()
        await terminal.keys(*["down"] * 20)
        await terminal.shows("Connected: 1 terminal")
