"""The box's addresses on its networks, as phones may type them. Linux only; asks the kernel, never the network."""

import fcntl
import socket
import struct

SIOCGIFADDR = 0x8915
"""netdevice(7): the IPv4 address of an interface."""
VIRTUAL = ("docker", "br-", "veth", "virbr", "lxc", "cni")
"""Bridges of containers: no phone is there."""


def local_addresses() -> list[str]:
    """IPv4 addresses, Wi-Fi and cable first, containers' bridges last; without loopback."""
    found = [(name.startswith(VIRTUAL), name, address) for name in _interfaces() if (address := _address(name))]
    return [address for _, _, address in sorted(found) if not address.startswith("127.")]


def page_addresses(host: str, port: int) -> list[str]:
    """Where the pages are, the best address for a phone first; http://localhost:PORT when only this machine can."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104  compared, not bound
        hosts = [*local_addresses(), "localhost"]
    else:
        hosts = [f"[{host}]" if ":" in host else host]
    suffix = "" if port == 80 else f":{port}"
    return [f"http://{one}{suffix}" for one in hosts]


def _interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def _address(interface: str) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return None  # It has no IPv4 address.
    return socket.inet_ntoa(answer[20:24])
