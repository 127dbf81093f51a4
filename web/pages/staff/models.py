"""Everybody's models, for the crew: find one, see what is wrong, upload for a racer or for the box, rename, delete."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from appliance.errors import ApplianceError, NotFound
from appliance.permissions import Permission
from cars.model_choice import to_race
from cars.model_structs import ModelStatus
from cars.models import Sought
from web.auth import needs
from web.csrf import EXEMPT
from web.given import House, Viewer
from web.pages.model_words import STATUS, room, shown
from web.pages.plain_upload import FORM_BYTES, take_file
from web.pages.staff.forms import read_form
from web.pages.staff.racer_named import racer_named
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

MANAGE = [needs(Permission.MANAGE_MODELS)]
ONE = "/staff/models/{model_id:str}"
PAGE = 100
BOX = "box"
"""In an address, the box itself as the owner of models: for whoever has none."""
STATES = [(status.value, word) for status, (_, word) in STATUS.items()]
DONE = {
    "uploaded": "The file is here. The box looks into it now.",
    "renamed": "Renamed.",
    "chosen": "Chosen: the next three to the cars get this one.",
    "deleted": "Deleted.",
    "forgotten": "It will not be sent on.",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the list is to show. `racer`: an id, what was typed of a name, "box", or "" for all."""

    racer: str
    status: ModelStatus | None = None
    before: str | None = None


@get("/staff/models", guards=MANAGE)
async def list_models(
    *,
    request: AnyRequest,
    house: House,
    racer: FromQuery[str] = "",
    in_state: Annotated[str, QueryParameter(name="state")] = "",
    before: FromQuery[str] = "",
    done: FromQuery[str] = "",
) -> Answer:
    """Newest first, a page at a time. `racer` is an id, what was typed of a name, or "box"."""
    status = ModelStatus(in_state) if in_state in set(ModelStatus) else None
    chosen = Chosen(racer=racer.strip()[:64], status=status, before=before or None)
    return await _list(request, house, chosen, done=DONE.get(done))


@post("/staff/models", guards=MANAGE, opt={EXEMPT: True}, request_max_body_size=FORM_BYTES)
async def upload(request: AnyRequest, house: House, viewer: Viewer, racer: FromQuery[str] = "") -> Answer:
    """Take the file of a form for a racer or the box, from a browser that runs no script."""
    try:
        owner = None if racer == BOX else house.people.get(racer).person_id
        await take_file(request, house, owner, viewer.person_id)
    except ApplianceError as error:
        return await _list(request, house, Chosen(racer=racer), error=error)
    return Redirect(f"/staff/models?{urlencode({'racer': racer, 'done': 'uploaded'})}", status_code=303)


@get(ONE, guards=MANAGE)
async def model(request: AnyRequest, house: House, model_id: FromPath[str], done: FromQuery[str] = "") -> Answer:
    """One model: what is wrong with it, what the box read out of it, the file itself."""
    return await _page(request, house, model_id, done=DONE.get(done))


@post(ONE, guards=MANAGE)
async def rename_model(request: AnyRequest, house: House, viewer: Viewer, model_id: FromPath[str]) -> Answer:
    """Call it something else."""
    name = (await read_form(request)).text("name")
    try:
        await house.models.rename(model_id, name, viewer.person_id)
    except NotFound:
        raise
    except ApplianceError as error:
        return await _page(request, house, model_id, error=error, typed=name)
    return Redirect(f"/staff/models/{model_id}?done=renamed", status_code=303)


@post(f"{ONE}/choose", guards=MANAGE)
async def choose_model(house: House, model_id: FromPath[str]) -> Answer:
    """Race with this one: its racer, or if it is the box's, walk-ups."""
    await house.models.choose(model_id)
    return Redirect(f"/staff/models/{model_id}?done=chosen", status_code=303)


@post(f"{ONE}/delete", guards=MANAGE)
async def delete_model(house: House, viewer: Viewer, model_id: FromPath[str]) -> Answer:
    """Take it away."""
    owner = (await house.models.get(model_id)).racer_id
    await house.models.delete(model_id, viewer.person_id)
    return Redirect(f"/staff/models?{urlencode({'racer': owner or BOX, 'done': 'deleted'})}", status_code=303)


@post("/staff/models/uploads/{upload_id:str}/forget", guards=MANAGE)
async def forget_upload(house: House, upload_id: FromPath[str]) -> Answer:
    """Give up a file that stopped half-way."""
    owner = (await house.uploads.get(upload_id)).racer_id
    await house.uploads.cancel(upload_id)
    return Redirect(f"/staff/models?{urlencode({'racer': owner or BOX, 'done': 'forgotten'})}", status_code=303)


async def _list(
    request: AnyRequest, house: House, chosen: Chosen, *, done: str | None = None, error: ApplianceError | None = None
) -> Answer:
    is_box = chosen.racer == BOX
    person, problem = (None, None) if is_box else racer_named(house, chosen.racer)
    owner = person.person_id if person else None
    sought = Sought(racer_id=owner, is_box=is_box, status=chosen.status, before=chosen.before, limit=PAGE + 1)
    found = [] if problem else await house.models.find(sought)
    unfinished = await house.uploads.unfinished(owner) if person or is_box else []
    quota = house.settings.model_quota_mb
    here = {"racer": BOX if is_box else owner or "", "state": chosen.status or ""}
    return page(
        request,
        "staff/models.html",
        status=error.status if error else 200,
        models=[shown(one) for one in found[:PAGE]],
        newest=f"/staff/models?{urlencode(here)}" if chosen.before else None,
        older=f"/staff/models?{urlencode(here | {'before': found[PAGE - 1].model_id})}" if len(found) > PAGE else None,
        person=person,
        is_box=is_box,
        racer_text=person.username if person else chosen.racer,
        racers=house.people.racers(),
        states=STATES,
        chosen_state=chosen.status,
        problem=problem,
        unfinished=unfinished,
        folder=house.settings.models_dir or house.models.blobs.directory,
        room=room(found, unfinished, quota) if person and not chosen.status and not chosen.before else None,
        done=done,
        error=error,
    )


async def _page(
    request: AnyRequest,
    house: House,
    model_id: str,
    *,
    done: str | None = None,
    error: ApplianceError | None = None,
    typed: str | None = None,
) -> Answer:
    view = await house.models.get(model_id)
    next_one = to_race(await house.models.find(Sought(racer_id=view.racer_id, is_box=view.racer_id is None)))
    return page(
        request,
        "staff/model.html",
        status=error.status if error else 200,
        one=shown(view),
        is_next=next_one is not None and next_one.model_id == model_id,
        person=house.people.get(view.racer_id) if view.racer_id else None,
        done=done,
        error=error,
        typed=typed,
    )


ROUTES = [list_models, upload, model, rename_model, choose_model, delete_model, forget_upload]
