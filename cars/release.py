"""
Releasing a car: everything that pairing changed on it is given back, then our key goes.

Models stay, and so does the password. Imports asyncssh: for a process of its own (cars/car_worker.py).
"""

import asyncio
from pathlib import Path

from appliance import ssh
from cars.car_ssh import machine_of
from cars.enrol_steps.trusting import remove_key
from cars.enrol_wire import Release, Released
from cars.on_car_api import HELPER_PATH, OnCar


async def release(order: Release) -> Released:
    """
    Give it back. May be done again: a car whose helper is gone already only loses the key.

    Raises:
        NotReady: it cannot be reached, or something cannot be undone and `is_forced` is not set.
    """
    key = await asyncio.to_thread(ssh.load_key, Path(order.data_dir))
    async with ssh.signed_in(machine_of(order.address, order.port, order.username), order.host_key, key=key) as open_:
        undone: tuple[str, ...] = ()
        problems: tuple[str, ...] = ()
        if (await open_.run(f"test -x {HELPER_PATH}")).exit_status == 0:
            told = await OnCar(open_, order.address, order.serial).release(is_forced=order.is_forced)
            undone, problems = told.undone, told.problems
        await remove_key(open_, key)
    return Released(undone=undone, problems=problems)
