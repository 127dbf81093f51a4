"""A terminal that sits at a track of a real server, driven by keys: what the tests of screens share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from tests.tui.keys import handled, press
from tests.web.conftest import Site
from timing import press_moment
from tui.box import Box
from tui.screens.base import RoomScreen
from tui.seat import Seat
from tui.seat_app import SeatApp

SMALL = (80, 24)
LARGE = (140, 40)
PATIENCE_S = 20.0
VERDICT_S = 45.0
"""Of a car: it has 20 s or 30 s of its own for its answer, before anybody tells of it."""
NOTICED_MS = 60_000


class GivenSeat:
    """Leads straight to a seat, and remembers nothing."""

    def __init__(self, seat: Seat) -> None:
        self.muted = False
        self.light = False
        self.seat = seat

    async def first_seat(self, app: App[None]) -> Seat:
        return self.seat

    async def other_track(self, app: App[None], seat: Seat) -> Seat | None:
        return None

    async def other_box(self, app: App[None], seat: Seat) -> Seat | None:
        return None

    async def while_lost(self, app: App[None], seat: Seat) -> None:
        return

    async def leave(self, seat: Seat) -> None:
        await seat.box.close()


@dataclass
class Terminal:
    """An open terminal: `keys` presses, `until` waits, `text` is what stands on the screen."""

    app: SeatApp
    pilot: Pilot[None]

    @property
    def seat(self) -> Seat:
        return self.app.seat

    async def keys(self, *names: str) -> None:
        """Press these, and return when each has been handled."""
        await press(self.pilot, *names)

    def text(self) -> str:
        return "\n".join(
            "".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()
        )

    async def until(self, holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Wait until it holds; on failure says what stood on the screen."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    await self.pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(f"not so within {within_s} s; the screen was\n{self.text()}") from None

    async def opens(self, screen: type[Screen[Any]]) -> None:
        """Wait until a screen of this kind has come up."""
        await self.until(lambda: isinstance(self.app.screen, screen))
        await handled(self.app)  # Now it has its focus.

    async def shows(self, *texts: str, within_s: float = PATIENCE_S) -> None:
        """Wait until all of these stand on the screen."""
        await self.until(lambda: all(text in self.text() for text in texts), within_s)


@asynccontextmanager
async def nothing_is_late() -> AsyncIterator[None]:
    """On a machine with much to do a press takes a second to arrive; its line of the trail would say so."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(press_moment, "NOTICED_MS", NOTICED_MS)
        yield


@asynccontextmanager
async def seated(
    site: Site,
    event_id: str,
    rooms: Mapping[str, type[RoomScreen]],
    *,
    track_id: str = "1",
    role: str = "operator",
    size: tuple[int, int] = SMALL,
    address: str | None = None,
    press_folder: Path | None = None,
    big_clock: type[Screen[None]] | None = None,
) -> AsyncIterator[Terminal]:
    """A terminal of somebody with this role (`site.add` comes first), live at the track."""
    box = Box(address or site.url, site.tokens[role])
    seat = Seat(box, event_id, track_id, await Box(site.url, site.tokens[role]).who(), press_folder=press_folder)
    app = SeatApp(GivenSeat(seat), rooms, big_clock)
    async with nothing_is_late(), app.run_test(size=size, notifications=True) as pilot:
        terminal = Terminal(app, pilot)
        await terminal.until(lambda: app.has_seat and seat.picture.known and isinstance(app.screen, RoomScreen))
        yield terminal
        app.exit()
