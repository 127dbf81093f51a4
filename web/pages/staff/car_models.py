"""What a car holds, read from its disk while the page is made, never remembered."""

import re
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Struct

from appliance.errors import NotFound, NotReady
from appliance.permissions import Permission
from cars.push_structs import CarModel, CarModels
from web.auth import needs
from web.given import House
from web.render import page


class Held(Struct, frozen=True, kw_only=True):
    """A folder of the car; `name` and `racer` where this box knows whose model it is."""

    model: CarModel
    name: str | None
    racer: str | None
    size_bytes: int

    @property
    def may_load(self) -> bool:
        """The car's helper takes its name, and there is something to load."""
        return "model.pb" in self.model.files and is_folder_name(self.model.folder)

    @property
    def may_delete(self) -> bool:
        """What came with the car stays on it."""
        return not self.model.is_sample and is_folder_name(self.model.folder)


@get("/staff/cars/{car_id:str}/models", guards=[needs(Permission.MANAGE_CARS)])
async def car_models(request: Request[Any, Any, Any], house: House, car_id: FromPath[str]) -> Response[Any]:
    """The models on a car, read from it now; whoever plugged a USB stick in may have changed them."""
    car, read, problem = house.cars.enrolled(car_id), None, None
    try:
        read = await house.pushes.models_on(car_id)
    except NotReady as error:
        problem = error
    held = [] if read is None else await _held(house, read)
    status = 200 if problem is None else problem.status
    return page(request, "staff/car_models.html", status=status, car=car, read=read, held=held, problem=problem)


async def _held(house: House, read: CarModels) -> list[Held]:
    """Racers' models first, by name; what came with the car last."""
    found = [await _named(house, model) for model in read.models]
    return sorted(found, key=lambda one: (one.model.is_sample, (one.name or one.model.folder).casefold()))


async def _named(house: House, model: CarModel) -> Held:
    known = None
    if model.model_id is not None:
        try:
            known = await house.models.get(model.model_id)
        except NotFound:
            known = None
    return Held(
        model=model,
        name=None if known is None else known.name,
        racer=None if known is None else known.username,
        size_bytes=sum(model.files.values()),
    )


def is_folder_name(name: str) -> bool:
    """Whether the helper on a car takes this name of a model's folder."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name) is not None


ROUTES = [car_models]
