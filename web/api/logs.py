"""Logs of races: recordings of cars, fetched to the box, listed, downloaded and deleted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream

from appliance.errors import InvalidInput, named_in
from appliance.permissions import Permission
from cars.log_structs import CarRecordings, LogView, NewLog
from web.api.answers import LIST_LIMIT, READING, SIGNED_IN, WRITING, Before, Limit, problems
from web.auth import needs
from web.car_logs import ask_for_race, own_log
from web.given import House, Viewer

LOG = "/api/logs/{log_id:str}"
MAY = [needs(Permission.MANAGE_CARS)]
OWN = [needs(Permission.OWN_PROFILE)]
READ_BYTES = 256 * 1024
"""Read at a time: no more of a download is in memory."""


@get("/api/logs", guards=OWN, security=SIGNED_IN, responses=READING, tags=["logs"])
async def list_logs(
    *,
    house: House,
    viewer: Viewer,
    car_id: FromQuery[str | None] = None,
    race_id: FromQuery[str | None] = None,
    limit: Limit = LIST_LIMIT,
    before: Before = None,
) -> list[LogView]:
    """Logs on the box or on their way to it, newest first: for the crew all, for a racer their own."""
    racer_id = None if viewer.can(Permission.MANAGE_CARS) else viewer.person_id
    return await house.logs.find(car_id=car_id, race_id=race_id, racer_id=racer_id, limit=limit, before=before)


@post("/api/logs", guards=MAY, security=SIGNED_IN, responses=WRITING, tags=["logs"])
async def create_log(house: House, viewer: Viewer, data: JSONBody[NewLog]) -> LogView:
    """Fetch the logs of a race, or one recording of a car. What is here or on its way is answered, not asked twice."""
    if data.race_id is not None and data.car_id is None and data.recording is None:
        with named_in("race_id"):
            race = await house.control.view(data.race_id)
        return await ask_for_race(house, race, viewer.person_id)
    if data.race_id is None and data.car_id is not None and data.recording is not None:
        with named_in("car_id"):
            return await house.logs.ask_recording(data.car_id, data.recording, viewer.person_id)
    raise InvalidInput("Give a race_id, or a car_id with a recording.", "See docs/api.md.", field="race_id")


@get(LOG, guards=OWN, security=SIGNED_IN, responses=READING, tags=["logs"])
async def get_log(house: House, viewer: Viewer, log_id: FromPath[str]) -> LogView:
    """One, as it is at this moment."""
    return await own_log(house, viewer, log_id)


@delete(LOG, guards=MAY, security=SIGNED_IN, responses=WRITING, status_code=200, tags=["logs"])
async def delete_log(house: House, viewer: Viewer, log_id: FromPath[str]) -> LogView:
    """Take it off the box, or do not fetch it any more. What lies on the car stays there."""
    return await house.logs.delete(log_id, viewer.person_id)


@get(f"{LOG}/file", guards=OWN, security=SIGNED_IN, responses={**READING, **problems(409)}, tags=["logs"], no_gzip=True)
async def get_log_file(house: House, viewer: Viewer, log_id: FromPath[str]) -> Stream:
    """The tar as the car packed it. Its content comes from the car and was never looked into."""
    return await log_stream(house, await own_log(house, viewer, log_id))


@get(
    "/api/cars/{car_id:str}/recordings",
    guards=MAY,
    security=SIGNED_IN,
    responses=problems(401, 403, 404, 503),
    tags=["logs"],
)
async def list_recordings(house: House, car_id: FromPath[str]) -> CarRecordings:
    """What a car has recorded, read from its disk now."""
    return await house.logs.on_car(car_id)


async def log_stream(house: House, view: LogView) -> Stream:
    """The file, under a name of our own; a browser stores it and shows nothing of it."""
    path = await house.logs.file(view.log_id)
    headers = {
        "content-disposition": f'attachment; filename="{view.file_name}"',
        "content-length": str(view.size_bytes),
    }
    return Stream(_read(path), media_type="application/x-tar", headers=headers)


async def _read(path: Path) -> AsyncIterator[bytes]:
    """A file piece by piece, off the event loop."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, READ_BYTES):
            yield piece
    finally:
        await asyncio.to_thread(file.close)


ROUTES = [list_logs, create_log, get_log, delete_log, get_log_file, list_recordings]
