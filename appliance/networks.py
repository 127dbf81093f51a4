"""The networks the box is on, as the kernel has them now. Never asks the network itself."""

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import ifaddr

from appliance.addresses import VIRTUAL

SIOCGIFFLAGS = 0x8913
"""netdevice(7): the flags of an interface."""
IFF_LOOPBACK, IFF_POINTOPOINT, IFF_RUNNING, IFF_MULTICAST = 0x8, 0x10, 0x40, 0x1000
EVERYWHERE = ("0.0.0.0", "")  # noqa: S104  compared, not bound
EVERYWHERE_6 = "::"


@dataclass(frozen=True, slots=True)
class Network:
    """One interface on which people may be. `index` is the kernel's number; `is_linked` is false without a cable."""

    name: str
    index: int
    is_linked: bool
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    """Without scope; link-local ones mean something on this interface only."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them, as they are best tried."""
        return (*self.ipv4, *sorted(self.ipv6, key=lambda one: ipaddress.ip_address(one).is_link_local))


def networks(host: str) -> tuple[Network, ...]:
    """
    Those on which a server that listens on `host` can be reached: not this machine's own, containers' or tunnels'.

    Args:
        host: As the setting: an address of this machine, 0.0.0.0 for all IPv4, :: for all of both kinds.
    """
    found = []
    for adapter in ifaddr.get_adapters():
        flags = _flags(adapter.name)
        if adapter.index is None or not _has_people(adapter.name, flags):
            continue
        ipv4 = tuple(sorted(str(ip.ip) for ip in adapter.ips if ip.is_IPv4 and _listens(host, str(ip.ip))))
        ipv6 = tuple(sorted(ip.ip[0] for ip in adapter.ips if ip.is_IPv6 and _listens(host, ip.ip[0])))
        if ipv4 or ipv6:
            found.append(Network(adapter.name, adapter.index, bool(flags & IFF_RUNNING), ipv4, ipv6))
    return tuple(sorted(found, key=lambda network: network.index))


def addresses_of(found: Sequence[Network]) -> list[str]:
    """Every address once, IPv4 first."""
    every = dict.fromkeys(address for network in found for address in network.addresses)
    return sorted(every, key=lambda address: ":" in address)


def _has_people(name: str, flags: int) -> bool:
    wanted = flags & IFF_MULTICAST and not flags & (IFF_LOOPBACK | IFF_POINTOPOINT)
    return bool(wanted) and not name.startswith(VIRTUAL)


def _listens(host: str, address: str) -> bool:
    if host in EVERYWHERE:
        return ":" not in address
    return host in (EVERYWHERE_6, address)


def _flags(name: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), SIOCGIFFLAGS, struct.pack("256s", name.encode()[:15]))
        except OSError:
            return 0  # It is gone again.
    return int(struct.unpack_from("H", answer, 16)[0])
