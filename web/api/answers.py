"""What every call of the API shares: how refusals are written into the schema, limits of lists, who acted."""

from typing import Annotated

from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from web.problem import Problem
from web.straight_stream import EVENTS

SIGNED_IN: list[dict[str, list[str]]] = [{"token": []}]
"""`security=` of a call that needs a role; the schema's name for a bearer token."""

MEANINGS = {
    400: "The request is wrong in itself; `field` names what.",
    401: "Nobody is signed in, or the session has ended.",
    403: "The role does not cover it, or a browser's request came without its CSRF token.",
    404: "It does not exist, or not any more.",
    409: "A right request at the wrong moment: nothing changed.",
    413: "More than 64 KiB.",
    429: "Too many wrong tries; `Retry-After` says how many seconds to wait.",
    503: "Not possible now: the disk is full, the recorder is away, or the box is stopping. Nothing changed.",
}

LIST_LIMIT = 200
LIST_LIMIT_MAX = 1_000
Limit = Annotated[int, QueryParameter(ge=1, le=LIST_LIMIT_MAX, description="How many at most.")]
Before = Annotated[
    str | None, QueryParameter(description="The id that ended the page before: the list goes on after it.")
]


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The refusals a call can answer, for `responses=`; 400 is always among them."""
    return {
        status: ResponseSpec(data_container=Problem, generate_examples=False, description=MEANINGS[status])
        for status in sorted({400, *statuses})
    }


def events(what: str, *statuses: int) -> dict[int, ResponseSpec]:
    """The same for a stream: `what` it sends, then its refusals."""
    stream = ResponseSpec(
        data_container=str,
        generate_examples=False,
        media_type=EVENTS,
        description=f"Server-Sent Events without end: {what}.",
    )
    return {200: stream, **problems(*statuses)}


READING = problems(401, 403, 404)
"""A call that reads and needs a role."""
WRITING = problems(401, 403, 404, 409, 413, 503)
"""A call that changes something and needs a role."""
