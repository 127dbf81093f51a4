"""Pairing cars with the box, and letting them go."""

from typing import Annotated

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from appliance.permissions import Permission
from cars.car_structs import Car
from cars.pairing_structs import NewPairing, PairingView
from web.api.answers import READING, SIGNED_IN, WRITING
from web.auth import needs
from web.given import House, Viewer

CREW = [needs(Permission.MANAGE_CARS)]


@post("/api/cars", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"], status_code=202)
async def pair_car(house: House, viewer: Viewer, data: JSONBody[NewPairing]) -> PairingView:
    """Begin to pair a car; it takes about half a minute. The passwords are used for this and kept nowhere."""
    return house.pairings.start(data, viewer.person_id)


@get("/api/cars/pairings/{pairing_id:str}", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def show_pairing(house: House, pairing_id: FromPath[str]) -> PairingView:
    """How far a pairing is: each step, and in the end the car or the reason."""
    return house.pairings.get(pairing_id)


@delete("/api/cars/{car_id:str}", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"], status_code=200)
async def release_car(
    house: House,
    viewer: Viewer,
    car_id: FromPath[str],
    anyway: Annotated[bool, QueryParameter(description="Also when it is away, or cannot be undone.")] = False,
) -> Car:
    """Undo on the car what pairing changed, then let it go."""
    return await house.pairings.release(car_id, viewer.person_id, is_forced=anyway)


ROUTES = [pair_car, show_pairing, release_car]
