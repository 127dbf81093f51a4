"""
The cars as the box tells of them (docs/api.md): the fields that the terminal shows. Pure; no behaviour.

What a newer box adds is passed over; states that it invents are shown as it calls them.
"""

from typing import Literal

from msgspec import Struct

LIGHTS = ("blue", "red", "marigold", "orchid_purple", "sky_blue", "green", "violet", "lime", "white")
"""As the box takes them; white is for a car that is stopped."""
ASKED, DONE = "asked", "done"


class Reading(Struct, frozen=True, kw_only=True):
    """What a car told of itself last, each with when; None while it told nothing."""

    battery_level: int | None = None
    battery_at: str | None = None
    free_bytes: int | None = None
    models: int | None = None
    disk_at: str | None = None
    clock_set_at: str | None = None


class Sending(Struct, frozen=True, kw_only=True):
    """The model on its way to a car; `behind` it others wait for their turn."""

    model_name: str
    state: str
    percent: int
    behind: int
    reason: str | None = None
    remedy: str | None = None


class CarNow(Struct, frozen=True, kw_only=True):
    """A car at this moment; `notes` is what needs a hand in a few words each, `warning` the same as sentences."""

    car_id: str
    name: str
    is_online: bool
    last_seen_at: str | None
    state: str
    place: str
    fleet_id: str | None
    fleet: str | None
    light: str | None
    notes: list[str]
    warning: str | None
    reading: Reading
    sending: Sending | None


class TrackFleet(Struct, frozen=True, kw_only=True):
    """A track of the event; without a fleet all cars are its own."""

    track_id: str
    name: str
    fleet_id: str | None


class CarList(Struct, frozen=True, kw_only=True):
    """All cars by name; `at` is the box's time of day."""

    at: str
    cars: list[CarNow]
    tracks: list[TrackFleet]


class CarModel(Struct, frozen=True, kw_only=True):
    """A model's folder on a car."""

    folder: str


class CarModels(Struct, frozen=True, kw_only=True):
    """What a car's disk holds."""

    models: list[CarModel]
    free_bytes: int


class ModelName(Struct, frozen=True, kw_only=True):
    """A model of the box, by what it is called."""

    name: str


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What cars are to be told; a `command_id` of our own, so that asking again tells nobody twice."""

    verb: str
    command_id: str
    car_ids: list[str]
    light: str | None = None


class Command(Struct, frozen=True, kw_only=True):
    """What became of it on one car: `state` is asked, done or failed; `answer` is the car's own."""

    command_id: str
    car_id: str
    words: str
    state: Literal["asked", "done", "failed"]
    answer: str | None = None
    remedy: str | None = None
