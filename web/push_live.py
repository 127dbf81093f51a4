"""
Pushes live: every device of the crew that has the page open sees bytes on their way and each end.

Rendered once for all devices, three times a second at most, so that a push costs the event loop next to nothing; with
no device open nothing is rendered.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cars.facts import PushesChanged
from web.house import House
from web.live_devices import Device, Devices, message_of
from web.pages.staff.push_panel import running, standing, waits

EVERY_S = 0.3
"""Four cars tell four times a second each; nobody reads faster than this."""


class PushLive:
    """All devices that show pushes. Only for use on the event loop, inside `running`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._devices: Devices[Device] = Devices(house)
        self._is_due = False
        self._has_ended = False
        self._waits: tuple[tuple[str, str | None], ...] = ()
        self._telling: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the house's facts for as long as the application runs."""
        async with self._devices.running([self._house.facts.subscribe(PushesChanged, self._changed)]):
            yield

    def close(self) -> None:
        """End all streams and take no new ones."""
        self._devices.close()

    async def open(self, person_id: str, token: str) -> AsyncIterator[bytes]:
        """
        The stream of one page: both panels, then what changes, for as long as the session of `token` lasts.

        Raises:
            NotReady: too many devices, or the box is stopping.
        """
        self._devices.check_room()
        return self._devices.messages(Device(person_id=person_id, token=token), self._full)

    async def _full(self, _: Device) -> bytes:
        return message_of(running(self._house) + "\n" + await standing(self._house))

    def _changed(self, fact: PushesChanged) -> None:
        if not self._devices:
            return
        self._has_ended |= any(self._house.pushes.now(push_id) is None for push_id in fact.push_ids)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(EVERY_S, self._begin)

    def _begin(self) -> None:
        self._is_due = False
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())
        else:
            self._is_due = True
            asyncio.get_running_loop().call_later(EVERY_S, self._begin)

    async def _tell(self) -> None:
        waiting = waits(self._house)
        panels = [running(self._house)]
        if self._has_ended or waiting != self._waits:
            self._has_ended, self._waits = False, waiting
            panels.append(await standing(self._house))
        message = message_of("\n".join(panels))
        for device in self._devices:
            device.put(message)
