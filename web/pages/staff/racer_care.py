"""
What cannot be undone to a racer: merging a duplicate into another, and forgetting. Admins only.

Shows what will happen first, and asks again.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError
from appliance.people import Person
from appliance.permissions import Permission, Role
from timing.races import RaceFilter
from timing.structs import RaceView
from web.auth import needs
from web.given import House, Viewer
from web.pages.staff.forms import Form, read_form
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

MERGE = [needs(Permission.MERGE_RACERS)]
FORGET = [needs(Permission.FORGET_RACERS)]
ALL = 1_000_000
SHOWN = 12


@get("/staff/racers/{racer_id:str}/merge", guards=MERGE)
async def choose_duplicate(
    request: AnyRequest,
    house: House,
    racer_id: FromPath[str],
    q: FromQuery[str] = "",
    duplicate: FromQuery[str | None] = None,
) -> Answer:
    """Choose the duplicate, then see what moves."""
    return await _merge_page(request, house, house.people.get(racer_id), q.strip()[:40], duplicate)


@post("/staff/racers/{racer_id:str}/merge", guards=MERGE)
async def merge(request: AnyRequest, house: House, viewer: Viewer, racer_id: FromPath[str]) -> Answer:
    """Everything of the duplicate belongs to this racer from now on."""
    form = await read_form(request)
    duplicate = form.text("duplicate")
    try:
        await house.people.merge(racer_id, duplicate, viewer.person_id)
    except ApplianceError as error:
        person = house.people.get(racer_id)
        return await _merge_page(request, house, person, "", None, problem=str(error), status=error.status)
    return Redirect(f"/staff/racers/{racer_id}?done=merged", status_code=303)


@get("/staff/racers/{racer_id:str}/forget", guards=FORGET)
async def confirm_forget(request: AnyRequest, house: House, racer_id: FromPath[str]) -> Answer:
    """What is erased and what stays."""
    return await _forget_page(request, house, house.people.get(racer_id), Form({}))


@post("/staff/racers/{racer_id:str}/forget", guards=FORGET)
async def forget(request: AnyRequest, house: House, viewer: Viewer, racer_id: FromPath[str]) -> Answer:
    """Erase the person once the name has been typed."""
    person = house.people.get(racer_id)
    form = await read_form(request)
    if form.text("username") != person.username:
        form.wrong("username", f"Type the name, {person.username}, exactly.")
        return await _forget_page(request, house, person, form, status=400)
    try:
        await house.people.forget(racer_id, viewer.person_id)
    except ApplianceError as error:
        form.refuse(error)
        return await _forget_page(request, house, person, form, status=error.status)
    return Redirect("/staff/racers?done=forgotten", status_code=303)


async def _merge_page(
    request: AnyRequest,
    house: House,
    person: Person,
    q: str,
    duplicate_id: str | None,
    *,
    problem: str | None = None,
    status: int = 200,
) -> Answer:
    duplicate = house.people.get(duplicate_id) if duplicate_id else None
    candidates = [one for one in house.people.search(q, Role.RACER, SHOWN + 1) if _may_merge(one, person)]
    context: dict[str, Any] = {
        "person": person,
        "duplicate": duplicate,
        "q": q,
        "found": candidates[:SHOWN],
        "problem": problem,
    }
    if request.headers.get("hx-request"):
        return page(request, "staff/_merge_found.html", **context)
    moved = await _races_of(house, duplicate) if duplicate else []
    places = house.queue.position_of(duplicate.person_id) if duplicate else []
    return page(request, "staff/racer_merge.html", status=status, races=moved, places=places, **context)


def _may_merge(one: Person, person: Person) -> bool:
    return one.person_id != person.person_id and not one.neutral and one.merged_into is None


async def _forget_page(request: AnyRequest, house: House, person: Person, form: Form, status: int = 200) -> Answer:
    races = await _races_of(house, person)
    return page(request, "staff/racer_forget.html", status=status, person=person, races=races, form=form)


async def _races_of(house: House, person: Person) -> list[RaceView]:
    return await house.control.list(RaceFilter(racer_id=person.person_id, include_deleted=True, limit=ALL))


ROUTES = [choose_duplicate, merge, confirm_forget, forget]
