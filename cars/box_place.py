"""Where this box is, as a machine at some address sees it. Asks the kernel, sends nothing; for a thread."""

import ipaddress
import socket

import ifaddr

from appliance.errors import NotReady


def network_towards(address: str) -> str:
    """
    The network that the box has on the way to `address` ("192.168.1.0/24").

    Raises:
        NotReady: no network leads there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((address, 9))  # UDP: only the route is looked up.
        except OSError as error:
            raise NotReady(
                f"This box is in no network with {address}.", "Join the car and the box to the same network."
            ) from error
        ours = str(asked.getsockname()[0])
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if ip.is_IPv4 and ip.ip == ours:
                return str(ipaddress.ip_network(f"{ours}/{ip.network_prefix}", strict=False))
    return f"{ours}/32"
