"""
What a race can be driven with: the cars of its track and the models of its racer, as the crew chooses among them.

Only reads. A car that cannot be reached and a model that no car can drive are shown too, with the reason.
"""

from datetime import datetime

from msgspec import Struct

from appliance.clock import now_iso
from cars.command_rules import BATTERY_LOW, battery_in_words
from cars.model_structs import ModelStatus, ModelView
from cars.models import Sought
from web.given import House
from web.pages.model_words import Shown, shown
from web.pages.staff.car_cards import CarCard, picture
from web.track_cars import cars_of_track

MODELS_SHOWN = 60
"""Of a racer, who may have 20, and of the box."""
BATTERY_OLD_MIN = 60
"""A pack lasts 15 to 25 minutes (reference: car notes): what was read longer ago is of another one."""


class CarChoice(Struct, frozen=True, kw_only=True):
    """
    A car that can be chosen.

    `battery` is what it told last, with when; None for what is too old to be true. `busy` says which race has it now.
    """

    card: CarCard
    battery: str | None
    battery_at: str | None
    is_low: bool
    busy: str | None


class Cars(Struct, frozen=True, kw_only=True):
    """`mine` are those of the track's fleet, all of the box without one; those that answer first."""

    mine: list[CarChoice]
    others: list[CarChoice]
    has_fleet: bool


class Models(Struct, frozen=True, kw_only=True):
    """`own` are the racer's, the one meant first and then the newest; `box` those for walk-ups, fit ones only."""

    own: list[Shown]
    box: list[Shown]

    @property
    def is_looking(self) -> bool:
        """Whether one of them is still being looked into."""
        return any(one.model.status is ModelStatus.UPLOADED for one in self.own)

    @property
    def ready(self) -> list[Shown]:
        """Those that a car could drive."""
        return [one for one in [*self.own, *self.box] if can_drive(one.model)]


def can_drive(model: ModelView) -> bool:
    """Whether it can be chosen."""
    return model.status is ModelStatus.AVAILABLE


def cars_for(house: House, event_id: str, track_id: str) -> Cars:
    """The cars for a race on this track. Raises NotFound."""
    of_track = {car.car_id for car in cars_of_track(house, event_id, track_id)}
    choices = [_choice(house, card) for card in picture(house).cars]
    choices.sort(key=lambda one: not one.card.car.is_online)
    mine = [one for one in choices if one.card.car.car_id in of_track]
    others = [one for one in choices if one.card.car.car_id not in of_track]
    fleets = {fleet.fleet_id for fleet in house.fleets.all()}
    return Cars(mine=mine, others=others, has_fleet=house.events.track(event_id, track_id).fleet_id in fleets)


async def models_for(house: House, racer_id: str, meant_id: str = "") -> Models:
    """The models for a race of this racer; `meant_id` is the one chosen already."""
    own = await house.models.find(Sought(racer_id=racer_id, limit=MODELS_SHOWN))
    box = await house.models.find(Sought(is_box=True, status=ModelStatus.AVAILABLE, limit=MODELS_SHOWN))

    def rank(model: ModelView) -> tuple[bool, bool, bool]:
        return model.model_id != meant_id, model.chosen_at is None, not can_drive(model)

    return Models(
        own=[shown(model) for model in sorted(own, key=rank)],
        box=[shown(model) for model in sorted(box, key=rank)],
    )


def _choice(house: House, card: CarCard) -> CarChoice:
    reading = house.cars.readings.of(card.car.car_id)
    is_fresh = reading.battery_at is not None and _minutes_since(reading.battery_at) < BATTERY_OLD_MIN
    level = reading.battery_level if is_fresh else None
    return CarChoice(
        card=card,
        battery=None if level is None else battery_in_words(level),
        battery_at=reading.battery_at,
        is_low=level is not None and 0 <= level <= BATTERY_LOW,
        busy=_busy(house, card.car.car_id),
    )


def _busy(house: House, car_id: str) -> str | None:
    for race in house.control.live_races():
        if race.car_id == car_id:
            return f"{race.username} races with it now"
    return None


def _minutes_since(iso: str) -> float:
    return (datetime.fromisoformat(now_iso()) - datetime.fromisoformat(iso)).total_seconds() / 60
