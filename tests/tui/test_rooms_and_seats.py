"""Screens that ask the box by themselves while the seat changes under them."""

import pytest
from textual.app import App

from tests.tui.seated import GivenSeat, Terminal, seated
from tests.web.conftest import Site
from timing.structs import Event
from tui.box import Box
from tui.screens.base import RoomScreen
from tui.screens.board import BoardScreen
from tui.screens.system import SystemScreen
from tui.seat import Seat

CHANGES = 4


class OtherTracks(GivenSeat):
    """Leads from each track to the other one."""

    def __init__(self, site: Site, seat: Seat) -> None:
        super().__init__(seat)
        self.site = site

    async def other_track(self, app: App[None], seat: Seat) -> Seat:
        track_id = "2" if seat.track_id == "1" else "1"
        return Seat(Box(self.site.url, self.site.tokens["operator"]), seat.event_id, track_id, seat.me)


@pytest.mark.parametrize("room", [BoardScreen, SystemScreen])
async def test_a_seat_is_changed_while_a_screen_asks_the_box(site: Site, event: Event, room: type[RoomScreen]) -> None:
    """And nothing is left of the seat before: its screens would go on asking."""
    rooms = {"room": room}
    async with seated(site, event.event_id, rooms) as terminal:
        terminal.app.host = OtherTracks(site, terminal.seat)
        for number in range(CHANGES):
            await terminal.keys("r")
            await terminal.keys("t")
            name = "Left" if number % 2 else "Right"
            await terminal.until(lambda name=name: terminal.app.has_seat and terminal.seat.picture.track_name == name)
            await terminal.shows(f" · {name} · Cup", "● live")
            assert [type(room) for room in rooms_of(terminal)] == [type(terminal.app.screen)]


def rooms_of(terminal: Terminal) -> list[RoomScreen]:
    """Every screen of a seat that lives, in sight or not."""
    return [node for node in terminal.app._registry if isinstance(node, RoomScreen)]
