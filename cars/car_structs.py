"""A car as it crosses HTTP, SQL and processes. Pure."""

from enum import StrEnum

from msgspec import Struct


class Platform(StrEnum):
    """What a car runs, as far as our way with it differs (reference: the platforms table of the car notes)."""

    STOCK_16 = "stock_16"
    """Ubuntu 16.04, ROS 1: refused."""
    STOCK_20 = "stock_20"
    COMMUNITY_20 = "community_20"
    COMMUNITY_24 = "community_24"
    PI = "pi"
    UNKNOWN = "unknown"


class Way(StrEnum):
    """How something in the network was noticed."""

    SERVICE = "service"
    """It announces a service over mDNS."""
    NAME = "name"
    """It answered the multicast question who has this address."""
    LEASE = "lease"
    """The box gave it its address."""
    PROBE = "probe"
    """It answers at port 22 or 443."""
    TYPED = "typed"
    """Somebody typed its address."""


class Sighting(Struct, frozen=True, kw_only=True):
    """
    Something that may be a car, at an address, now.

    `host_key` is what its SSH server proves to have, as "ssh-ed25519 AAAA…", None while it has none; `serial` only
    where it says so itself (its own service, or a host name amss-xxxx), which proves nothing.
    """

    address: str
    port: int
    host_name: str | None
    serial: str | None
    host_key: str | None
    has_ssh: bool
    has_console: bool
    ways: tuple[Way, ...]
    seen_at: str


class Car(Struct, frozen=True, kw_only=True):
    """
    One car for ever, whatever its name and address do.

    `serial` is the chassis serial, upper case; `host_key` the pinned one. `address` is where it was last reached.
    `light` is a name of cars/lights.py. `is_online` is a TCP connection's word, never a cache's.
    """

    car_id: str
    serial: str
    name: str
    platform: Platform
    username: str
    host_key: str
    address: str
    port: int
    fleet_id: str | None
    light: str | None
    core_version: str | None
    os_version: str | None
    enrolled_at: str
    released_at: str | None
    last_seen_at: str | None
    is_online: bool
