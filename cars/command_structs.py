"""What the crew tells cars, and what became of it, as it crosses HTTP and SQL. Pure."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from cars.lights import Light

FolderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
"""A model's folder on a car, as the helper there takes it."""


class Verb(StrEnum):
    """What a car can be told."""

    STOP = "stop"
    """No more throttle. Not an emergency stop: it depends on the Wi-Fi."""
    START_DRIVING = "start_driving"
    LOAD_MODEL = "load_model"
    LIGHT = "light"
    RESTART_CORE = "restart_core"
    DELETE_MODELS = "delete_models"
    BATTERY = "battery"
    DISK = "disk"
    VERSIONS = "versions"
    SET_TIME = "set_time"
    REBOOT = "reboot"
    POWER_OFF = "power_off"


class CommandState(StrEnum):
    """How far a command is on one car."""

    ASKED = "asked"
    DONE = "done"
    """The car said so."""
    FAILED = "failed"
    """The car said no, or said nothing in time; `answer` and `remedy` say which."""


class NewCommand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    A command for some cars: those named, and those of the fleet.

    `command_id` is made by the client: the same one again answers as the first time, and nothing is done twice.
    `light` belongs to `light`, `folder` to `load_model`; `folders` and `logs` to `delete_models`: these models, or
    without `folders` all but the samples, and the logs where wanted. `max_speed` belongs to `start_driving`, which is
    for one car at a time: per cent of what its model asks for.
    """

    verb: Verb
    command_id: Annotated[str, Meta(min_length=8, max_length=64)] | None = None
    car_ids: Annotated[list[str], Meta(max_length=100)] = []
    fleet_id: str | None = None
    light: Light | None = None
    folder: FolderName | None = None
    folders: Annotated[list[FolderName], Meta(max_length=200)] | None = None
    logs: bool = False
    max_speed: Annotated[int, Meta(ge=1, le=100)] | None = None


class CommandView(Struct, frozen=True, kw_only=True):
    """
    One command on one car.

    `answer` is what the car answered, in a sentence for people; None while it is asked. `took_ms` is from the asking
    to the answer.
    """

    command_id: str
    car_id: str
    verb: Verb
    words: str
    """What was asked, for people: "Light red"."""
    actor: str
    asked_at: str
    state: CommandState
    answer: str | None = None
    remedy: str | None = None
    took_ms: int | None = None
