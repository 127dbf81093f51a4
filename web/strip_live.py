"""
The live strip check: every device that has the page open sees each strip as it is.

Rendered once per change and shared by all; with no device open nothing is rendered. How often things change is
decided by timing/strip_check.py.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from appliance.errors import NotReady
from appliance.people_structs import SessionsEnded
from timing.facts import EventChanged, RaceChanged, RemotesChanged
from timing.strip_check import StripCheckChanged
from web.house import House
from web.pages.staff.strip_panel import panel
from web.staff_live import BEAT, BEAT_S, FREES_OR_TAKES, MAX_DEVICES, Device

log = logging.getLogger(__name__)


class StripLive:
    """All devices that show the strip check. Only for use on the event loop, inside `running`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._devices: set[Device] = set()
        self._closed = False

    @asynccontextmanager
    async def running(self, _: Litestar) -> AsyncIterator[None]:
        """Follow the house's facts for as long as the application runs."""
        facts = self._house.facts
        ends = [
            facts.subscribe(StripCheckChanged, lambda _: self._tell()),
            facts.subscribe(RemotesChanged, lambda _: self._tell()),
            facts.subscribe(EventChanged, lambda _: self._tell()),
            facts.subscribe(RaceChanged, self._on_race),
            facts.subscribe(SessionsEnded, self._on_sessions_ended),
        ]
        beat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            for end in ends:
                end()
            self.close()
            beat.cancel()

    def close(self) -> None:
        """End all streams and take no new ones."""
        self._closed = True
        for device in self._devices:
            device.put(None)

    async def open(self, person_id: str, token: str) -> AsyncIterator[bytes]:
        """
        The stream of one page: the panel, then again with each change, for as long as the session of `token` lasts.

        Raises:
            NotReady: too many devices, or the box is stopping.
        """
        if self._closed:
            raise NotReady("Trackside is stopping.", "The page connects again by itself.")
        if len(self._devices) >= MAX_DEVICES:
            raise NotReady(f"{MAX_DEVICES} crew pages are open.", "Close some of them, then reload this page.")
        return self._messages(Device(parts=frozenset(), person_id=person_id, token=token))

    async def _messages(self, device: Device) -> AsyncIterator[bytes]:
        # Claimed here, not in `open`: a generator that never starts never reaches its `finally`.
        self._devices.add(device)
        try:
            yield _message(panel(self._house))
            while (message := await device.messages.get()) is not None:
                device.missed = False  # Each message is the whole panel: the newest is enough.
                yield message
        finally:
            self._devices.discard(device)

    def _tell(self) -> None:
        if self._devices:
            message = _message(panel(self._house))
            for device in self._devices:
                device.put(message)

    def _on_race(self, fact: RaceChanged) -> None:
        """Whether a race is open is shown, not its laps."""
        if fact.kind in FREES_OR_TAKES:
            self._tell()

    def _on_sessions_ended(self, fact: SessionsEnded) -> None:
        for device in self._devices:
            if device.person_id == fact.person_id:
                device.put(None)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for device in self._devices:
                device.put(BEAT if self._house.sessions.is_valid(device.token) else None)


def _message(rendered: str) -> bytes:
    """One unnamed message: htmx swaps the partial in by itself."""
    return ("".join(f"data: {line}\n" for line in rendered.splitlines() if line.strip()) + "\n").encode()
