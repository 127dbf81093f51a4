"""
The live strip check for terminals and other programs: every strip of every recorder as it is, and the guided test.

The same as web/strip_live.py, as JSON. How often things change is decided by timing/strip_check.py.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from timing.facts import RemotesChanged
from timing.strip_check import StripCheckChanged
from timing.strip_picture import StripCheckNow
from web.crew_live import BEAT_S, SEATS_PER_PERSON, beat
from web.house import House
from web.live_devices import Device, Devices
from web.live_messages import encode


class StripCheckLive:
    """All terminals that show the strip check. Only for use on the event loop, inside `running`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._devices: Devices[Device] = Devices(house, beat_s=BEAT_S, beat=beat, per_person=SEATS_PER_PERSON)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the house's facts for as long as the application runs."""
        facts = self._house.facts
        ends = [
            facts.subscribe(StripCheckChanged, lambda _: self._tell()),
            facts.subscribe(RemotesChanged, lambda _: self._tell()),
        ]
        async with self._devices.running(ends):
            yield

    def close(self) -> None:
        """End all streams and take no new ones."""
        self._devices.close()

    async def open(self, person_id: str, token: str | None) -> AsyncIterator[bytes]:
        """
        The stream of one terminal: everything, then again with each change, for as long as the session lasts.

        Raises:
            NotReady: too many devices, or the box is stopping.
        """
        self._devices.check_room()
        return self._devices.messages(Device(person_id=person_id, token=token), self._full)

    async def _full(self, _: Device) -> bytes:
        return self._encoded()

    def _encoded(self) -> bytes:
        return encode("check", StripCheckNow(recorders=self._house.strip_check.pictures()))

    def _tell(self) -> None:
        if self._devices:
            message = self._encoded()
            for device in self._devices:
                device.put(message)
