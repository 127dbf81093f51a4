"""
The calls of the root helper on a car (cars/on_car/trackside-car), typed, over a connection that is open.

Owns the way there and back; what a call means is written in the helper. Imports asyncssh: not for the server.
"""

import asyncio
import shlex
import time
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
import msgspec
from msgspec import Struct

from appliance.errors import NotReady
from appliance.ssh import FAR_ERRORS

HELPER_FILE = Path(__file__).parent / "on_car" / "trackside-car"
HELPER_PATH = "/usr/local/sbin/trackside-car"
CALL_S = 60.0
"""The helper waits up to 30 s for its turn, and gives ros2 15 s."""
REMEDY = {
    "no_answer": "Restart its software, then try again.",
    "ros_failed": "Restart its software, then try again.",
    "disk_full": "Delete models or logs on it, then try again.",
    "console_refused": "Push the model again, or restart its software.",
    "no_model": "Push it first.",
    "too_soon": "Wait half a minute, then try again.",
    "command_failed": "Try again; if it says the same, reboot it.",
    "busy": "Try again in a minute.",
    "unknown_verb": "Pair it again: its helper is of another version.",
    "not_undone": "Try again, or release it anyway.",
    "other_car": "Two cars show one host key, as copies of one image do. Flash one of them anew, then pair it again.",
}
PAIR_AGAIN = "Pair it again."
LOOK_AT_IT = "Look whether it goes down. If it does not, ask again."

T = TypeVar("T")


class HelperRefused(NotReady):
    """The helper answered no; `code` is its own word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, REMEDY.get(code, PAIR_AGAIN))
        self.code = code


class LineBroke(NotReady):
    """The connection ended before the answer: nobody knows whether the order came through."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The connection to {name} broke.", "Try again once it is there.")


class _Told(Struct, frozen=True):
    ok: bool
    code: str = ""
    message: str = ""


class Nothing(Struct, frozen=True):
    """It was done, and there is nothing to say about it."""


class CarFacts(Struct, frozen=True, kw_only=True):
    """Who and what a car is."""

    serial: str | None
    has_device_tree: bool
    """A board such as a Pi: PCs have none."""
    host_name: str
    host_keys: dict[str, str]
    macs: dict[str, str]
    core_version: str | None
    os_id: str | None
    os_version: str | None
    machine: str
    helper_version: int
    has_artifacts: bool
    has_avahi: bool
    has_timesyncd: bool
    has_ufw: bool
    enrolled: tuple[str, ...]
    now_ns: int


class Disk(Struct, frozen=True, kw_only=True):
    """Room on a car, and what takes it."""

    size_bytes: int
    free_bytes: int
    models_bytes: int
    logs_bytes: int


class Battery(Struct, frozen=True):
    """The drive battery: -1 unplugged or unreadable, 0 to 10, 11 above full."""

    level: int


class ClockSet(Struct, frozen=True, kw_only=True):
    """`before_ns` is what the car's clock said; `is_step` when it was more than half a second off."""

    before_ns: int
    is_step: bool
    is_kept: bool


class SetUp(Struct, frozen=True):
    """`state` is set, on, off, or none where the car has no such thing."""

    state: str


class Quieted(Struct, frozen=True):
    """
    What was put to rest now, as the car tells it afterwards.

    Of the interfaces in `wireless`, those `still_saving` power go on doing so, and those `untold` do not say.
    """

    masked: tuple[str, ...]
    wireless: tuple[str, ...]
    still_saving: tuple[str, ...]
    untold: tuple[str, ...]
    updates_off: tuple[str, ...]


class Undone(Struct, frozen=True):
    """What a release gave back."""

    undone: tuple[str, ...]
    problems: tuple[str, ...]


class Restarted(Struct, frozen=True):
    """The car's software as systemd sees it now."""

    is_stopped: bool
    state: str


class Deleted(Struct, frozen=True, kw_only=True):
    """The models that are gone now."""

    deleted: tuple[str, ...]
    free_bytes: int
    deleted_logs: int = 0


