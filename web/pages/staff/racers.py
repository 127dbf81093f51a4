"""
Racers: find one among a thousand, register one at the desk, show and print the badge, rename, put in line.

What cannot be undone (merge, forget) is in racer_care.py.
"""

from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError, NotFound
from appliance.people import NewRacer, Person, RacerPatch
from appliance.permissions import Permission, Role
from cars.models import Sought
from timing.races import RaceFilter
from web.auth import needs
from web.driven_names import names_in
from web.given import House, Viewer
from web.once import FIELD, once, once_input
from web.pages.model_words import shown
from web.pages.public.codes import box_address, qr_inline
from web.pages.staff.forms import Form, read_form
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

LIST = [needs(Permission.LIST_RACERS)]
REGISTER = [needs(Permission.REGISTER_RACERS)]
EDIT = [needs(Permission.EDIT_RACERS)]
QUEUE = [needs(Permission.RUN_RACES)]

ALL = 1_000_000
SHOWN = 50
"""Rows of one search; nobody reads more, typing on is quicker."""
RACES_SHOWN = 5
"""On a racer's page; the rest is one link away."""

DONE = {
    "saved": "Saved.",
    "merged": "The duplicate is merged into this racer.",
    "forgotten": "The racer is forgotten; the laps stay under a neutral name.",
    "renewed": "This is the new badge. The old one no longer works.",
}


@get("/staff/racers", guards=LIST)
async def list_racers(
    request: AnyRequest, house: House, q: FromQuery[str] = "", done: FromQuery[str | None] = None
) -> Answer:
    """The search; htmx asks for the rows alone."""
    text = q.strip()[:40]
    found = house.people.search(text, Role.RACER, SHOWN + 1)
    shown = [person for person in found if not person.neutral and person.merged_into is None]
    template = "staff/_racers_found.html" if request.headers.get("hx-request") else "staff/racers.html"
    return page(
        request,
        template,
        q=text,
        found=shown[:SHOWN],
        more=len(found) > SHOWN,
        count=racer_count(house),
        done=DONE.get(done or ""),
    )


@get("/staff/racers/new", guards=REGISTER)
async def new_racer(request: AnyRequest) -> Answer:
    """The registration desk."""
    return _desk(request, Form({"colour": "blue"}))


