"""Fleets: cars that stand together at a track."""

from litestar import delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from appliance.permissions import Permission
from cars.fleet_structs import FleetView, NewFleet
from web.api.answers import READING, SIGNED_IN, WRITING
from web.auth import needs
from web.given import House

CREW = [needs(Permission.MANAGE_CARS)]


class FleetCars(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cars that a fleet shall have."""

    car_ids: list[str]


@get("/api/fleets", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def list_fleets(house: House) -> list[FleetView]:
    """All fleets, by name."""
    return house.fleets.all()


@post("/api/fleets", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"])
async def add_fleet(house: House, data: JSONBody[NewFleet]) -> FleetView:
    """Make a fleet."""
    return await house.fleets.add(data)


@patch("/api/fleets/{fleet_id:str}", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"])
async def rename_fleet(house: House, fleet_id: FromPath[str], data: JSONBody[NewFleet]) -> FleetView:
    """Give it another name."""
    return await house.fleets.rename(fleet_id, data)


@put("/api/fleets/{fleet_id:str}/cars", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"])
async def set_fleet_cars(house: House, fleet_id: FromPath[str], data: JSONBody[FleetCars]) -> FleetView:
    """Exactly these cars are in it from now on."""
    return await house.fleets.set_cars(fleet_id, data.car_ids)


@delete("/api/fleets/{fleet_id:str}", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"])
async def remove_fleet(house: House, fleet_id: FromPath[str]) -> None:
    """Its cars stay, in no fleet."""
    await house.fleets.remove(fleet_id)


ROUTES = [list_fleets, add_fleet, rename_fleet, set_fleet_cars, remove_fleet]
