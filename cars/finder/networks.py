"""The networks where cars may be: those with people on them that have an IPv4 address now. Asks the kernel only."""

import ifaddr

from appliance.networks import networks
from cars.finder.addresses import CarNetwork


def car_networks() -> tuple[CarNetwork, ...]:
    """Each IPv4 address of the box with the length of its prefix; without containers, tunnels and pulled cables."""
    linked = {network.name for network in networks("0.0.0.0") if network.is_linked}  # noqa: S104  all of them
    found = {
        CarNetwork(adapter.name, str(ip.ip), ip.network_prefix)
        for adapter in ifaddr.get_adapters()
        if adapter.name in linked
        for ip in adapter.ips
        if ip.is_IPv4
    }
    return tuple(sorted(found, key=lambda network: (network.name, network.address)))
