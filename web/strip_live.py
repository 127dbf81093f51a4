"""
The live strip check: every device that has the page open sees each strip as it is.

Rendered once per change and shared by all; with no device open nothing is rendered. How often things change is
decided by timing/strip_check.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from timing.facts import EventChanged, RaceChanged, RemotesChanged
from timing.strip_check import StripCheckChanged
from web.house import House
from web.live_devices import Device, Devices, message_of
from web.pages.staff.strip_panel import panel
from web.rounds import FREES_OR_TAKES


class StripLive:
    """All devices that show the strip check. Only for use on the event loop, inside `running`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._devices: Devices[Device] = Devices(house)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the house's facts for as long as the application runs."""
        facts = self._house.facts
        ends = [
            facts.subscribe(StripCheckChanged, lambda _: self._tell()),
            facts.subscribe(RemotesChanged, lambda _: self._tell()),
            facts.subscribe(EventChanged, lambda _: self._tell()),
            facts.subscribe(RaceChanged, self._on_race),
        ]
        async with self._devices.running(ends):
            yield

    @property
    def pages(self) -> int:
        """How many are open."""
        return len(self._devices)

    def close(self) -> None:
        """End all streams and take no new ones."""
        self._devices.close()

    async def open(self, person_id: str, token: str) -> AsyncIterator[bytes]:
        """
        The stream of one page: the panel, then again with each change, for as long as the session of `token` lasts.

        Raises:
            NotReady: too many devices, or the box is stopping.
        """
        self._devices.check_room()
        return self._devices.messages(Device(person_id=person_id, token=token), self._full)

    async def _full(self, _: Device) -> bytes:
        return message_of(panel(self._house))

    def _tell(self) -> None:
        if self._devices:
            message = message_of(panel(self._house))
            for device in self._devices:
                device.put(message)

    def _on_race(self, fact: RaceChanged) -> None:
        """Whether a race is open is shown, not its laps."""
        if fact.kind in FREES_OR_TAKES:
            self._tell()
