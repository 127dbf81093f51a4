"""Which screens the timekeeper's terminal has."""

from tui.screens.base import RoomScreen
from tui.screens.big_clock import BigClockScreen
from tui.screens.board import BoardScreen
from tui.screens.cars import CarsScreen
from tui.screens.queue import QueueScreen
from tui.screens.race import RaceScreen
from tui.screens.races import RacesScreen
from tui.screens.strips import StripsScreen
from tui.screens.system import SystemScreen
from tui.seat_app import Host, SeatApp

ROOMS: dict[str, type[RoomScreen]] = {
    "race": RaceScreen,
    "queue": QueueScreen,
    "races": RacesScreen,
    "board": BoardScreen,
    "strips": StripsScreen,
    "system": SystemScreen,
    "cars": CarsScreen,
}
"""The screens of a seat, in the order of their number keys."""


class TracksideApp(SeatApp):
    """The terminal with all its screens."""

    def __init__(self, host: Host) -> None:
        super().__init__(host, ROOMS, BigClockScreen)
