"""What the cars add to the health of the box: who is away or shows a new key, pushes that fail, room for models."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from appliance.health import Check, Probe
from cars.blobs import Blobs
from cars.finder.finder import Finder
from cars.push_rules import PushState
from cars.push_structs import PushView
from cars.pushes import Pushes, Which

LATELY = timedelta(minutes=30)
LOOKED_AT = 50
FAILING = 3
"""So many in a row without one that came through: it is not the one car with a flat battery."""
LOW_BYTES = 2_000_000_000
"""Room for a hundred models of the usual 20 MB: enough for an afternoon."""
NAMED = 4
MAKE_ROOM = "Delete old models, logs or backups."


def car_probes(finder: Finder, pushes: Pushes, blobs: Blobs) -> dict[str, Probe]:
    """By the names that they have in the report."""

    def cars() -> Check:
        return check_keys(finder.check(), [row.car.name for row in finder.listing().cars if row.reflashed])

    async def failing() -> Check:
        return check_pushes(await pushes.find(which=Which.ENDED, limit=LOOKED_AT), datetime.now(UTC))

    async def room() -> Check:
        return check_room(await asyncio.to_thread(blobs.spare_bytes))

    return {"cars": cars, "pushes": failing, "model_room": room}


def check_keys(answering: Check, changed: Sequence[str]) -> Check:
    """Who answers, and who shows another host key than when it was paired: flashed anew, or somebody else."""
    if not changed:
        return answering
    verb = "shows another host key than it" if len(changed) == 1 else "show other host keys than they"
    message = f"{answering.message} {_listed(changed)} {verb} did when paired."
    remedy = "Open it under Cars: if it was flashed, trust its new key there; else somebody has its address."
    return Check(ok=True, message=message, remedy=f"{remedy} {answering.remedy}".strip())


def check_pushes(ended: Sequence[PushView], now: datetime) -> Check:
    """
    Whether models get to the cars.

    Args:
        ended: Newest first.
    """
    lately = [push for push in ended if push.ended_at and now - datetime.fromisoformat(push.ended_at) < LATELY]
    tried = [push for push in lately if push.state is not PushState.CANCELLED]
    failed = [push for push in tried if push.state is PushState.FAILED]
    if not failed:
        return Check(ok=True, message="No push failed in the last half hour.")
    names = _listed(list(dict.fromkeys(push.car_name for push in failed)))
    is_failing = len(tried) >= FAILING and all(push.state is PushState.FAILED for push in tried[:FAILING])
    message = f"{len(failed)} of {len(tried)} pushes failed in the last half hour: to {names}."
    if is_failing:
        message = f"The last {FAILING} pushes failed, {len(failed)} in the last half hour: to {names}."
    return Check(ok=not is_failing, message=message, remedy=f"{failed[0].reason} {failed[0].remedy or ''}".strip())


def check_room(spare_bytes: int) -> Check:
    """Whether models and logs may still come; races go on without them."""
    if spare_bytes <= 0:
        message = "There is no room for models and logs any more: what is left belongs to the timing."
        return Check(ok=True, message=message, remedy=MAKE_ROOM)
    message = f"Models and logs may take {spare_bytes // 1_000_000} MB more."
    return Check(ok=True, message=message, remedy=MAKE_ROOM if spare_bytes < LOW_BYTES else "")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
