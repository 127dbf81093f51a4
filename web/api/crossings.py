"""Crossings that no race took, a race scored anew with another lock-out, and how clean its signal was."""

from functools import partial
from typing import Annotated

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from appliance.permissions import Permission
from timing.crossing_views import CrossingQuality, LooseCrossing, RescoreView
from timing.journal import Id, ShortText
from timing.structs import RaceView
from web.api.answers import SIGNED_IN, WRITING, problems
from web.auth import needs
from web.given import House, Viewer

CROSSING = "/api/events/{event_id:str}/crossings/{recorder_id:str}/{edge_seq:int}"
RESCORE = "/api/races/{race_id:str}/rescore"

OfTrack = Annotated[str | None, QueryParameter(name="track", description="Only those of this track.")]
Everything = Annotated[
    bool, QueryParameter(name="all", description="Those that were given to a race or dismissed, too.")
]
LockoutMs = Annotated[int, QueryParameter(ge=0, le=60_000, description="The lock-out to try, in milliseconds.")]


class Give(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The race that the crossing belongs to, and why."""

    race_id: Id
    reason: ShortText | None = None


class Rescore(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lock-out, and the `version` of the race whose difference was looked at."""

    lockout_ms: Annotated[int, Meta(ge=0, le=60_000)]
    version: Annotated[int, Meta(ge=0, le=1_000_000)]


MAY_DECIDE = needs(Permission.RUN_RACES, Permission.EDIT_RACES)
decide = partial(post, guards=[MAY_DECIDE], security=SIGNED_IN, responses=WRITING, status_code=200, tags=["crossings"])
take_back = partial(
    delete, guards=[MAY_DECIDE], security=SIGNED_IN, responses=WRITING, status_code=200, tags=["crossings"]
)


@get(
    "/api/events/{event_id:str}/crossings",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=problems(401, 403, 404),
    tags=["crossings"],
)
async def list_crossings(
    house: House, event_id: FromPath[str], track: OfTrack = None, everything: Everything = False
) -> list[LooseCrossing]:
    """The newest crossings that no race took, each with the races that could take it and what that would change."""
    return await house.loose.list(event_id, track, open_only=not everything)


@decide(f"{CROSSING}/give")
async def give_crossing(
    *,
    house: House,
    viewer: Viewer,
    event_id: FromPath[str],
    recorder_id: FromPath[str],
    edge_seq: FromPath[int],
    data: JSONBody[Give],
) -> RaceView:
    """Give it to a race: it counts at the moment it happened, also when that race is submitted by now."""
    actor = viewer.person_id
    return await house.loose.give(event_id, recorder_id, edge_seq, data.race_id, actor=actor, reason=data.reason)


@decide(f"{CROSSING}/dismiss")
async def dismiss_crossing(
    house: House, viewer: Viewer, event_id: FromPath[str], recorder_id: FromPath[str], edge_seq: FromPath[int]
) -> LooseCrossing:
    """It was nobody."""
    return await house.loose.dismiss(event_id, recorder_id, edge_seq, actor=viewer.person_id)


@take_back(f"{CROSSING}/dismiss")
async def undo_dismiss(
    house: House, event_id: FromPath[str], recorder_id: FromPath[str], edge_seq: FromPath[int]
) -> LooseCrossing:
    """Ask again who that was."""
    return await house.loose.undo_dismiss(event_id, recorder_id, edge_seq)


@take_back("/api/races/{race_id:str}/crossings/{seq:int}")
async def take_crossing_out(house: House, viewer: Viewer, race_id: FromPath[str], seq: FromPath[int]) -> RaceView:
    """Take the crossing of journal entry `seq` out of the race; it can be given back, or to another race."""
    return await house.loose.take_out(race_id, seq, actor=viewer.person_id)


@get(
    RESCORE,
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=problems(401, 403, 404, 409, 503),
    tags=["crossings"],
)
async def preview_rescore(house: House, race_id: FromPath[str], lockout_ms: LockoutMs) -> RescoreView:
    """What another lock-out would make of the race. Nothing changes."""
    return await house.rescoring.preview(race_id, lockout_ms)


@decide(RESCORE)
async def rescore(house: House, viewer: Viewer, race_id: FromPath[str], data: JSONBody[Rescore]) -> RaceView:
    """Make the race what another lock-out says, whole or not at all; 409 when it went on since you looked."""
    return await house.rescoring.apply(race_id, data.lockout_ms, viewer.person_id, data.version)


@get(
    "/api/races/{race_id:str}/signal",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=problems(401, 403, 404, 409, 503),
    tags=["crossings"],
)
async def get_signal(house: House, race_id: FromPath[str]) -> list[CrossingQuality]:
    """How clean the strips' signal of each crossing was: bounces, contact time, the other strips of the pass."""
    return await house.rescoring.quality(race_id)


ROUTES = [
    list_crossings,
    give_crossing,
    dismiss_crossing,
    undo_dismiss,
    take_crossing_out,
    preview_rescore,
    rescore,
    get_signal,
]
