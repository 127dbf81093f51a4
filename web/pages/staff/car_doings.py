"""What a car was told and given: the last of it for its own page, all of it on pages of their own."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from appliance.permissions import Permission
from cars.car_history import CarHistoryLine, CarNote
from cars.command_structs import CommandView
from web.auth import needs
from web.given import House
from web.pages.staff.push_panel import Shown, shown
from web.render import page

AnyRequest = Request[Any, Any, Any]
CREW = [needs(Permission.MANAGE_CARS)]
LAST = 20
"""On the car's page; more would push its history out of sight."""
ALL = 500
PAGE = 100


class Told(Struct, frozen=True, kw_only=True):
    """A command on this car, and who gave it."""

    view: CommandView
    who: str


class Sent(Struct, frozen=True, kw_only=True):
    """A push to this car, and who asked for it."""

    shown: Shown
    who: str


class HistoryLine(Struct, frozen=True, kw_only=True):
    """An entry of its history; `put_on` is the model that it speaks of, as long as the box may name it."""

    line: CarHistoryLine
    who: str
    put_on: Shown | None


@get("/staff/cars/{car_id:str}/commands", guards=CREW)
async def all_commands(request: AnyRequest, house: House, car_id: FromPath[str]) -> Response[Any]:
    """What a car was told, and what it answered; the newest 500."""
    car, told = house.cars.get(car_id), await told_to(house, car_id, ALL)
    return page(request, "staff/car_told.html", car=car, told=told, is_cut=len(told) == ALL)


@get("/staff/cars/{car_id:str}/pushes", guards=CREW)
async def all_pushes(
    request: AnyRequest, house: House, car_id: FromPath[str], before: FromQuery[str | None] = None
) -> Response[Any]:
    """The models that were sent to a car, or still are, and what became of each; a page at a time."""
    car = house.cars.get(car_id)
    found = await sent_to(house, car_id, PAGE + 1, before)
    older = found[PAGE - 1].shown.push.push_id if len(found) > PAGE else None
    return page(request, "staff/car_sent.html", car=car, sent=found[:PAGE], older=older, is_first=before is None)


async def told_to(house: House, car_id: str, limit: int = LAST) -> list[Told]:
    """Its newest commands with their answers, newest first. Raises NotFound."""
    views = await house.commands.of_car(car_id, limit)
    return [Told(view=view, who=house.people.name_of(view.actor)) for view in views]


async def sent_to(house: House, car_id: str, limit: int = LAST, before: str | None = None) -> list[Sent]:
    """Its newest pushes, those on their way too, newest first."""
    pushes = await house.pushes.find(car_id=car_id, before=before, limit=limit)
    return [Sent(shown=shown(house, push), who=house.people.name_of(push.actor)) for push in pushes]


async def with_models(house: House, car_id: str, lines: Sequence[CarHistoryLine]) -> list[HistoryLine]:
    """Entries of its history with who did it, and with the models that the history itself must not name."""
    moments = [line.at for line in lines if line.kind is CarNote.PUSHED]
    pushes = await house.pushes.put_on(car_id, min(moments), max(moments)) if moments else {}
    put_on = {at: shown(house, push) for at, push in pushes.items()}
    return [
        HistoryLine(
            line=line,
            who=house.people.name_of(line.actor),
            put_on=put_on.get(line.at) if line.kind is CarNote.PUSHED else None,
        )
        for line in lines
    ]


ROUTES = [all_commands, all_pushes]
