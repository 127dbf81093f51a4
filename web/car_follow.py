"""
The cars follow the races and the lines: lit for whoever is to drive them, stopped and white when a race lets them go.

Knows both rooms and owns neither. A car that does not answer holds up no race: the crew sees it on the car's page, and
its light is made up for once it is found again.
"""

from dataclasses import dataclass, replace

from cars.command_structs import NewCommand, Verb
from cars.facts import CarFound
from cars.lights import Light, light_of
from timing.facts import QueueChanged, RaceChanged
from timing.journal import Kind
from timing.structs import LIVE_STATES, RaceState, RaceView
from web.house import House

ACTOR = "box"
GIVES_A_CAR = frozenset({Kind.READY, Kind.SET_CAR})
"""Lit even if it should be lit so already: somebody relies on it now."""
DRIVES = frozenset({RaceState.PAUSED, RaceState.RUNNING})
WEIGHT = (RaceState.OVER, RaceState.READY, RaceState.PAUSED, RaceState.RUNNING)
"""Where several races name one car, the last in this order has its light."""


def follow_races(house: House) -> None:
    """From now on, for as long as the house stands."""
    follower = CarFollower(house)
    house.facts.subscribe(RaceChanged, follower.race_changed)
    house.facts.subscribe(QueueChanged, lambda _: follower.light())
    house.facts.subscribe(CarFound, lambda _: follower.light())


@dataclass(frozen=True, slots=True)
class Driven:
    """The car of a live race, its racer's colour, and how far that race is."""

    car_id: str
    colour: str | None
    state: RaceState

    @property
    def is_over(self) -> bool:
        """Whether the car was stopped by the end."""
        return self.state is RaceState.OVER

    @property
    def light(self) -> Light:
        """The racer's colour, until the end."""
        return Light.WHITE if self.is_over else light_of(self.colour)


class CarFollower:
    """The cars of the live races, and the light that each car was asked for last."""

    def __init__(self, house: House) -> None:
        self._house = house
        live = {race.race_id: _driven(race) for race in house.control.live_races()}
        self._driven = {race_id: driven for race_id, driven in live.items() if driven is not None}
        self._lit = self._meant()

    def race_changed(self, changed: RaceChanged) -> None:
        """A race took a car or let one go: it ended, was discarded, or got another."""
        race = changed.view
        before = self._driven.get(race.race_id)
        after = _driven(race)
        if after is not None and after.is_over:  # One that is named only now drove earlier, and may be elsewhere.
            after = before and replace(before, state=RaceState.OVER)
        self._keep(race.race_id, after)
        if before is not None and self._is_let_go(before, after):
            self._stop(before.car_id)
        if after is not None and not after.is_over and changed.kind in GIVES_A_CAR:
            self._lit.pop(after.car_id, None)
        elif after == before:
            return
        self.light()

    def light(self) -> None:
        """Ask every car that is there for its light, where it was asked for another."""
        meant = self._meant()
        for car in self._house.cars.all():
            light = meant.get(car.car_id, Light.WHITE)
            if car.is_online and light is not self._lit.get(car.car_id, Light.WHITE):
                self._ask(car.car_id, Verb.LIGHT, light)

    def _keep(self, race_id: str, driven: Driven | None) -> None:
        if driven is None:
            self._driven.pop(race_id, None)
        else:
            self._driven[race_id] = driven

    def _stop(self, car_id: str) -> None:
        # Whether it is online is a guess of some seconds ago: a car that drives is told to stop in any case.
        if any(car.car_id == car_id for car in self._house.cars.all()):
            self._ask(car_id, Verb.STOP)
            self._ask(car_id, Verb.LIGHT, self._meant().get(car_id, Light.WHITE))

    def _is_let_go(self, before: Driven, after: Driven | None) -> bool:
        """Whether its race has no more use for the car, and no other drives it now."""
        keeps = after is not None and after.car_id == before.car_id and not after.is_over
        if keeps or before.is_over:
            return False
        return not any(one.car_id == before.car_id and one.state in DRIVES for one in self._driven.values())

    def _meant(self) -> dict[str, Light]:
        """The light of each car that somebody has: its race's, else that of the first in line for whom it is."""
        meant = {car_id: light_of(entry.colour) for car_id, entry in self._house.queue.prepared().items()}
        for driven in sorted(self._driven.values(), key=lambda driven: WEIGHT.index(driven.state)):
            meant[driven.car_id] = driven.light
        return meant

    def _ask(self, car_id: str, verb: Verb, light: Light | None = None) -> None:
        if light is not None:
            self._lit[car_id] = light
        self._house.commands.ask_soon(NewCommand(verb=verb, car_ids=[car_id], light=light), ACTOR)


def _driven(race: RaceView) -> Driven | None:
    if race.car_id is None or race.state not in LIVE_STATES or race.deleted:
        return None
    return Driven(race.car_id, race.colour, race.state)
