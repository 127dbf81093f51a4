"""A race day in a house: results made as the crew makes them, for the tests of pages."""

from collections.abc import Sequence

from appliance.ids import new_id
from appliance.people_structs import NewRacer
from timing.journal import Kind
from timing.structs import Action, Event, NewRace, RaceView
from web.house import House

CREW = "test"


async def add_racer(house: House, username: str, country: str | None = None, colour: str | None = None) -> str:
    """Sign a racer up; answers their id."""
    new = NewRacer(username=username, country=country, colour=colour)  # type: ignore[arg-type]
    return (await house.people.sign_up(new)).person_id


async def act(house: House, race: RaceView, kind: Kind, **fields: object) -> RaceView:
    """One action of the crew."""
    action = Action(action_id=new_id(), kind=kind, **fields)  # type: ignore[arg-type]
    return await house.control.act(race.race_id, action, CREW)


async def start_race(
    house: House, event: Event, racer_id: str, track_id: str = "1", by_proxy: bool = False
) -> RaceView:
    """A race that is running."""
    new = NewRace(event_id=event.event_id, track_id=track_id, racer_id=racer_id, by_proxy=by_proxy, override=True)
    return await act(house, await house.control.create(new, CREW), Kind.START)


async def finish_race(house: House, race: RaceView, laps_ms: Sequence[int | None]) -> RaceView:
    """Laps of these times are driven and the race is handed in; a lap of None did not count."""
    for _ in laps_ms:
        race = await act(house, race, Kind.LAP)
    race = await act(house, race, Kind.END)
    for number, lap_ms in enumerate(laps_ms, 1):
        race = await act(house, race, Kind.SET_TIME, lap=number, lap_ms=lap_ms or 20_000)
        if lap_ms is None:
            race = await act(house, race, Kind.SET_VALIDITY, lap=number, valid=False)
    return await act(house, race, Kind.SUBMIT)


async def hand_in(
    house: House,
    event: Event,
    racer_id: str,
    laps_ms: Sequence[int | None],
    track_id: str = "1",
    by_proxy: bool = False,
) -> RaceView:
    """A whole race."""
    return await finish_race(house, await start_race(house, event, racer_id, track_id, by_proxy), laps_ms)
