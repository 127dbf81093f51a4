"""
Boxes that announce themselves: `_trackside._tcp` by multicast DNS, as appliance/service_record.py of a box says it.

The only module of the terminal that imports zeroconf, so that tui/finder.py can load it when the screen is there.
Nothing that is heard is believed: anybody in the hall may announce anything.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from zeroconf import BadTypeInNameException, DNSQuestionType, IPVersion, Zeroconf, current_time_millis
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from tui.found_boxes import Sighting, Source, sorted_addresses
from tui.typed_address import url

SERVICE_TYPE = "_trackside._tcp.local."
LOOK_S = 0.5
"""Between two looks at what was heard: nothing is sent, and an address that went away is told by nobody."""
ASK_AGAIN_S = 10.0
"""A question in the hall that nobody heard is asked again; zeroconf itself stops after four."""
INTERFACES_S = 3.0
"""Between two looks for networks of this machine that came or went."""
PATIENCE_MS = 3000
MOST_ADDRESSES = 8
MOST = 50
"""Boxes that are listed: whoever floods the hall with names shall not fill this machine."""


class HeardBoxes:
    """What is heard, while `run` runs."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._asking: dict[str, asyncio.Task[None]] = {}
        self.sightings: list[Sighting] = []

    async def run(self) -> None:
        """
        Listen until cancelled.

        Raises:
            OSError: UDP port 5353 cannot be had.
        """
        try:
            zeroconf = AsyncZeroconf(ip_version=IPVersion.All)
        except OSError:  # IPv6 is switched off.
            zeroconf = AsyncZeroconf(ip_version=IPVersion.V4Only)
        try:
            await self._listen(zeroconf)
        finally:
            self.sightings = []
            for task in list(self._asking.values()):
                task.cancel()
            await zeroconf.async_close()

    async def _listen(self, zeroconf: AsyncZeroconf) -> None:
        heard = asyncio.Event()
        loop = asyncio.get_running_loop()
        asked_s = rescanned_s = loop.time()
        browser = _browser(zeroconf.zeroconf, heard)
        try:
            while True:
                self._look(zeroconf.zeroconf)
                with suppress(TimeoutError):
                    await asyncio.wait_for(heard.wait(), LOOK_S)
                heard.clear()
                if loop.time() > rescanned_s + INTERFACES_S:
                    await zeroconf.async_update_interfaces()
                    rescanned_s = loop.time()
                if loop.time() > asked_s + ASK_AGAIN_S:
                    await browser.async_cancel()
                    browser = _browser(zeroconf.zeroconf, heard)
                    asked_s = loop.time()
        finally:
            await browser.async_cancel()

    def _look(self, zeroconf: Zeroconf) -> None:
        """From what zeroconf keeps; what is missing of a box is asked for."""
        sightings = []
        for info in _announced(_names(zeroconf)):
            if info.load_from_cache(zeroconf) and (sighting := _sighting(info)) is not None:
                sightings.append(sighting)
            elif info.name not in self._asking:
                self._asking[info.name] = asyncio.ensure_future(self._request(info, zeroconf))
        if sightings != self.sightings:
            self.sightings = sightings
            self._changed()

    async def _request(self, info: AsyncServiceInfo, zeroconf: Zeroconf) -> None:
        try:
            await info.async_request(zeroconf, PATIENCE_MS, DNSQuestionType.QM)
        finally:
            del self._asking[info.name]


def _browser(zeroconf: Zeroconf, heard: asyncio.Event) -> AsyncServiceBrowser:
    def tell(**_: object) -> None:
        heard.set()

    # Answers to everybody: one to this port alone might reach another program that has it too.
    return AsyncServiceBrowser(zeroconf, SERVICE_TYPE, handlers=[tell], question_type=DNSQuestionType.QM)


def _names(zeroconf: Zeroconf) -> list[str]:
    now = current_time_millis()
    records = zeroconf.cache.entries_with_name(SERVICE_TYPE)
    names = {str(getattr(record, "alias", "")) for record in records if not record.is_expired(now)}
    return sorted(name for name in names if name.endswith(f".{SERVICE_TYPE}"))


def _announced(names: list[str]) -> list[AsyncServiceInfo]:
    """The first ones that can be a box's: one name with a control sign in it shall not hide the boxes of a hall."""
    infos: list[AsyncServiceInfo] = []
    for name in names:
        if len(infos) == MOST:
            break
        with suppress(BadTypeInNameException):
            infos.append(AsyncServiceInfo(SERVICE_TYPE, name))
    return infos


def _sighting(info: AsyncServiceInfo) -> Sighting | None:
    """None for what no box announces."""
    said = {key: value or "" for key, value in info.decoded_properties.items()}
    addresses = sorted_addresses(info.parsed_scoped_addresses())[:MOST_ADDRESSES]
    if not said.get("id") or not addresses or not info.port:
        return None
    label = info.name.removesuffix(f".{SERVICE_TYPE}")
    name = said.get("name", "")
    return Sighting(
        key=info.name,
        source=Source.HEARD,
        box_id=said["id"],
        # The second box of a name is told apart by what was added to it.
        name=name if name and name.replace(".", " ").startswith(label) else label,
        addresses=tuple(url(address, info.port) for address in addresses),
        events=tuple(event.strip() for event in said.get("events", "").split(",") if event.strip()),
        version=said.get("v", ""),
    )
