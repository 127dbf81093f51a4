"""
One box on the air: its record of DNS service discovery (RFC 6763) over multicast DNS (RFC 6762).

The only module of the box that imports zeroconf (4 MB): appliance/announce.py loads it when pages are served.
"""

import asyncio
import secrets
import socket
from collections.abc import Sequence
from typing import Self

from zeroconf import DNSQuestionType, IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

from appliance.identity import BoxIdentity
from appliance.networks import Network, addresses_of

SERVICE_TYPE = "_trackside._tcp.local."
LABEL_BYTES = 60
"""A name's part may have 63 (RFC 1035, 2.3.4); the second box of a name gets "-2"."""
EVENTS_BYTES = 200
"""A string of a TXT record holds 255 with its key (RFC 6763, 6.1)."""
HEAR_S = 0.7
"""A question goes out after 0.12 s at most, an answer comes within 0.5 s (RFC 6762, 5.2 and 6)."""
_TYPE_SRV, _CLASS_IN = 33, 1


class ServiceRecord:
    """The record of one box, on these networks: `await ServiceRecord.open(…)`, then `update`, at the end `close`."""

    def __init__(self, box: BoxIdentity, port: int, zeroconf: AsyncZeroconf) -> None:
        self._box = box
        self._port = port
        self._zeroconf = zeroconf
        # Nobody else's, above all not the one that avahi owns: it would withdraw and rename the machine. Anew at each
        # start, so that two boxes made from one card do not take it from each other.
        self._server = f"trackside-{box.id[:8]}-{secrets.token_hex(2)}.local."
        self._name = f"{_label(box.name)}.{SERVICE_TYPE}"

    @classmethod
    async def open(cls, box: BoxIdentity, port: int, found: Sequence[Network], events: Sequence[str]) -> Self:
        """
        Announce the box; another of the same name keeps it, this one becomes "name-2".

        Raises:
            OSError: UDP port 5353 or the networks cannot be had.
        """
        interfaces, version = _interfaces(found)
        record = cls(box, port, AsyncZeroconf(interfaces=interfaces, ip_version=version))
        try:
            await record._register(found, events)
        except BaseException:
            await record.close()
            raise
        return record

    @property
    def name(self) -> str:
        """The name under which it is announced."""
        return self._name.removesuffix(f".{SERVICE_TYPE}")

    async def update(self, found: Sequence[Network], events: Sequence[str]) -> None:
        """Announce other addresses, on other networks, or other events."""
        interfaces, version = _interfaces(found)
        info = self._info(found, events)
        # First what is said, then where: a new network must not hear old addresses.
        self._zeroconf.zeroconf.registry.async_update(info)
        await self._zeroconf.async_update_interfaces(interfaces, version)
        await (await self._zeroconf.async_update_service(info))

    async def settle_name(self, found: Sequence[Network], events: Sequence[str]) -> None:
        """
        After two networks became one there may be two boxes of one name: one of both takes another.

        Nothing but the name decides which, so that both come to the same answer without talking.
        """
        others = self._others()
        if others and min(others) < self._server:
            # Without a good-bye, which would be the other box's too.
            self._zeroconf.zeroconf.registry.async_remove(self._info(found, events))
            await self._register(found, events)
        elif others:
            await self.update(found, events)

    async def close(self) -> None:
        """Say good-bye, so that it leaves every list at once."""
        await self._zeroconf.async_close()

    async def _register(self, found: Sequence[Network], events: Sequence[str]) -> None:
        self._name = f"{_label(self._box.name)}.{SERVICE_TYPE}"
        info = self._info(found, events)
        await self._hear_others()
        announced = await self._zeroconf.async_register_service(info, allow_name_change=True)
        self._name = info.name
        await announced

    async def _hear_others(self) -> None:
        """
        Who has which name already, asked so that everybody answers to everybody.

        The answer to the question that zeroconf asks goes to one program only of those that share the port, as an
        avahi-daemon on this machine does.
        """
        browser = AsyncServiceBrowser(
            self._zeroconf.zeroconf, SERVICE_TYPE, handlers=[_pass_over], question_type=DNSQuestionType.QM
        )
        await asyncio.sleep(HEAR_S)
        await browser.async_cancel()

    def _others(self) -> list[str]:
        """Machines that say they are the one with our name."""
        cache = self._zeroconf.zeroconf.cache
        records = cache.get_all_by_details(self._name, _TYPE_SRV, _CLASS_IN)
        heard = {str(getattr(record, "server", self._server)) for record in records}
        return sorted(heard - {self._server})

    def _info(self, found: Sequence[Network], events: Sequence[str]) -> ServiceInfo:
        properties = {
            "id": self._box.id,
            "v": self._box.version,
            "name": _cut(self._box.name, EVENTS_BYTES),
            "events": events_text(events),
            "tls": "0",
        }
        return ServiceInfo(
            SERVICE_TYPE,
            self._name,
            self._port,
            properties=properties,
            server=self._server,
            parsed_addresses=addresses_of(found),
        )


def events_text(names: Sequence[str]) -> str:
    """The names with commas between, as many as fit, none of them cut but a first that is too long."""
    told = ""
    for name in (name.replace(",", " ") for name in names):
        longer = f"{told},{name}" if told else _cut(name, EVENTS_BYTES)
        if len(longer.encode()) > EVENTS_BYTES:
            break
        told = longer
    return told


def _interfaces(found: Sequence[Network]) -> tuple[list[str | int], IPVersion]:
    """Where to speak and listen: the first IPv4 address of each network, and its number for IPv6."""
    ipv4 = [network.ipv4[0] for network in found if network.ipv4]
    ipv6 = [network.index for network in found if network.ipv6] if socket.has_ipv6 else []
    return [*ipv4, *ipv6], IPVersion.All if ipv6 else IPVersion.V4Only


def _pass_over(**_: object) -> None:
    """What is heard is kept by zeroconf itself."""


def _label(name: str) -> str:
    """The name as one part of a DNS name; a dot would make two of it."""
    return _cut(name.replace(".", " "), LABEL_BYTES).strip()


def _cut(text: str, size_bytes: int) -> str:
    return text.encode()[:size_bytes].decode(errors="ignore")
