"""Where cars can be: the addresses that are asked, and those that mean nothing. Pure."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.errors import InvalidInput

OTG = frozenset({"10.0.0.1", "10.0.1.1"})
"""Every car has these on its USB socket, so that they tell none apart (reference/car.md, mDNS)."""
WIDEST_PREFIX = 22
"""1,022 addresses, 24 packets; of a wider network only the 256 around the box are asked."""
NARROWEST_PREFIX = 29
"""A network of two machines is a cable, such as a car's USB socket makes."""
DEFAULT_PORT = 22


@dataclass(frozen=True, slots=True)
class CarNetwork:
    """A network that the box is on: its interface's name, the box's IPv4 address there and the length of the prefix."""

    name: str
    address: str
    prefix: int


def is_findable(address: str) -> bool:
    """Whether a car can be told by this address: IPv4, of one machine, and not the same on every car."""
    try:
        ip = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    usual = not (ip.is_loopback or ip.is_multicast or ip.is_unspecified or ip == ipaddress.IPv4Address(2**32 - 1))
    return usual and address not in OTG


def addresses_in(network: CarNetwork) -> list[str]:
    """Every address that is asked in a private network, without the box's own; none in others, which are strangers'."""
    own = ipaddress.IPv4Address(network.address)
    if not own.is_private or network.prefix > NARROWEST_PREFIX:
        return []
    prefix = network.prefix if network.prefix >= WIDEST_PREFIX else 24
    hosts = ipaddress.IPv4Network((own, prefix), strict=False).hosts()
    return [str(host) for host in hosts if host != own and is_findable(str(host))]


def near_in(network: CarNetwork) -> list[str]:
    """The at most 253 of them that share the box's first three numbers: as many as are worth a knock each."""
    first = network.address.rpartition(".")[0]
    return [address for address in addresses_in(network) if address.rpartition(".")[0] == first]


def is_inside(address: str, networks: tuple[CarNetwork, ...]) -> bool:
    """Whether the box is in the network of this address, so that it need not be asked for elsewhere."""
    ip = ipaddress.IPv4Address(address)
    return any(ip in ipaddress.IPv4Network((one.address, one.prefix), strict=False) for one in networks)


def reverse_name(address: str) -> str:
    """The DNS name under which an address has its host name (RFC 1035, 3.5)."""
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa."


def address_of_reverse(name: str) -> str | None:
    """The address of such a name; None for another kind of name."""
    numbers, dot, rest = name.lower().rstrip(".").partition(".in-addr.arpa")
    address = ".".join(reversed(numbers.split(".")))
    return address if dot and not rest and is_findable(address) else None


def in_packets(names: list[str], size: int) -> Iterator[list[str]]:
    """`size` names at a time."""
    for start in range(0, len(names), size):
        yield names[start : start + size]


def typed_place(text: str) -> tuple[str, int]:
    """
    What somebody typed, as address and SSH port: 192.168.1.20 or 192.168.1.20:2222.

    Raises:
        InvalidInput: it is no address of a car.
    """
    address, colon, port = text.strip().removeprefix("https://").rstrip("/").partition(":")
    if address in OTG:
        raise InvalidInput(
            f"{address} is the same on every car: it is its USB socket.",
            "Type the address that the car has in the network, as its own page shows it.",
            field="address",
        )
    if not is_findable(address) or (colon and not (port.isdecimal() and len(port) < 6 and 1 <= int(port) <= 65_535)):
        raise InvalidInput(
            f"{text.strip() or 'Nothing'} is no address of a car.", "For example: 192.168.1.20", field="address"
        )
    return address, int(port) if colon else DEFAULT_PORT
