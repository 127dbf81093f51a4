"""
Multicast on the box's networks: asking everybody, and hearing what machines announce by themselves.

Speaks from ports of its own, and listens beside avahi and zeroconf at 5353 for multicast only, so that no answer meant
for them is taken away. Event loop only.
"""

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

from cars.finder.addresses import CarNetwork
from cars.finder.mdns import Heard, heard

GROUP, PORT = "224.0.0.251", 5353
TTL = 255
"""RFC 6762, 11."""
ASKED_AT_S = (0.0, 0.6, 1.8)
"""Multicast in the air is sent once and slowly, and nobody says that it was lost: everything is asked three times."""
ANSWERS_S = 1.2
"""After the last question: an answer may take 0.5 s, a car's processor is busy."""
PACE_S = 0.01
"""Between two packets: an access point's queue for multicast is short."""
IP_MULTICAST_ALL = 49
"""ip(7): take only what was sent to a group on an interface that this socket itself joined."""

log = logging.getLogger("trackside.finder")

OnHeard = Callable[[Heard], None]


class _Hearing(asyncio.DatagramProtocol):
    def __init__(self, on_heard: OnHeard) -> None:
        self._on_heard = on_heard

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Anybody may send anything: what is not understood is no answer."""
        for one in heard(data, str(addr[0])):
            self._on_heard(one)

    def error_received(self, exc: Exception) -> None:
        """A network that went away; the next look knows."""
        log.debug("multicast_error error=%r", exc)


async def ask(network: CarNetwork, packets: Sequence[bytes], on_heard: OnHeard) -> None:
    """
    Send all packets, three times over, and hear the answers.

    Raises:
        OSError: the network is gone.
    """
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        asking.setblocking(False)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(network.address))
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, TTL)
        asking.bind((network.address, 0))
    except BaseException:
        asking.close()
        raise
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Hearing(on_heard), sock=asking)
    try:
        before_s = 0.0
        for at_s in ASKED_AT_S:
            await asyncio.sleep(at_s - before_s)
            before_s = at_s
            for packet in packets:
                transport.sendto(packet, (GROUP, PORT))
                await asyncio.sleep(PACE_S)
        await asyncio.sleep(ANSWERS_S)
    finally:
        transport.close()


class Ear:
    """Hears announcements on all networks given to `listen`, until `close`."""

    def __init__(self, on_heard: OnHeard) -> None:
        self._on_heard = on_heard
        self._transport: asyncio.DatagramTransport | None = None
        self._networks: tuple[CarNetwork, ...] = ()

    async def listen(self, networks: tuple[CarNetwork, ...]) -> None:
        """
        From now on on these networks; nothing to do when they are the same as before.

        Raises:
            OSError: port 5353 or a network cannot be had.
        """
        if self._transport is not None and networks == self._networks:
            return
        self.close()
        if networks:
            loop = asyncio.get_running_loop()
            hearing = _joined(networks)
            self._transport, _ = await loop.create_datagram_endpoint(lambda: _Hearing(self._on_heard), sock=hearing)
        self._networks = networks

    def close(self) -> None:
        """Hear nothing more."""
        if self._transport is not None:
            self._transport.close()
        self._transport = None


def _joined(networks: tuple[CarNetwork, ...]) -> socket.socket:
    hearing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        hearing.setblocking(False)
        hearing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            hearing.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        # Bound to the group: what is sent to this machine alone goes to avahi or zeroconf, whose question it answers.
        hearing.bind((GROUP, PORT))
        for network in networks:
            member = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(network.address))
            hearing.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except BaseException:
        hearing.close()
        raise
    return hearing
