"""The laps a car drove, model by model: the racing's count with the cars' names, for the car's page."""

from msgspec import Struct

from cars.model_called import ModelCalled
from timing.driven import Driven, driven_by
from web.given import House


class ModelLaps(Struct, frozen=True, kw_only=True):
    """What the car drove with one model. `model` None: with none that was known; `owner` is a racer, or the box."""

    model: str | None
    owner: str | None
    driven: Driven


class CarLaps(Struct, frozen=True, kw_only=True):
    """All of it, the model driven last first; empty for a car that drove none."""

    lines: list[ModelLaps]

    @property
    def laps(self) -> int:
        """The invalid ones too."""
        return sum(line.driven.laps for line in self.lines)

    @property
    def last_at(self) -> str | None:
        """When it finished its last lap."""
        return max((line.driven.last_at for line in self.lines), default=None)


async def laps_of(house: House, car_id: str) -> CarLaps:
    """One query for the laps, and one at most for the names."""
    driven = await driven_by(house.db, car_id)
    called = await house.models.names.of(one.model_id for one in driven if one.model_id is not None)
    return CarLaps(lines=[_line(house, one, called.get(one.model_id or "")) for one in driven])


def _line(house: House, driven: Driven, called: ModelCalled | None) -> ModelLaps:
    if called is None:
        return ModelLaps(model="a model of another box" if driven.model_id else None, owner=None, driven=driven)
    owner = "the box" if called.racer_id is None else house.people.name_of(called.racer_id)
    return ModelLaps(model=called.name, owner=owner, driven=driven)
