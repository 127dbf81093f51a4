"""
The box announces itself on every network it is on, so that the timekeeper's terminal finds it without an address.

A convenience, never more: it starts when pages are served, waits for a network that is not there yet, follows
addresses that change, and whatever goes wrong is told by the health check and tried again. The record itself is
service_record.py's.
"""

import asyncio
import importlib
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from appliance.health import Check
from appliance.identity import BoxIdentity
from appliance.settings import Settings

if TYPE_CHECKING:
    from appliance.networks import Network
    from appliance.service_record import ServiceRecord

log = logging.getLogger("trackside.announce")

POLL_S = 3.0
"""How often to look for other addresses: the kernel is asked, 0.2 ms, and nothing is sent while nothing changes."""
CLOSE_S = 1.5
"""The good-bye takes 0.3 s; nobody waits longer for a box that ends."""


class Announcer:
    """`run` until cancelled. `refresh` after the events changed; `check` is the probe "network"."""

    def __init__(self, settings: Settings, box: BoxIdentity, events: Callable[[], Sequence[str]]) -> None:
        self._settings = settings
        self._box = box
        self._events = events
        self._record: ServiceRecord | None = None
        self._shown: tuple[tuple[Network, ...], tuple[str, ...]] | None = None
        self._problem = "Not announced yet."
        self._changed = asyncio.Event()

    def refresh(self) -> None:
        """The names of the events may have changed: look now."""
        self._changed.set()

    def check(self) -> Check:
        """Whether the terminal can find the box; a box nobody can find is a warning, and races go on."""
        settings = self._settings
        if not settings.announce:
            return Check(ok=True, message="The box does not announce itself: announce = false.")
        if self._record is None or self._shown is None:
            remedy = "It is tried again by itself. The terminal takes the address of the box typed as well."
            return Check(ok=True, message=self._problem, remedy=remedy)
        addresses = ", ".join(address for network in self._shown[0] for address in network.addresses)
        return Check(ok=True, message=f"Announced as {self._record.name}: {addresses}, port {settings.port}.")

    async def run(self) -> None:
        """Announce, and say good-bye when cancelled."""
        if not self._settings.announce:
            return
        try:
            while True:
                await self._try()
                with suppress(TimeoutError):
                    # Not wait_for(): before Python 3.12 it may lose a cancellation that comes with the event.
                    async with asyncio.timeout(POLL_S):
                        await self._changed.wait()
                self._changed.clear()
        finally:
            await self._close()

    async def _try(self) -> None:
        try:
            await self._bring_up_to_date()
        except Exception as error:  # The box races on without it.
            problem = f"Not announced: {error}."
            if problem != self._problem:
                log.warning("announce_failed error=%r", error)
            self._problem = problem
            await self._close()

    async def _bring_up_to_date(self) -> None:
        found = await asyncio.to_thread(_networks, self._settings.host)
        wanted = (found, tuple(self._events()))
        if not found:
            await self._close()
            self._problem = f"Not announced: no network that reaches {self._settings.host}."
        elif self._record is None:
            self._record = await _open(self._box, self._settings.port, *wanted)
        elif wanted != self._shown:
            await self._record.update(*wanted)
        else:
            await self._record.settle_name(*wanted)
        if self._record is not None and wanted != self._shown:
            self._shown = wanted
            log.info("announced name=%r networks=%s", self._record.name, ",".join(network.name for network in found))

    async def _close(self) -> None:
        record, self._record, self._shown = self._record, None, None
        if record is not None:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await record.close()


def _networks(host: str) -> tuple["Network", ...]:
    """In a thread: the first call loads zeroconf."""
    importlib.import_module("appliance.service_record")
    from appliance.networks import networks

    return networks(host)


async def _open(box: BoxIdentity, port: int, found: tuple["Network", ...], events: tuple[str, ...]) -> "ServiceRecord":
    from appliance.service_record import ServiceRecord

    return await ServiceRecord.open(box, port, found, events)
