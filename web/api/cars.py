"""The cars: which there are, what was found in the network, and looking for more."""

from typing import Annotated

from litestar import get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from appliance.permissions import Permission
from cars.car_history import CarHistoryLine
from cars.car_structs import Car, Sighting
from cars.finder.finder import FinderState
from cars.sightings import looks_like_car
from web.api.answers import LIST_LIMIT, READING, SIGNED_IN, WRITING, Limit
from web.auth import needs
from web.given import House, Viewer

CREW = [needs(Permission.MANAGE_CARS)]
Released = Annotated[bool, QueryParameter(description="Released cars too.")]
BeforeEntry = Annotated[int | None, QueryParameter(ge=1, description="The entry that ended the page before.")]


class CarPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed of a car by hand."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]


class Look(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`everywhere`: knock at every address nearby too."""

    everywhere: bool = False


class TypedPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An IPv4 address, with ":port" where SSH is not at 22."""

    address: Annotated[str, Meta(max_length=60)]


class SeenCar(Struct, frozen=True, kw_only=True):
    """
    What is seen of a paired car, newest first.

    `proven` shows its host key; `named` shows none and says it is this car, or is where it last was; `reflashed` names
    its serial with another key. `twins` are cars with the same key.
    """

    car_id: str
    proven: list[Sighting]
    named: list[Sighting]
    reflashed: list[Sighting]
    twins: list[str]


class FoundMachine(Struct, frozen=True, kw_only=True):
    """A machine that is not paired; `clone_of` and `claims` are ids of cars that it was copied from, or says it is."""

    sightings: list[Sighting]
    looks_like_car: bool
    clone_of: str | None
    claims: str | None


class Found(Struct, frozen=True, kw_only=True):
    """The box's networks as they were last looked at."""

    state: FinderState
    cars: list[SeenCar]
    strangers: list[FoundMachine]


@get("/api/cars", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def list_cars(house: House, released: Released = False) -> list[Car]:
    """Every paired car, by name."""
    return house.cars.all(with_released=released)


@get("/api/cars/found", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def list_found(house: House) -> Found:
    """What was found in the network; while somebody asks for it, the box looks every 30 s."""
    house.finder.watch()
    listing = house.finder.listing()
    return Found(
        state=house.finder.state(),
        cars=[
            SeenCar(
                car_id=row.car.car_id,
                proven=list(row.proven),
                named=list(row.named),
                reflashed=list(row.reflashed),
                twins=[twin.car_id for twin in row.twins],
            )
            for row in listing.cars
        ],
        strangers=[
            FoundMachine(
                sightings=list(one.sightings),
                looks_like_car=looks_like_car(one.latest),
                clone_of=None if one.clone_of is None else one.clone_of.car_id,
                claims=None if one.claims is None else one.claims.car_id,
            )
            for one in listing.strangers
        ],
    )


@post("/api/cars/found", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"], status_code=200)
async def find_by_address(house: House, data: JSONBody[TypedPlace]) -> Sighting:
    """Look at one address; 503 when no car answers there."""
    return await house.finder.add_typed(data.address)


@post("/api/cars/look", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"], status_code=202)
async def look_again(house: House, data: JSONBody[Look]) -> FinderState:
    """Look for cars now."""
    house.finder.look_again(everywhere=data.everywhere)
    return house.finder.state()


@get("/api/cars/{car_id:str}", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def get_car(house: House, car_id: FromPath[str]) -> Car:
    """One car, released or not."""
    return house.cars.get(car_id)


@patch("/api/cars/{car_id:str}", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"])
async def rename_car(house: House, viewer: Viewer, car_id: FromPath[str], data: JSONBody[CarPatch]) -> Car:
    """Another name."""
    return await house.cars.update(house.cars.enrolled(car_id).car_id, actor=viewer.person_id, name=data.name)


@get("/api/cars/{car_id:str}/history", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def get_history(
    house: House, car_id: FromPath[str], limit: Limit = LIST_LIMIT, before: BeforeEntry = None
) -> list[CarHistoryLine]:
    """What happened to a car, newest first; by its serial, whatever was flashed or released between."""
    return await house.cars.history(car_id, limit=limit, before=before)


ROUTES = [list_cars, list_found, find_by_address, look_again, get_car, rename_car, get_history]
