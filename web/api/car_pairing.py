"""Pairing cars with the box, and letting them go."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from appliance.errors import named_in
from appliance.permissions import Permission
from cars.car_structs import Car
from cars.pairing_structs import NewPairing, PairingView
from web.api.answers import READING, SIGNED_IN, WRITING
from web.auth import needs
from web.given import House, Viewer
from web.shown_keys import place_of_key

CREW = [needs(Permission.MANAGE_CARS)]


class TrustedKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A host key that somebody has looked at, as "ssh-ed25519 AAAA…"."""

    host_key: Annotated[str, Meta(min_length=1, max_length=2_000)]


@post("/api/cars", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"], status_code=202)
async def pair_car(house: House, viewer: Viewer, data: JSONBody[NewPairing]) -> PairingView:
    """Begin to pair a car; it takes about half a minute. The passwords are used for this and kept nowhere."""
    if data.fleet_id is not None:
        with named_in("fleet_id"):
            house.fleets.view(data.fleet_id)
    return house.pairings.start(data, viewer.person_id)


@get("/api/cars/pairings/{pairing_id:str}", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def show_pairing(house: House, pairing_id: FromPath[str]) -> PairingView:
    """How far a pairing is: each step, and in the end the car or the reason."""
    return house.pairings.get(pairing_id)


@post(
    "/api/cars/pairings/{pairing_id:str}/trust",
    guards=CREW,
    security=SIGNED_IN,
    responses=WRITING,
    tags=["cars"],
    status_code=200,
)
async def trust_pairing(house: House, viewer: Viewer, pairing_id: FromPath[str]) -> PairingView:
    """Answer what it `asks`: yes, the car was flashed, and its new host key is right. A second time changes nothing."""
    return await house.pairings.trust(pairing_id, viewer.person_id)


@put("/api/cars/{car_id:str}/host-key", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"])
async def trust_host_key(house: House, viewer: Viewer, car_id: FromPath[str], data: JSONBody[TrustedKey]) -> Car:
    """Trust a paired car's new host key, where it still knows this box; else it is paired again."""
    key = " ".join(data.host_key.split()[:2])
    return await house.pairings.trust_key(car_id, key, place_of_key(house, car_id, key), viewer.person_id)


@delete("/api/cars/{car_id:str}", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"], status_code=200)
async def release_car(
    house: House,
    viewer: Viewer,
    car_id: FromPath[str],
    anyway: Annotated[bool, QueryParameter(description="Also when it is away, or cannot be undone.")] = False,
) -> Car:
    """Undo on the car what pairing changed, then let it go."""
    return await house.pairings.release(car_id, viewer.person_id, is_forced=anyway)


ROUTES = [pair_car, show_pairing, trust_pairing, trust_host_key, release_car]
