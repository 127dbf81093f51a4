"""All cars at a glance, for a terminal or a screen of one's own, and the one call that stops those of a track."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from litestar import get, post
from litestar.params import FromQuery, JSONBody
from msgspec import Meta, Struct

from appliance.clock import now_iso
from appliance.permissions import Permission
from cars.command_structs import CommandView
from cars.push_rules import PushState
from cars.push_structs import PushView
from cars.readings import CarReading
from web.api.answers import READING, SIGNED_IN, WRITING
from web.auth import needs
from web.given import House, Viewer
from web.pages.staff.car_cards import CarCard, picture
from web.track_cars import stop_track

CREW = [needs(Permission.MANAGE_CARS)]
PERCENT = 100


class SendingNow(Struct, frozen=True, kw_only=True):
    """
    The models on their way to a car: the one whose turn it is, and how many wait behind it.

    `percent` of it is on the car for certain; `reason` and `remedy` say what it waits for, None while it goes on.
    """

    model_name: str
    state: PushState
    percent: int
    behind: int
    reason: str | None
    remedy: str | None


class CarNow(Struct, frozen=True, kw_only=True):
    """
    A car at this moment.

    `state` is a word for people, `notes` what needs a hand in a few words each, `warning` the same as sentences that
    say what to do. `reading` is what it told of itself last.
    """

    car_id: str
    name: str
    is_online: bool
    last_seen_at: str | None
    state: str
    place: str
    fleet_id: str | None
    fleet: str | None
    light: str | None
    notes: list[str]
    warning: str | None
    reading: CarReading
    sending: SendingNow | None


class TrackFleet(Struct, frozen=True, kw_only=True):
    """A track of the event; without a fleet all cars are its own."""

    track_id: str
    name: str
    fleet_id: str | None


class CarList(Struct, frozen=True, kw_only=True):
    """All of it; `at` is the box's time of day, which the other moments are to be compared with."""

    at: str
    cars: list[CarNow]
    tracks: list[TrackFleet]


class TrackStop(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose cars; without an event all. `command_id` of one's own makes a retry ask nobody twice."""

    event_id: str | None = None
    track_id: str | None = None
    command_id: Annotated[str, Meta(min_length=8, max_length=64)] | None = None


@get("/api/cars/now", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def get_cars_now(house: House, event_id: FromQuery[str | None] = None) -> CarList:
    """Every paired car by name, with what is told of it; `tracks` are those of the event."""
    house.finder.watch()
    sending: dict[str, list[PushView]] = defaultdict(list)
    for push in house.pushes.all_open():
        sending[push.car_id].append(push)
    event = None if event_id is None else house.events.get(event_id)
    fleets = {fleet.fleet_id for fleet in house.fleets.all()}
    return CarList(
        at=now_iso(),
        cars=[
            _now(card, house.cars.readings.of(card.car.car_id), sending[card.car.car_id])
            for card in picture(house).cars
        ],
        tracks=[
            TrackFleet(
                track_id=track.track_id,
                name=track.name,
                fleet_id=track.fleet_id if track.fleet_id in fleets else None,
            )
            for track in ([] if event is None else event.tracks)
        ],
    )


@post("/api/cars/stop", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"])
async def stop_cars(house: House, viewer: Viewer, data: JSONBody[TrackStop]) -> list[CommandView]:
    """Stop the cars of a track, or all: first and fast. Answers as soon as they are asked."""
    return await stop_track(house, data.event_id, data.track_id, viewer.person_id, data.command_id)


def _now(card: CarCard, reading: CarReading, pushes: Sequence[PushView]) -> CarNow:
    car = card.car
    return CarNow(
        car_id=car.car_id,
        name=car.name,
        is_online=car.is_online,
        last_seen_at=car.last_seen_at,
        state=card.state,
        place=card.place,
        fleet_id=car.fleet_id,
        fleet=card.fleet,
        light=car.light,
        notes=list(card.notes),
        warning=card.warning,
        reading=reading,
        sending=_sending(pushes),
    )


def _sending(pushes: Sequence[PushView]) -> SendingNow | None:
    """Oldest first; the one that is under way is not always the oldest."""
    if not pushes:
        return None
    first = next((push for push in pushes if push.state is not PushState.WAITING), pushes[0])
    return SendingNow(
        model_name=first.model_name,
        state=first.state,
        percent=PERCENT * first.sent_bytes // max(1, first.size_bytes),
        behind=len(pushes) - 1,
        reason=first.reason,
        remedy=first.remedy,
    )


ROUTES = [get_cars_now, stop_cars]
