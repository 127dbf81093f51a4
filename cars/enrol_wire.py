"""
What server and pairing process say to each other: one order in, a line of JSON for every step out. Pure.

The process knows nothing of the box's tables: an order carries all it needs. Passwords travel on a pipe and end there.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec
from msgspec import Struct

from cars.car_structs import Platform


class Step(StrEnum):
    """What is done to a car that is paired, in this order."""

    CONSOLE = "console"
    SSH = "ssh"
    HOST_KEY = "host_key"
    PASSWORD = "password"  # noqa: S105  the name of a step
    KEY = "key"
    HELPER = "helper"
    IDENTITY = "identity"
    FIREWALL = "firewall"
    KEEP_SSH = "keep_ssh"
    TIME = "time"
    QUIET = "quiet"
    ANNOUNCE = "announce"
    RECORD = "record"


STEP_NAMES = {
    Step.CONSOLE: "Sign in to its console",
    Step.SSH: "Switch SSH on",
    Step.HOST_KEY: "Remember its host key",
    Step.PASSWORD: "Sign in",
    Step.KEY: "Leave this box's key",
    Step.HELPER: "Install the helper",
    Step.IDENTITY: "Ask who it is",
    Step.FIREWALL: "Open its firewall for us",
    Step.KEEP_SSH: "Keep SSH on",
    Step.TIME: "Set its clock",
    Step.QUIET: "Keep it awake",
    Step.ANNOUNCE: "Let it announce itself",
    Step.RECORD: "Write it down",
}


class StepState(StrEnum):
    """How far a step is."""

    DOING = "doing"
    DONE = "done"
    LEFT = "left"
    """Not needed on this car, or not possible; `text` says which."""
    FAILED = "failed"


class Went(Struct, frozen=True, kw_only=True, tag="went"):
    """A step began or ended; `text` is a sentence for the crew."""

    step: Step
    state: StepState
    text: str = ""


class Enrolled(Struct, frozen=True, kw_only=True, tag="enrolled"):
    """This is the car: every step is done, or it was recognised."""

    serial: str
    host_name: str
    platform: Platform
    username: str
    host_key: str
    core_version: str | None
    os_version: str | None


class Released(Struct, frozen=True, kw_only=True, tag="released"):
    """What was changed on the car is undone, in these words; `problems` are what could not be."""

    undone: tuple[str, ...]
    problems: tuple[str, ...] = ()


class Failed(Struct, frozen=True, kw_only=True, tag="failed"):
    """It ended here; `field` names what was typed wrong."""

    message: str
    remedy: str
    field: str | None = None


class Enrol(Struct, frozen=True, kw_only=True, tag="enrol"):
    """
    Pair the car at `address`.

    `console_password` is the one on its sticker, "" without; `password` that of its Linux user as it is now, "" for
    what it most likely is; `new_password` what a default one becomes, "" for the sticker's. `subnet` is the network
    that the box and the car share.
    """

    address: str
    port: int
    console_port: int
    username: str
    console_password: str
    password: str
    new_password: str
    subnet: str
    data_dir: str


class Recognise(Struct, frozen=True, kw_only=True, tag="recognise"):
    """Ask who answers there with this new host key; nothing is changed. Answered by `Enrolled`."""

    address: str
    port: int
    username: str
    host_key: str
    data_dir: str


class Release(Struct, frozen=True, kw_only=True, tag="release"):
    """Undo it all on the car of this `serial`. `is_forced`: also what cannot be undone is let go."""

    serial: str
    address: str
    port: int
    username: str
    host_key: str
    is_forced: bool
    data_dir: str


Order: TypeAlias = Enrol | Recognise | Release
News: TypeAlias = Went | Enrolled | Released | Failed
ORDER = msgspec.json.Decoder(Order)
NEWS = msgspec.json.Decoder(News)


def line_of(message: Order | News) -> bytes:
    """As it goes over the pipe."""
    return msgspec.json.encode(message) + b"\n"
