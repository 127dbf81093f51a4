"""
Pairing a car, offline, from the password on its sticker: every step told as it begins and ends.

Each step may be done again; one that fails ends the pairing, and what was done stays until it is tried again or the car
is released. Nothing is kept here. Imports asyncssh and httpx: for a process of its own (cars/car_worker.py).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncssh

from appliance import ssh
from appliance.errors import ApplianceError, Conflict
from appliance.host_keys import fingerprint
from cars.car_ssh import machine_of
from cars.car_structs import Platform
from cars.console import Console, NoConsole
from cars.enrol_steps import reaching, rooting, trusting
from cars.enrol_wire import Enrol, Enrolled, Step, StepState, Went
from cars.on_car_api import CarFacts, OnCar, Quieted
from cars.platforms import platform_of
from cars.serials import serial_of

Tell = Callable[[Went], None]


async def enrol(order: Enrol, tell: Tell) -> Enrolled:
    """
    Pair the car.

    Raises:
        ApplianceError: a step failed; it has been told which.
    """
    return await _Enrolment(order, tell).run()


class _Enrolment:
    """One of them, and what its steps found out."""

    def __init__(self, order: Enrol, tell: Tell) -> None:
        self._order = order
        self._tell = tell
        self._machine = machine_of(order.address, order.port, order.username)
        self._pin = ""
        self._platform = Platform.UNKNOWN

    async def run(self) -> Enrolled:
        async with contextlib.AsyncExitStack() as stack:
            console = await self._console(stack)
            await self._ssh_on(console)
            await self._host_key()
            password = await self._password(console)
            key = await asyncio.to_thread(ssh.load_key, Path(self._order.data_dir))
            await self._first_visit(password, key)
            connection = await stack.enter_async_context(ssh.signed_in(self._machine, self._pin, key=key))
            return await self._as_root(OnCar(connection, self._order.address))

    async def _console(self, stack: contextlib.AsyncExitStack) -> Console | None:
        order = self._order
        async with self._step(Step.CONSOLE) as done:
            if not order.console_password:
                done("No sticker password was typed: it is left alone.", StepState.LEFT)
                return None
            opening = reaching.console_of(order.address, order.console_port, order.console_password)
            try:
                console = await stack.enter_async_context(opening)
            except NoConsole:
                if await reaching.banner_of(order.address, order.port) is None:
                    raise
                done("It has none that answers; SSH does.", StepState.LEFT)
                return None
            done("Signed in. On a stock car this ended whatever other login there was.")
            return console

    async def _ssh_on(self, console: Console | None) -> None:
        order = self._order
        async with self._step(Step.SSH) as done:
            banner = await reaching.banner_of(order.address, order.port)
            reaching.refuse_old(banner)
            if banner is not None:
                return done("It is on.")
            is_said_on = console is not None and await console.is_ssh_on()
            if console is not None and not is_said_on:
                await console.switch_ssh_on()
            await reaching.wait_for_ssh(order.address, order.port, is_said_on=is_said_on)
            return done("Switched on.")

    async def _host_key(self) -> None:
        async with self._step(Step.HOST_KEY) as done:
            self._pin = await ssh.host_key_of(self._machine)
            done(f"{fingerprint(self._pin)}. From now on it must show this one.")

    async def _password(self, console: Console | None) -> str:
        order = self._order
        async with self._step(Step.PASSWORD) as done:
            password = await reaching.own_password(
                console, order.username, order.password, order.console_password, order.new_password
            )
            changed = await reaching.cure_expired(
                self._machine, self._pin, password, order.new_password, order.console_password
            )
            done("Signed in." if changed is None else "The factory's had expired: it has the new one now.")
            return changed or password

    async def _first_visit(self, password: str, key: asyncssh.SSHKey) -> None:
        """With the password: leave our key, then the helper. This connection stays until the key is proven."""
        async with ssh.signed_in(self._machine, self._pin, password=password) as connection:
            async with self._step(Step.KEY) as done:
                await trusting.leave_key(connection, self._machine, self._pin, key, self._order.subnet)
                done(f"It lets this box in, from {self._order.subnet} only, and for commands only.")
            async with self._step(Step.HELPER) as done:
                await rooting.install_helper(connection, self._order.username, password)
                done("The one program that this box may run as root there.")

    async def _as_root(self, car: OnCar) -> Enrolled:
        facts = await self._identity(car)
        order = self._order
        async with self._step(Step.FIREWALL) as done:
            state = (await car.setup_firewall(order.subnet)).state
            words = {"on": f"On, and open for {order.subnet}.", "off": "It was off, and is left so."}
            done(words.get(state, "It has none."), StepState.DONE if state == "on" else StepState.LEFT)
        async with self._step(Step.KEEP_SSH) as done:
            was_off = (await car.setup_ssh()).state == "set"
            done("It starts with the car from now on." if was_off else "It starts with the car.")
        async with self._step(Step.TIME) as done:
            is_step = (await car.set_time()).is_step
            await car.setup_time()
            done(f"{'Set' if is_step else 'It was right'}; from now on this box sets it whenever the car comes back.")
        async with self._step(Step.QUIET) as done:
            done(*_quiet_in_words(await car.setup_quiet()))
        async with self._step(Step.ANNOUNCE) as done:
            state = (await car.setup_avahi()).state
            if state == "set":
                done("Over mDNS, with its serial.")
            else:
                done("It has no avahi: it is found by its address.", StepState.LEFT)
        return Enrolled(
            serial=facts.serial or "",
            host_name=facts.host_name,
            platform=self._platform,
            username=order.username,
            host_key=self._pin,
            core_version=facts.core_version,
            os_version=facts.os_version,
        )

    async def _identity(self, car: OnCar) -> CarFacts:
        async with self._step(Step.IDENTITY) as done:
            facts = await car.facts()
            self._platform = platform_of(
                os_version=facts.os_version, has_device_tree=facts.has_device_tree, core_version=facts.core_version
            )
            if facts.serial is None or serial_of(facts.serial) is None:
                raise Conflict(
                    "This car's board has no serial, so it could not be told from others.",
                    "Give it one in its firmware, then pair it again.",
                )
            if not facts.has_artifacts:
                raise Conflict(
                    "This machine has no place for models: no DeepRacer software is on it.",
                    "Install aws-deepracer-core there, then pair it again.",
                )
            done(f"{facts.serial}, Ubuntu {facts.os_version or '?'}, core {facts.core_version or '?'}.")
            return facts

    @contextlib.asynccontextmanager
    async def _step(self, step: Step) -> AsyncIterator[Callable[..., None]]:
        """Tell its beginning and its end; a failure is told with the reason."""
        self._tell(Went(step=step, state=StepState.DOING))

        def done(text: str, state: StepState = StepState.DONE) -> None:
            self._tell(Went(step=step, state=state, text=text))

        try:
            yield done
        except ApplianceError as error:
            self._tell(Went(step=step, state=StepState.FAILED, text=str(error)))
            raise


def _quiet_in_words(quieted: Quieted) -> tuple[str, StepState]:
    """Wi-Fi power saving is off only where the car says so afterwards."""
    rest = "No sleep, no search for updates."
    if quieted.still_saving:
        at = ", ".join(quieted.still_saving)
        return f"{rest} Wi-Fi power saving stays on ({at}): a stop may come late.", StepState.LEFT
    if quieted.untold:
        at = ", ".join(quieted.untold)
        return f"{rest} Whether its Wi-Fi ({at}) saves power, it does not say.", StepState.LEFT
    if not quieted.wireless:
        return f"{rest} It has no Wi-Fi that could save power.", StepState.DONE
    return "No sleep, no Wi-Fi power saving, no search for updates.", StepState.DONE
