"""One's own models, on the phone: upload, how each stands and what to do about it, rename, delete. Needs a session."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError
from cars.model_choice import to_race
from cars.model_structs import ModelStatus
from cars.models import Sought
from cars.models_store import no_model
from cars.uploads_store import no_upload
from web.auth import require_viewer, signed_in
from web.csrf import EXEMPT
from web.given import House, Viewer, Visitor
from web.pages.model_words import room, shown
from web.pages.plain_upload import FORM_BYTES, take_file
from web.pages.public.forms import text_fields
from web.render import page

AnyRequest = Request[Any, Any, Any]

DONE = {
    "uploaded": "Your file is here. The box looks into it now.",
    "renamed": "Renamed.",
    "chosen": "You race with this one next.",
    "chosen-late": "Chosen. The crew has prepared another one for you already: tell them at the track.",
    "deleted": "Deleted.",
    "forgotten": "It will not be sent on.",
}


class MyModelsPage(Controller):
    """`/me/models` and what can be done there: one's own only, whatever id is sent."""

    path = "/me/models"
    guards = [signed_in]  # noqa: RUF012  Litestar's own way to say it
    include_in_schema = False

    @get()
    async def show(
        self, request: AnyRequest, house: House, viewer: Visitor, done: FromQuery[str] = ""
    ) -> Response[str]:
        """A person's own models, with the form for more; js/upload.js sends them in pieces."""
        return await _page(request, house, require_viewer(viewer), done=DONE.get(done))

    @post(opt={EXEMPT: True}, request_max_body_size=FORM_BYTES)
    async def upload(self, request: AnyRequest, house: House, viewer: Visitor) -> Response[Any]:
        """Take the file of a form, from a browser that runs no script."""
        me = require_viewer(viewer)
        try:
            await take_file(request, house, me.person_id, me.person_id)
        except ApplianceError as error:
            return await _page(request, house, me, error=error)
        return Redirect("/me/models?done=uploaded", status_code=303)

    @post("/{model_id:str}")
    async def rename(
        self, request: AnyRequest, house: House, viewer: Visitor, model_id: FromPath[str]
    ) -> Response[Any]:
        """Call one's model something else."""
        me = require_viewer(viewer)
        typed = (await text_fields(request))["name"]
        await _own(house, me, model_id)
        try:
            await house.models.rename(model_id, typed, me.person_id)
        except ApplianceError as error:
            return await _page(request, house, me, error=error, renaming=model_id, typed=typed)
        return Redirect("/me/models?done=renamed", status_code=303)

    @post("/{model_id:str}/choose")
    async def choose(
        self, request: AnyRequest, house: House, viewer: Visitor, model_id: FromPath[str]
    ) -> Response[Any]:
        """Race with this one of one's models; the crew's next tap puts it on a car."""
        me = require_viewer(viewer)
        await _own(house, me, model_id)
        try:
            await house.models.choose(model_id)
        except ApplianceError as error:
            return await _page(request, house, me, error=error)
        entries = house.queue.position_of(me.person_id)
        is_late = any(entry.model_id not in (None, model_id) for entry in entries)
        return Redirect(f"/me/models?done={'chosen-late' if is_late else 'chosen'}", status_code=303)

    @post("/{model_id:str}/delete")
    async def delete(self, house: House, viewer: Visitor, model_id: FromPath[str]) -> Redirect:
        """Take one's model away."""
        me = require_viewer(viewer)
        await _own(house, me, model_id)
        await house.models.delete(model_id, me.person_id)
        return Redirect("/me/models?done=deleted", status_code=303)

    @post("/uploads/{upload_id:str}/forget")
    async def forget_upload(self, house: House, viewer: Visitor, upload_id: FromPath[str]) -> Redirect:
        """Give up a file that stopped half-way."""
        me = require_viewer(viewer)
        if (await house.uploads.get(upload_id)).racer_id != me.person_id:
            raise no_upload()
        await house.uploads.cancel(upload_id)
        return Redirect("/me/models?done=forgotten", status_code=303)


async def _own(house: House, me: Viewer, model_id: str) -> None:
    """Nobody's but one's own: another's is not there, also for the crew, which has a page for it."""
    if (await house.models.get(model_id)).racer_id != me.person_id:
        raise no_model()


async def _page(
    request: AnyRequest,
    house: House,
    me: Viewer,
    *,
    done: str | None = None,
    error: ApplianceError | None = None,
    renaming: str | None = None,
    typed: str | None = None,
) -> Response[str]:
    models = await house.models.find(Sought(racer_id=me.person_id))
    unfinished = await house.uploads.unfinished(me.person_id)
    next_one = to_race(models)
    return page(
        request,
        "public/models.html",
        status=error.status if error else 200,
        models=[shown(model) for model in models],
        next_id=None if next_one is None else next_one.model_id,
        unfinished=unfinished,
        checking=any(model.status is ModelStatus.UPLOADED for model in models),
        room=room(models, unfinished, house.settings.model_quota_mb),
        done=done,
        error=error,
        renaming=renaming,
        typed=typed,
    )