@post("/staff/racers/new", guards=REGISTER)
async def register_racer(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Register, and show the badge at once."""
    form = await read_form(request)
    fields = {"username": form.needed("username", "Type the racer's name."), "colour": form.text("colour") or None}
    fields["country"] = form.text("country") or None
    if not form.ok:
        return _desk(request, form, status=400)

    async def register() -> str:
        person = await house.people.register(msgspec.convert(fields, NewRacer), viewer.person_id)
        return f"/staff/racers/{person.person_id}/badge?new=1"

    try:
        return Redirect(await once(form.text(FIELD), register), status_code=303)
    except msgspec.ValidationError:
        form.wrong("username", "A name has 2 to 20 letters, digits, dots, hyphens or underscores.")
        return _desk(request, form, status=400)
    except ApplianceError as error:
        form.refuse(error)
        return _desk(request, form, status=error.status)


@get("/staff/racers/{racer_id:str}", guards=LIST)
async def racer(
    request: AnyRequest, house: House, racer_id: FromPath[str], done: FromQuery[str | None] = None
) -> Answer:
    """One racer: name, country, colour, and what can be done."""
    person = house.people.get(racer_id)
    typed = {"username": person.username, "country": person.country or "", "colour": person.colour or "blue"}
    return await _racer_page(request, house, person, Form(typed), done=DONE.get(done or ""))


@post("/staff/racers/{racer_id:str}", guards=EDIT)
async def save_racer(request: AnyRequest, house: House, viewer: Viewer, racer_id: FromPath[str]) -> Answer:
    """Rename, move to another country, change the colour."""
    person = house.people.get(racer_id)
    form = await read_form(request)
    fields = {"username": form.needed("username", "Type the racer's name."), "colour": form.text("colour") or None}
    fields["country"] = form.text("country") or None
    if not form.ok:
        return await _racer_page(request, house, person, form, status=400)
    try:
        await house.people.update(racer_id, msgspec.convert(fields, RacerPatch), viewer.person_id)
    except msgspec.ValidationError:
        form.wrong("username", "A name has 2 to 20 letters, digits, dots, hyphens or underscores.")
        return await _racer_page(request, house, person, form, status=400)
    except ApplianceError as error:
        form.refuse(error)
        return await _racer_page(request, house, person, form, status=error.status)
    return Redirect(f"/staff/racers/{racer_id}?done=saved", status_code=303)


@get("/staff/racers/{racer_id:str}/badge", guards=EDIT)
async def badge(
    request: AnyRequest,
    house: House,
    racer_id: FromPath[str],
    new: FromQuery[str | None] = None,
    done: FromQuery[str | None] = None,
) -> Answer:
    """The badge on the screen, and a sheet the size of a label for the printer."""
    person = house.people.get(racer_id)
    code = house.people.badge_code(racer_id)
    base = box_address(request, house)
    return page(
        request,
        "staff/badge.html",
        person=person,
        is_crew=False,
        code=code,
        base=base,
        # The code is in the fragment: it never reaches a server's log.
        qr=qr_inline(f"{base}/badge#{code}"),
        is_new=new is not None,
        done=DONE.get(done or ""),
    )


@post("/staff/racers/{racer_id:str}/badge", guards=EDIT)
async def renew_badge(house: House, viewer: Viewer, racer_id: FromPath[str]) -> Answer:
    """A new badge; the old one stops."""
    await house.people.renew_badge(racer_id, viewer.person_id)
    return Redirect(f"/staff/racers/{racer_id}/badge?done=renewed", status_code=303)


@post("/staff/racers/{racer_id:str}/queue", guards=QUEUE)
async def queue_racer(request: AnyRequest, house: House, viewer: Viewer, racer_id: FromPath[str]) -> Answer:
    """Put the racer at the end of a track's line."""
    form = await read_form(request)
    event_id, _, track_id = form.text("line").partition("/")
    try:
        await house.queue.add(event_id, track_id, racer_id, viewer.person_id)
    except ApplianceError as error:
        person = house.people.get(racer_id)
        typed = {"username": person.username, "country": person.country or "", "colour": person.colour or "blue"}
        shown = Form(typed)
        shown.wrong("", str(error))
        return await _racer_page(request, house, person, shown, status=error.status)
    return Redirect(f"/staff/events/{event_id}/tracks/{track_id}/queue", status_code=303)


def racer_count(house: House) -> int:
    """How many people there are besides the crew: everybody may race, so the crew would hide an empty list."""
    return sum(not person.is_staff for person in house.people.search("", Role.RACER, ALL))


def _desk(request: AnyRequest, form: Form, status: int = 200) -> Answer:
    return page(request, "staff/racer_new.html", status=status, form=form, once_input=once_input())


async def _racer_page(
    request: AnyRequest, house: House, person: Person, form: Form, *, status: int = 200, done: str | None = None
) -> Answer:
    if person.merged_into is not None:
        raise NotFound(
            f"{person.username} was a duplicate and has been merged.",
            f"Look for {house.people.get(person.merged_into).username}.",
        )
    races = await house.control.list(RaceFilter(racer_id=person.person_id, limit=RACES_SHOWN))
    current = house.events.current()
    return page(
        request,
        "staff/racer.html",
        status=status,
        person=person,
        form=form,
        races=races,
        driven=await names_in(house, *races),
        models=[shown(model) for model in await house.models.find(Sought(racer_id=person.person_id, limit=5))],
        event=current,
        places=house.queue.position_of(person.person_id),
        races_link="/staff/races?" + urlencode({"racer": person.person_id}),
        done=done,
    )


ROUTES = [list_racers, new_racer, register_racer, racer, save_racer, badge, renew_badge, queue_racer]
