"""Which cars a track has: those of its fleet, or all of the box where it has none."""

from appliance.errors import Conflict, named_in
from appliance.ids import new_id
from cars.car_structs import Car
from cars.command_structs import CommandView, NewCommand, Verb
from web.house import House


def cars_of_track(house: House, event_id: str | None, track_id: str | None) -> list[Car]:
    """Without an event all of the box. Raises NotFound."""
    if not event_id:
        return house.cars.all()
    return house.fleets.cars_of(house.events.track(event_id, track_id or "").fleet_id)


async def stop_track(
    house: House, event_id: str | None, track_id: str | None, actor: str, command_id: str | None = None
) -> list[CommandView]:
    """
    Stop them, first and fast.

    Raises:
        InvalidInput: no such event or track.
        Conflict: it has no car.
    """
    if event_id:
        with named_in("event_id"):
            house.events.get(event_id)
    with named_in("track_id"):
        cars = cars_of_track(house, event_id, track_id)
    if not cars:
        where = "No car is paired" if not house.cars.all() else "No car is in the fleet of this track"
        raise Conflict(f"{where}: there is none to stop.", "Look under Cars.")
    command = NewCommand(verb=Verb.STOP, command_id=command_id or new_id(), car_ids=[car.car_id for car in cars])
    return await house.commands.ask(command, actor)
