"""
The cars follow the races: lit in the racer's colour when a car is given to a race, white and stopped when it ends.

Knows both rooms and owns neither. A car that does not answer holds up no race: the crew sees it on the car's page.
"""

from appliance.errors import ApplianceError
from cars.command_structs import NewCommand, Verb
from cars.lights import Light, light_of
from timing.facts import RaceChanged, RaceEnded
from timing.journal import Kind
from web.house import House

ACTOR = "box"
GIVES_A_CAR = frozenset({Kind.READY, Kind.SET_CAR})


def follow_races(house: House) -> None:
    """From now on, for as long as the house stands."""
    house.facts.subscribe(RaceChanged, lambda changed: _lit(house, changed))
    house.facts.subscribe(RaceEnded, lambda ended: _stopped(house, ended))


def _lit(house: House, changed: RaceChanged) -> None:
    race = changed.view
    if changed.kind not in GIVES_A_CAR or not _is_ours(house, race.car_id):
        return
    try:
        colour = house.people.get(race.racer_id).colour
    except ApplianceError:
        colour = None
    _ask(house, NewCommand(verb=Verb.LIGHT, car_ids=[race.car_id or ""], light=light_of(colour)))


def _stopped(house: House, ended: RaceEnded) -> None:
    # Whether it is online is a guess of some seconds ago: a car that drives is told to stop in any case.
    if any(car.car_id == ended.car_id for car in house.cars.all()):
        car_ids = [ended.car_id or ""]
        _ask(house, NewCommand(verb=Verb.STOP, car_ids=car_ids))
        _ask(house, NewCommand(verb=Verb.LIGHT, car_ids=car_ids, light=Light.WHITE))


def _is_ours(house: House, car_id: str | None) -> bool:
    """Enrolled and there: a race may name a car of another box, or one by its sticker."""
    return any(car.car_id == car_id and car.is_online for car in house.cars.all())


def _ask(house: House, command: NewCommand) -> None:
    house.commands.ask_soon(command, ACTOR)
