"""Models: one's own for racers, everybody's for the crew."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta, Struct

from appliance.permissions import Permission
from cars.model_structs import ModelStatus, ModelView
from cars.models_store import Sought, no_model
from web.api.answers import LIST_LIMIT, READING, SIGNED_IN, WRITING, Before, Limit, problems
from web.auth import needs
from web.given import House, Viewer
from web.model_owner import may_touch

MODEL = "/api/models/{model_id:str}"
READ_BYTES = 256 * 1024
"""Read at a time: no more of a download is in memory."""

InStatus = Annotated[ModelStatus | None, QueryParameter(name="status")]
Box = Annotated[bool, QueryParameter(description="Only the box's own, for walk-ups.")]
Deleted = Annotated[bool, QueryParameter(description="Deleted ones too.")]


class ModelPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be changed of a model."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]


async def own_model(house: House, viewer: Viewer, model_id: str) -> ModelView:
    """The model, to whoever may know of it."""
    model = await house.models.get(model_id)
    if not may_touch(viewer, model.racer_id):
        raise no_model()
    return model


@get("/api/models", guards=[needs(Permission.UPLOAD_MODELS)], security=SIGNED_IN, responses=READING, tags=["models"])
async def list_models(
    *,
    house: House,
    viewer: Viewer,
    racer_id: FromQuery[str | None] = None,
    box: Box = False,
    status: InStatus = None,
    deleted: Deleted = False,
    limit: Limit = LIST_LIMIT,
    before: Before = None,
) -> list[ModelView]:
    """One's own models, or for the crew everybody's and the box's; newest first."""
    if not viewer.can(Permission.MANAGE_MODELS):
        if box or racer_id not in (None, viewer.person_id):
            raise no_model()
        racer_id = viewer.person_id
    return await house.models.find(
        Sought(racer_id=racer_id, is_box=box, status=status, with_deleted=deleted, before=before, limit=limit)
    )


@get(MODEL, guards=[needs(Permission.UPLOAD_MODELS)], security=SIGNED_IN, responses=READING, tags=["models"])
async def get_model(house: House, viewer: Viewer, model_id: FromPath[str]) -> ModelView:
    """One model: where it stands, and what was read out of it."""
    return await own_model(house, viewer, model_id)


@patch(MODEL, guards=[needs(Permission.UPLOAD_MODELS)], security=SIGNED_IN, responses=WRITING, tags=["models"])
async def rename_model(house: House, viewer: Viewer, model_id: FromPath[str], data: JSONBody[ModelPatch]) -> ModelView:
    """Call it something else: letters, digits, - and _."""
    await own_model(house, viewer, model_id)
    return await house.models.rename(model_id, data.name, viewer.person_id)


@post(
    f"{MODEL}/choose",
    guards=[needs(Permission.UPLOAD_MODELS)],
    security=SIGNED_IN,
    responses=WRITING,
    status_code=200,
    tags=["models"],
)
async def choose_model(house: House, viewer: Viewer, model_id: FromPath[str]) -> ModelView:
    """Race with this one of its racer's; of the box's own: give it to walk-ups."""
    await own_model(house, viewer, model_id)
    return await house.models.choose(model_id)


@delete(MODEL, guards=[needs(Permission.UPLOAD_MODELS)], security=SIGNED_IN, responses=WRITING, tags=["models"])
async def delete_model(house: House, viewer: Viewer, model_id: FromPath[str]) -> None:
    """Take it away. What is on a car already stays there; races that drove it keep its name."""
    await own_model(house, viewer, model_id)
    await house.models.delete(model_id, viewer.person_id)


@get(
    f"{MODEL}/file",
    guards=[needs(Permission.UPLOAD_MODELS)],
    security=SIGNED_IN,
    responses={**READING, **problems(409)},
    tags=["models"],
    no_gzip=True,
)
async def get_file(house: House, viewer: Viewer, model_id: FromPath[str]) -> Stream:
    """The archive as it was uploaded."""
    model = await own_model(house, viewer, model_id)
    archive = await house.models.archive(model_id)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(model.file_name)}",
        "content-length": str(model.size_bytes),
    }
    return Stream(_read(archive), media_type="application/gzip", headers=headers)


async def _read(path: Path) -> AsyncIterator[bytes]:
    """A file piece by piece, off the event loop."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, READ_BYTES):
            yield piece
    finally:
        await asyncio.to_thread(file.close)


ROUTES = [list_models, get_model, rename_model, choose_model, delete_model, get_file]
