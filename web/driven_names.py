"""
Cars and models by name, wherever races and laps are shown: those of a released car and of a deleted model too.

An id that this box never gave (a car of another box, or one by its sticker) is its own name.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from appliance.errors import NotFound
from cars.model_called import ModelCalled
from timing.journal import Entry
from timing.structs import RaceView
from web.house import House

NO_CAR = "no car"
ID_CHARACTERS = 36
"""A UUID's; nobody reads it."""


class Driving(Protocol):
    """A race, a lap, or what a journal entry holds."""

    @property
    def car_id(self) -> str | None:
        """None: none is known."""

    @property
    def model_id(self) -> str | None:
        """None: none is known."""


class DrivenNames:
    """The names of some cars and models; templates ask it."""

    def __init__(self, cars: Mapping[str, str], models: Mapping[str, ModelCalled]) -> None:
        self._cars = cars
        self._models = models

    def car(self, car_id: str | None) -> str | None:
        """What the car is called; None where none is known."""
        return None if car_id is None else self._cars.get(car_id) or _own_name(car_id, "a car of another box")

    def model(self, model_id: str | None) -> str | None:
        """What the model is called; None where none is known."""
        if model_id is None:
            return None
        known = self._models.get(model_id)
        return _own_name(model_id, "a model of another box") if known is None else known.name

    def words(self, car_id: str | None, model_id: str | None) -> str:
        """Both: "Blue 3 with fast-one", "no car"."""
        model = self.model(model_id)
        return (self.car(car_id) or NO_CAR) + (f" with {model}" if model else "")

    def others(self, race: RaceView) -> set[int]:
        """The numbers of the laps that were driven with another car or model than the race has now."""
        return {lap.lap for lap in race.laps if (lap.car_id, lap.model_id) != (race.car_id, race.model_id)}

    def is_mixed(self, race: RaceView) -> bool:
        """Whether its laps were not all driven with the same car and model."""
        return len({(lap.car_id, lap.model_id) for lap in race.laps}) > 1


async def names_in(house: House, *driving: Driving) -> DrivenNames:
    """The names of all cars and models in these."""
    car_ids = {one.car_id for one in driving if one.car_id is not None}
    cars = {car_id: name for car_id in car_ids if (name := _car_name(house, car_id))}
    return DrivenNames(cars, await house.models.names.of(one.model_id for one in driving if one.model_id is not None))


async def names_of_race(house: House, race: RaceView) -> DrivenNames:
    """The names that a race and its laps need."""
    return await names_in(house, race, *race.laps)


async def names_of_journal(house: House, entries: Iterable[Entry]) -> DrivenNames:
    """The names that a race's trail needs."""
    return await names_in(house, *(entry.payload for entry in entries))


def _car_name(house: House, car_id: str) -> str | None:
    try:
        return house.cars.get(car_id).name
    except NotFound:
        return None


def _own_name(one: str, otherwise: str) -> str:
    return one if len(one) < ID_CHARACTERS else otherwise