class OnCar:
    """One car's helper, called by the key that pairing left there."""

    def __init__(self, connection: asyncssh.SSHClientConnection, name: str, serial: str | None = None) -> None:
        """`serial`: another car does nothing of what is asked, and says so; None while that is what is asked."""
        self._connection = connection
        self._name = name
        self._only = () if serial is None else ("for", serial)

    @property
    def is_cut_off(self) -> bool:
        """Whether the connection has ended: nothing comes through any more."""
        return self._connection.is_closed()

    async def ask(self, verb: str, *arguments: str, timeout_s: float, breaks: bool = False) -> dict[str, Any]:
        """
        Any verb, its answer as it comes.

        Args:
            breaks: The car goes down by it. A connection that breaks before the answer says nothing: the order may
                have come through, or the Wi-Fi broke before it.
        """
        try:
            return await self._call(dict[str, Any], verb, *arguments, timeout_s=timeout_s)
        except LineBroke as error:
            if not breaks:
                raise
            raise NotReady(f"The line to {self._name} broke before it answered.", LOOK_AT_IT) from error

    async def facts(self) -> CarFacts:
        """Who and what it is."""
        return await self._call(CarFacts, "facts")

    async def disk(self) -> Disk:
        """Its room."""
        return await self._call(Disk, "disk")

    async def battery(self) -> Battery:
        """Its drive battery."""
        return await self._call(Battery, "battery")

    async def stop(self) -> None:
        """No more throttle."""
        await self._call(Nothing, "stop")

    async def light(self, red: int, green: int, blue: int) -> None:
        """Its tail light, 0 to 255 each."""
        await self._call(Nothing, "light", str(red), str(green), str(blue))

    async def restart_core(self) -> Restarted:
        """Its software anew; stops first."""
        return await self._call(Restarted, "restart-core", timeout_s=150.0)

    async def delete(self, *folders: str) -> Deleted:
        """These models."""
        return await self._call(Deleted, "delete", *folders)

    async def delete_all(self, *, with_logs: bool) -> Deleted:
        """Every model but the samples."""
        return await self._call(Deleted, "delete-all", *(["--logs"] if with_logs else []))

    async def set_time(self) -> ClockSet:
        """The box's time, as it is when the question is sent."""
        return await self._call(ClockSet, "set-time", str(time.time_ns()))

    async def setup_firewall(self, subnet: str) -> SetUp:
        """Port 22 open to this network."""
        return await self._call(SetUp, "setup-firewall", subnet)

    async def setup_ssh(self) -> SetUp:
        """SSH is there after its next start too."""
        return await self._call(SetUp, "setup-ssh")

    async def setup_time(self) -> SetUp:
        """It asks the box for no time any more, as older pairings had it do: no box has answered."""
        return await self._call(SetUp, "setup-time")

    async def setup_quiet(self) -> Quieted:
        """No sleep, no Wi-Fi power save, no updates."""
        return await self._call(Quieted, "setup-quiet")

    async def setup_avahi(self) -> SetUp:
        """It announces itself."""
        return await self._call(SetUp, "setup-avahi")

    async def release(self, *, is_forced: bool) -> Undone:
        """Everything undone, and the helper gone."""
        return await self._call(Undone, "release", *(["--anyway"] if is_forced else []))

    async def _call(self, kind: type[T], verb: str, *arguments: str, timeout_s: float = CALL_S) -> T:
        command = shlex.join(["sudo", "-n", HELPER_PATH, *self._only, verb, *arguments])
        try:
            async with asyncio.timeout(timeout_s):
                done = await self._connection.run(command)
        except TimeoutError as error:
            raise NotReady(f"{self._name} did not answer in time.", "Look whether it is on, then try again.") from error
        except FAR_ERRORS as error:
            raise LineBroke(self._name) from error
        line = str(done.stdout or "").strip().rpartition("\n")[2]
        if not line and self._connection.is_closed():
            raise LineBroke(self._name)
        try:
            told = msgspec.json.decode(line, type=_Told)
            if told.ok:
                return msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError as error:
            why = str(done.stderr or "").strip().rpartition("\n")[2][:200] or line[:200] or "no answer"
            raise NotReady(f"{self._name} has no helper that answers: {why}.", PAIR_AGAIN) from error
        raise HelperRefused(told.code, told.message)
