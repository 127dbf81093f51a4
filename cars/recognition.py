"""
Recognising a paired car that shows a new host key: it still lets this box in, and its helper tells its serial.

Nothing is changed on it, and whether it is the one that is meant, its caller judges. Imports asyncssh: for a process of
its own (cars/car_worker.py).
"""

import asyncio
from pathlib import Path

from appliance import ssh
from cars.car_ssh import machine_of
from cars.enrol_wire import Enrolled, Recognise
from cars.on_car_api import OnCar
from cars.platforms import platform_of


async def recognise(order: Recognise) -> Enrolled:
    """
    Who answers there.

    Raises:
        NotReady: it cannot be reached, shows yet another key, or does not know this box any more.
    """
    key = await asyncio.to_thread(ssh.load_key, Path(order.data_dir))
    async with ssh.signed_in(machine_of(order.address, order.port, order.username), order.host_key, key=key) as open_:
        facts = await OnCar(open_, order.address).facts()
    platform = platform_of(
        os_version=facts.os_version, has_device_tree=facts.has_device_tree, core_version=facts.core_version
    )
    return Enrolled(
        serial=facts.serial or "",
        host_name=facts.host_name,
        platform=platform,
        username=order.username,
        host_key=order.host_key,
        core_version=facts.core_version,
        os_version=facts.os_version,
    )
