"""An id in a body that nobody has is a wrong field, 400: 404 says that what the address names is not there."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from appliance import clock
from appliance.ids import new_id
from cars.fleet_structs import NewFleet
from tests.web.car_day import enrol
from tests.web.conftest import ANONYMOUS, Site
from tests.web.loose_crossings import edge_at, keep
from tests.web.racing_day import add_racer, start_race
from timing.structs import Event

NOBODY = "0190a000-0000-7000-8000-00000000dead"

REFUSED: dict[str, dict[str, dict[str, Any]]] = {
    "POST /api/racers/{racer_id}/merge": {"duplicate_id": {}},
    "POST /api/races": {
        "event_id": {"track_id": "2", "racer_id": "racer_id"},
        "track_id": {"event_id": "event_id", "racer_id": "racer_id"},
        "racer_id": {"event_id": "event_id", "track_id": "2"},
    },
    "POST /api/races/{race_id}/actions": {
        "racer_id": {"kind": "set_racer", "action_id": NOBODY},
        "track_id": {"kind": "set_track", "action_id": NOBODY},
    },
    "POST /api/events/{event_id}/crossings/{recorder_id}/{edge_seq}/give": {"race_id": {"reason": "It was seen."}},
    "POST /api/events/{event_id}/tracks/{track_id}/queue": {"racer_id": {}},
    "POST /api/queue/{queue_id}/prepare": {"car_id": {"model_id": None}, "model_id": {"car_id": None}},
    "PUT /api/fleets/{fleet_id}/cars": {"car_ids": {}},
    "POST /api/cars": {"fleet_id": {"address": "127.0.0.1", "port": 1, "console_password": "x"}},
    "POST /api/cars/commands": {"car_ids": {"verb": "stop"}, "fleet_id": {"verb": "stop", "car_ids": []}},
    "POST /api/cars/stop": {"event_id": {"track_id": "1"}, "track_id": {"event_id": "event_id"}},
    "POST /api/uploads": {"racer_id": {"file_name": "a.tar.gz", "size_bytes": 1_000}},
    "POST /api/pushes": {"car_ids": {"model_ids": [NOBODY]}, "model_ids": {"car_ids": ["car_id"]}},
    "POST /api/logs": {"race_id": {}, "car_id": {"recording": "bag"}},
}
"""By call and field: the rest of a body that is right but for that field; values that name a place are filled in."""

OWN = "the caller's own, for retries"
STRANGER = "a car of another box, or one by its sticker"
OF_TRACKS = {
    "track_id": "a number that the caller may give; the event makes up what is missing",
    "fleet_id": "a fleet that went is none, so that a track outlives it",
    "recorder_id": "the recorder may not be plugged in yet",
}
EXCUSED = {
    "POST /api/events": OF_TRACKS,
    "PATCH /api/events/{event_id}": OF_TRACKS,
    "POST /api/races": {"race_id": OWN, "car_id": STRANGER, "model_id": STRANGER},
    "POST /api/races/{race_id}/actions": {
        "action_id": OWN,
        "pressed_boot_id": "a press of an earlier boot is refused as what it is",
        "car_id": STRANGER,
        "model_id": STRANGER,
    },
    "POST /api/cars/commands": {"command_id": OWN},
    "POST /api/cars/stop": {"command_id": OWN},
}
"""By call and field: ids that are taken as they come, and why."""
TABLES: tuple[Mapping[str, Mapping[str, object]], ...] = (REFUSED, EXCUSED)


def ids_in(schema: dict[str, Any], shapes: dict[str, Any], seen: tuple[str, ...] = ()) -> Iterator[str]:
    """The names of all fields with ids that a body of this schema may have, however deep."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if name not in seen:
            yield from ids_in(shapes[name], shapes, (*seen, name))
        return
    for field, inner in schema.get("properties", {}).items():
        if field.endswith(("_id", "_ids")):
            yield field
        yield from ids_in(inner, shapes, seen)
    for inner in [
        *schema.get("oneOf", []),
        *schema.get("anyOf", []),
        *([schema["items"]] if "items" in schema else []),
    ]:
        yield from ids_in(inner, shapes, seen)


async def test_every_id_in_a_body_is_refused_or_excused(site: Site) -> None:
    schema = (await site.send(ANONYMOUS, "GET", "/schema/openapi.json")).json()
    found = {
        (f"{method.upper()} {path}", field)
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for field in ids_in(content["schema"], schema["components"]["schemas"])
    }
    refused, excused = ({(call, field) for call, fields in table.items() for field in fields} for table in TABLES)
    assert found == refused | excused
    assert not refused & excused


@pytest.fixture
async def things(site: Site, event: Event) -> dict[str, str]:
    """One of each thing that addresses name, by the name of its id."""
    house = site.house
    racer_id = await add_racer(house, "mia")
    race = await start_race(house, event, racer_id)
    edge = edge_at(clock.mono_ns(), 4)
    await keep(house, event, edge)
    entry = await house.queue.add(event.event_id, "1", await add_racer(house, "bo"), "test")
    return {
        "racer_id": racer_id,
        "race_id": race.race_id,
        "event_id": event.event_id,
        "track_id": "1",
        "recorder_id": edge.recorder_id,
        "edge_seq": str(edge.seq),
        "queue_id": entry.queue_id,
        "fleet_id": (await house.fleets.add(NewFleet(name="Left"))).fleet_id,
        "car_id": (await enrol(house, "Blau 1")).car_id,
    }


def filled(value: Any, things: dict[str, str]) -> Any:
    """The ids that a body's values stand for."""
    if isinstance(value, list):
        return [filled(one, things) for one in value]
    return things.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize(("call", "field"), [(call, field) for call, fields in REFUSED.items() for field in fields])
async def test_an_id_that_nobody_has_is_a_wrong_field(
    site: Site, things: dict[str, str], call: str, field: str
) -> None:
    method, address = call.split(" ")
    rest = {name: filled(value, things) for name, value in REFUSED[call][field].items()}
    body = {**rest, field: [NOBODY] if field.endswith("_ids") else NOBODY}

    answer = await site.send("admin", method, address.format(**things), json=body)

    assert (answer.status_code, answer.json().get("field")) == (400, field), answer.text
    assert answer.json()["remedy"]
    assert await site.house.pushes.find() == []
    assert site.house.commands.open(things["car_id"]) == []


async def test_what_an_address_names_is_not_there(site: Site, things: dict[str, str]) -> None:
    """Whatever is in the body."""
    for call in ("PUT /api/fleets/{fleet_id}/cars", "POST /api/queue/{queue_id}/prepare"):
        method, address = call.split(" ")
        body = {"car_ids": [NOBODY]} if "fleets" in call else {"car_id": NOBODY, "model_id": None}
        answer = await site.send("admin", method, address.format(fleet_id=new_id(), queue_id=new_id()), json=body)
        assert (answer.status_code, "field" in answer.json()) == (404, False), answer.text
