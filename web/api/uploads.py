"""Uploads of models in pieces that survive bad Wi-Fi: begin, ask how far it is, send on, give up."""

from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Response
from msgspec import Struct

from appliance.errors import NotFound
from appliance.permissions import Permission
from cars.upload_structs import CHUNK_BYTES, NewUpload, UploadView, WrongOffset, too_much
from cars.uploads_store import no_upload
from web.api.answers import READING, SIGNED_IN, WRITING, problems
from web.auth import needs
from web.given import House, Viewer
from web.model_owner import may_touch, owner_meant

UPLOAD = "/api/uploads/{upload_id:str}"
ROOM_FOR_A_CHUNK = CHUNK_BYTES + 1
"""One byte more than a chunk: what is longer is refused in our words."""

Offset = Annotated[int, QueryParameter(ge=0, description="Where in the file the body belongs.")]
ChunkSha256 = Annotated[
    str | None,
    HeaderParameter(
        name="x-chunk-sha256", pattern="^[0-9a-f]{64}$", description="Digest of the body: a damaged one is refused."
    ),
]


class WrongOffsetProblem(Struct, frozen=True, kw_only=True):
    """The bytes belong elsewhere: send on from `offset`. With a `model_id` all of them are here."""

    message: str
    remedy: str
    offset: int
    model_id: str | None


SENDING = {
    **WRITING,
    409: ResponseSpec(
        data_container=WrongOffsetProblem,
        generate_examples=False,
        description="The upload stands at `offset`: nothing was taken.",
    ),
}


def _on_wrong_offset(_: Request[Any, Any, Any], error: WrongOffset) -> Response[WrongOffsetProblem]:
    problem = WrongOffsetProblem(
        message=error.message, remedy=error.remedy, offset=error.upload.offset, model_id=error.upload.model_id
    )
    return Response(problem, status_code=error.status, media_type="application/json")


async def _own_upload(house: House, viewer: Viewer, upload_id: str) -> UploadView:
    """The upload, to whoever may know of it."""
    upload = await house.uploads.get(upload_id)
    if not may_touch(viewer, upload.racer_id):
        raise no_upload()
    return upload


@post(
    "/api/uploads",
    guards=[needs(Permission.UPLOAD_MODELS)],
    security=SIGNED_IN,
    responses={**WRITING, **problems(429)},
    tags=["models"],
)
async def begin_upload(house: House, viewer: Viewer, data: JSONBody[NewUpload]) -> UploadView:
    """Begin an upload, or find the unfinished one of the same file: go on from `offset`."""
    racer_id = owner_meant(house.people, viewer, data.racer_id)
    return await house.uploads.begin(data, racer_id, viewer.person_id)


@get(
    "/api/uploads",
    guards=[needs(Permission.UPLOAD_MODELS)],
    security=SIGNED_IN,
    responses=READING,
    tags=["models"],
)
async def list_uploads(house: House, viewer: Viewer, racer_id: FromQuery[str | None] = None) -> list[UploadView]:
    """Unfinished uploads, one's own or, for the crew, a racer's."""
    wanted = racer_id or viewer.person_id
    if not may_touch(viewer, wanted):
        raise NotFound("There are no such uploads.", "Leave the racer out.")
    return await house.uploads.unfinished(wanted)


@get(UPLOAD, guards=[needs(Permission.UPLOAD_MODELS)], security=SIGNED_IN, responses=READING, tags=["models"])
async def get_upload(house: House, viewer: Viewer, upload_id: FromPath[str]) -> UploadView:
    """How far it is. With a `model_id` it is finished."""
    return await _own_upload(house, viewer, upload_id)


@put(
    UPLOAD,
    guards=[needs(Permission.UPLOAD_MODELS)],
    security=SIGNED_IN,
    responses=SENDING,
    request_max_body_size=ROOM_FOR_A_CHUNK,
    exception_handlers={WrongOffset: _on_wrong_offset},
    tags=["models"],
)
async def send_chunk(
    *,
    house: House,
    viewer: Viewer,
    request: Request[Any, Any, Any],
    upload_id: FromPath[str],
    offset: Offset,
    chunk_sha256: ChunkSha256 = None,
) -> UploadView:
    """Send bytes, 4 MiB at most, as they are. The answer's `offset` is on the disk; the last one has a `model_id`."""
    await _own_upload(house, viewer, upload_id)
    if (request.content_length or 0) > CHUNK_BYTES:
        raise too_much()
    return await house.uploads.receive(upload_id, offset, request.stream(), chunk_sha256)


@delete(UPLOAD, guards=[needs(Permission.UPLOAD_MODELS)], security=SIGNED_IN, responses=WRITING, tags=["models"])
async def cancel_upload(house: House, viewer: Viewer, upload_id: FromPath[str]) -> None:
    """Throw away what came of it. A model that it became stays."""
    await _own_upload(house, viewer, upload_id)
    await house.uploads.cancel(upload_id)


ROUTES = [begin_upload, list_uploads, get_upload, send_chunk, cancel_upload]
