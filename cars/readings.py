"""
What each car told of itself last: its drive pack, its disk, its clock. Forgotten when the box stops: packs are swapped.

Owns no way to a car: whoever asked one hands in what it told.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from cars.command_structs import Verb


class CarReading(Struct, frozen=True, kw_only=True):
    """
    Each with when it was told (UTC), None while it was not.

    `battery_level` is the drive pack's, 0 to 10, -1 where it cannot be read. `models` counts the folders on its disk.
    `clock_set_at`: its clock was found wrong, and set.
    """

    battery_level: int | None = None
    battery_at: str | None = None
    free_bytes: int | None = None
    models: int | None = None
    disk_at: str | None = None
    clock_set_at: str | None = None


NOTHING = CarReading()


class Readings:
    """Of all cars; in memory."""

    def __init__(self) -> None:
        self._readings: dict[str, CarReading] = {}

    def of(self, car_id: str) -> CarReading:
        """What it told last."""
        return self._readings.get(car_id, NOTHING)

    def answered(self, car_id: str, verb: Verb, told: Mapping[str, object], at: str) -> None:
        """The helper's answer to a command; what says nothing of the car itself is passed over."""
        match verb, told:
            case Verb.BATTERY, {"level": int(level)}:
                self._keep(car_id, battery_level=level, battery_at=at)
            case Verb.DISK, {"free_bytes": int(free_bytes)}:
                self._keep(car_id, free_bytes=free_bytes, disk_at=at)
            case Verb.SET_TIME, {"is_step": True}:
                self._keep(car_id, clock_set_at=at)

    def listed(self, car_id: str, *, models: int, free_bytes: int, at: str) -> None:
        """Its disk was read."""
        self._keep(car_id, models=models, free_bytes=free_bytes, disk_at=at)

    def _keep(self, car_id: str, **told: Any) -> None:
        self._readings[car_id] = replace(self.of(car_id), **told)
