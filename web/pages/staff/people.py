"""The crew: who has which role, passwords, badges, ending somebody's sessions. Admins only; one admin always stays."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError
from appliance.people import Person
from appliance.permissions import Permission, Role
from web.auth import needs
from web.given import House, Viewer
from web.once import FIELD, once, once_input
from web.pages.public.codes import box_address, qr_inline
from web.pages.staff.forms import Form, read_form
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

MANAGE = [needs(Permission.MANAGE_STAFF)]
SHOWN = 20
STAFF_ROLES = [
    (Role.ADMIN, "Admin", "everything, and the crew itself"),
    (Role.OPERATOR, "Operator", "events, queue, timekeeper, races"),
    (Role.COMMENTATOR, "Commentator", "sees races and commentates"),
    (Role.REGISTRATION, "Registration", "registers racers, prints badges"),
]
DONE = {
    "added": "Added. Tell them their name and password in person.",
    "roles": "Roles saved. They sign in again.",
    "password": "Password set. They sign in again with the new one.",
    "ended": "Signed out everywhere.",
    "badge": "This is the badge. One given before no longer works.",
    "badge-taken": "The badge no longer works.",
}


@get("/staff/people", guards=MANAGE)
async def list_people(
    request: AnyRequest, house: House, q: FromQuery[str] = "", done: FromQuery[str | None] = None
) -> Answer:
    """The crew, and a search among everybody to give somebody a role."""
    return _list_page(request, house, Form({"role": "operator"}), q=q.strip()[:40], done=DONE.get(done or ""))


@post("/staff/people", guards=MANAGE)
async def add_person(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """A new account for one of the crew."""
    form = await read_form(request)
    username = form.needed("username", "Type a name.")
    password = form.typed.get("password", "")
    if len(password) < 8:
        form.wrong("password", "Choose a password of at least 8 characters.")
    roles = _roles_of(form)
    if not roles:
        form.wrong("roles", "Choose at least one role.")
    if not form.ok:
        return _list_page(request, house, form, status=400)

    async def add() -> str:
        await house.people.add_staff(username, roles, password, viewer.person_id)
        return "/staff/people?done=added"

    try:
        return Redirect(await once(form.text(FIELD), add), status_code=303)
    except (ApplianceError, msgspec.ValidationError) as error:
        return _list_page(request, house, _refused(form, error, "username"), status=_status(error))


@get("/staff/people/{person_id:str}", guards=MANAGE)
async def person(
    request: AnyRequest, house: House, person_id: FromPath[str], done: FromQuery[str | None] = None
) -> Answer:
    """One account."""
    return _person_page(request, house.people.get(person_id), Form({}), done=DONE.get(done or ""))


@post("/staff/people/{person_id:str}/roles", guards=MANAGE)
async def set_roles(request: AnyRequest, house: House, viewer: Viewer, person_id: FromPath[str]) -> Answer:
    """Give and take roles; none of the crew's makes them a racer only."""
    form = await read_form(request)
    try:
        await house.people.set_roles(person_id, _roles_of(form), viewer.person_id)
    except ApplianceError as error:
        return _person_page(request, house.people.get(person_id), _refused(form, error, "roles"), _status(error))
    return Redirect(f"/staff/people/{person_id}?done=roles", status_code=303)


@post("/staff/people/{person_id:str}/password", guards=MANAGE)
async def set_password(request: AnyRequest, house: House, viewer: Viewer, person_id: FromPath[str]) -> Answer:
    """Set a password, for somebody who forgot theirs or has none yet."""
    form = await read_form(request)
    try:
        await house.people.set_password(person_id, form.typed.get("password", ""), viewer.person_id)
    except ApplianceError as error:
        return _person_page(request, house.people.get(person_id), _refused(form, error, "password"), _status(error))
    return Redirect(f"/staff/people/{person_id}?done=password", status_code=303)


@post("/staff/people/{person_id:str}/sessions", guards=MANAGE)
async def end_sessions(house: House, person_id: FromPath[str]) -> Answer:
    """Sign somebody out on every device."""
    await house.sessions.end_all(house.people.get(person_id).person_id)
    return Redirect(f"/staff/people/{person_id}?done=ended", status_code=303)


@get("/staff/people/{person_id:str}/badge", guards=MANAGE)
async def crew_badge(
    request: AnyRequest, house: House, person_id: FromPath[str], done: FromQuery[str | None] = None
) -> Answer:
    """The badge of one of the crew, to be printed."""
    code = house.people.crew_badge_code(person_id)
    base = box_address(request, house)
    return page(
        request,
        "staff/badge.html",
        person=house.people.get(person_id),
        is_crew=True,
        code=code,
        base=base,
        # The code is in the fragment: it never reaches a server's log.
        qr=qr_inline(f"{base}/badge#{code}"),
        is_new=False,
        done=DONE.get(done or ""),
    )


@post("/staff/people/{person_id:str}/badge", guards=MANAGE)
async def give_badge(request: AnyRequest, house: House, viewer: Viewer, person_id: FromPath[str]) -> Answer:
    """A badge for one of the crew; one given before stops."""
    try:
        await house.people.give_badge(person_id, viewer.person_id)
    except ApplianceError as error:
        return _person_page(request, house.people.get(person_id), _refused(Form({}), error, ""), _status(error))
    return Redirect(f"/staff/people/{person_id}/badge?done=badge", status_code=303)


@post("/staff/people/{person_id:str}/badge/remove", guards=MANAGE)
async def take_badge_away(request: AnyRequest, house: House, viewer: Viewer, person_id: FromPath[str]) -> Answer:
    """The badge of one of the crew stops."""
    try:
        await house.people.take_badge_away(person_id, viewer.person_id)
    except ApplianceError as error:
        return _person_page(request, house.people.get(person_id), _refused(Form({}), error, ""), _status(error))
    return Redirect(f"/staff/people/{person_id}?done=badge-taken", status_code=303)


def _roles_of(form: Form) -> list[Role]:
    return [role for role, _, _ in STAFF_ROLES if form.flag(f"role-{role.value}")]


def _refused(form: Form, error: ApplianceError | msgspec.ValidationError, otherwise: str) -> Form:
    if isinstance(error, msgspec.ValidationError):
        form.wrong(otherwise, "A name has 2 to 20 letters, digits, dots, hyphens or underscores.")
    else:
        form.wrong(error.field if error.field in ("username", "password", "roles") else otherwise, str(error))
    return form


def _status(error: ApplianceError | msgspec.ValidationError) -> int:
    return error.status if isinstance(error, ApplianceError) else 400


def _list_page(
    request: AnyRequest, house: House, form: Form, *, q: str = "", status: int = 200, done: str | None = None
) -> Answer:
    everybody = house.people.search("", limit=1_000_000)
    crew = [one for one in everybody if one.is_staff]
    others = [one for one in house.people.search(q, limit=SHOWN) if not one.is_staff and not one.neutral] if q else []
    return page(
        request,
        "staff/people.html",
        status=status,
        crew=sorted(crew, key=lambda one: one.username.casefold()),
        others=[one for one in others if one.merged_into is None],
        q=q,
        form=form,
        roles=STAFF_ROLES,
        once_input=once_input(),
        done=done,
    )


def _person_page(request: AnyRequest, shown: Person, form: Form, status: int = 200, done: str | None = None) -> Answer:
    return page(request, "staff/person.html", status=status, person=shown, form=form, roles=STAFF_ROLES, done=done)


ROUTES = [
    list_people,
    add_person,
    person,
    set_roles,
    set_password,
    end_sessions,
    crew_badge,
    give_badge,
    take_badge_away,
]
