"""
Which addresses this machine has given out, when it is the access point: the best list of cars there is.

Reads the files of dnsmasq (NetworkManager's hot spot too), systemd-networkd and ISC dhcpd where they can be read; what
cannot be read or understood is passed over. Changes nothing.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cars.finder.addresses import is_findable

MAX_BYTES = 1_000_000
"""A thousand leases are 100 kB; a file that is larger is none of a track's."""


@dataclass(frozen=True, slots=True)
class Lease:
    """An address that was given, and the name its machine asked under, None when it gave none."""

    address: str
    host_name: str | None


def dnsmasq(text: str) -> list[Lease]:
    """Lines of "expiry MAC address name client-id"; NetworkManager runs dnsmasq too."""
    found = (line.split() for line in text.splitlines())
    return _kept(Lease(words[2], words[3]) for words in found if len(words) >= 4)


def networkd(text: str) -> list[Lease]:
    """The DHCP server of systemd-networkd, JSON from version 257 on."""
    try:
        rows = json.loads(text)["Leases"]
        return _kept(Lease(".".join(map(str, row["Address"])), row.get("Hostname")) for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def isc(text: str) -> list[Lease]:
    """ISC dhcpd writes a lease again at each change: the last word counts."""
    last: dict[str, Lease | None] = {}
    for address, body in re.findall(r"^lease ([\d.]+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        name = re.search(r'client-hostname "([^"]*)"', body)
        is_active = re.search(r"^\s*binding state active;", body, re.MULTILINE)
        last[address] = Lease(address, name[1] if name else None) if is_active else None
    return _kept(lease for lease in last.values() if lease is not None)


FILES: tuple[tuple[str, Callable[[str], list[Lease]]], ...] = (
    ("var/lib/misc/dnsmasq.leases", dnsmasq),
    ("var/lib/dnsmasq/dnsmasq.leases", dnsmasq),
    ("var/lib/NetworkManager/dnsmasq-*.leases", dnsmasq),
    ("var/lib/systemd/network/dhcp-server-lease/*", networkd),
    ("run/systemd/netif/dhcp-server-lease/*", networkd),
    ("var/lib/dhcp/dhcpd.leases", isc),
)
"""Below the root of the file system; Debian's places."""


def read_leases(root: Path = Path("/")) -> list[Lease]:
    """Every lease that this machine knows of, each address once. Blocks: for a thread."""
    found: dict[str, Lease] = {}
    for pattern, parse in FILES:
        for path in sorted(root.glob(pattern)):
            try:
                with path.open(errors="replace") as file:
                    text = file.read(MAX_BYTES)
            except OSError:
                continue
            for lease in parse(text):
                found[lease.address] = lease
    return list(found.values())


def _kept(leases: Iterable[Lease]) -> list[Lease]:
    return [
        Lease(lease.address, lease.host_name if isinstance(lease.host_name, str) and lease.host_name != "*" else None)
        for lease in leases
        if is_findable(lease.address)
    ]
