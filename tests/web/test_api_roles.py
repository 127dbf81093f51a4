"""Every call of the API, asked by every role: who is let in, and nobody else."""

import re

import pytest

from appliance.permissions import Role
from tests.web.conftest import ANONYMOUS, Site
from web.api import ROUTES

EVERYBODY = (ANONYMOUS, *(role.value for role in Role))
SIGNED_IN = tuple(role.value for role in Role)
ADMIN = ("admin",)
CREW = ("admin", "operator")
CREW_AND_COMMENTATOR = (*CREW, "commentator")
DESK = ("admin", "registration")
CREW_AND_DESK = (*CREW, "registration")

NOWHERE = "0190a000-0000-7000-8000-000000000000"
NAMED = {"username": "somebody", "password": "long-enough-1"}

# call: (who may, a request that changes nothing, what they are answered)
CALLS: dict[str, tuple[tuple[str, ...], object, int]] = {
    "POST /api/session": (EVERYBODY, {"username": "nobody", "password": "wrong"}, 401),
    "GET /api/session": (SIGNED_IN, None, 200),
    "DELETE /api/session": (SIGNED_IN, None, 204),
    "GET /api/events": (EVERYBODY, None, 200),
    "POST /api/events": (CREW, {"name": ""}, 400),
    "GET /api/events/{event_id}": (EVERYBODY, None, 404),
    "PATCH /api/events/{event_id}": (CREW, {"name": "New"}, 404),
    "DELETE /api/events/{event_id}": (CREW, None, 404),
    "GET /api/events/{event_id}/board": (EVERYBODY, None, 404),
    "GET /api/events/{event_id}/live": (EVERYBODY, None, 404),
    "GET /api/events/{event_id}/tracks/{track_id}/queue": (CREW_AND_COMMENTATOR, None, 404),
    "POST /api/events/{event_id}/tracks/{track_id}/queue": (CREW, {"racer_id": NOWHERE}, 404),
    "GET /api/events/{event_id}/tracks/{track_id}/strips": (CREW_AND_COMMENTATOR, None, 404),
    "GET /api/events/{event_id}/tracks/{track_id}/live": (CREW_AND_COMMENTATOR, None, 404),
    "GET /api/connections": (CREW_AND_COMMENTATOR, None, 200),
    "GET /api/events/{event_id}/crossings": (CREW_AND_COMMENTATOR, None, 404),
    "POST /api/events/{event_id}/crossings/{recorder_id}/{edge_seq}/give": (CREW, {"race_id": NOWHERE}, 404),
    "POST /api/events/{event_id}/crossings/{recorder_id}/{edge_seq}/dismiss": (CREW, None, 404),
    "DELETE /api/events/{event_id}/crossings/{recorder_id}/{edge_seq}/dismiss": (CREW, None, 404),
    "POST /api/events/{event_id}/tracks/{track_id}/queue/send-next": (CREW, None, 404),
    "POST /api/queue/{queue_id}/call": (CREW, None, 404),
    "POST /api/queue/{queue_id}/skip": (CREW, None, 404),
    "POST /api/queue/{queue_id}/move": (CREW, {"position": 1}, 404),
    "POST /api/queue/{queue_id}/prepare": (CREW, {"car_id": None, "model_id": None}, 404),
    "POST /api/queue/{queue_id}/no-show": (CREW, None, 404),
    "POST /api/queue/{queue_id}/back": (CREW, None, 404),
    "DELETE /api/queue/{queue_id}": (CREW, None, 404),
    "GET /api/clock": (CREW_AND_COMMENTATOR, None, 200),
    "GET /api/races": (CREW_AND_COMMENTATOR, None, 200),
    "POST /api/races": (CREW, {"event_id": NOWHERE, "track_id": "1", "racer_id": NOWHERE}, 400),
    "GET /api/races/{race_id}": (CREW_AND_COMMENTATOR, None, 404),
    "GET /api/races/{race_id}/actions": (CREW_AND_COMMENTATOR, None, 404),
    "POST /api/races/{race_id}/actions": (CREW, {"action_id": "1", "kind": "start"}, 404),
    "GET /api/races/{race_id}/trail": (CREW_AND_COMMENTATOR, None, 404),
    "GET /api/races/{race_id}/signal": (CREW_AND_COMMENTATOR, None, 404),
    "DELETE /api/races/{race_id}/crossings/{seq}": (CREW, None, 404),
    "GET /api/races/{race_id}/rescore": (CREW_AND_COMMENTATOR, None, 400),
    "POST /api/races/{race_id}/rescore": (CREW, {"lockout_ms": 1500, "version": 1}, 404),
    "GET /api/racers": (CREW_AND_DESK, None, 200),
    "POST /api/racers": (DESK, {"username": ""}, 400),
    "GET /api/racers/{racer_id}": (CREW_AND_DESK, None, 404),
    "PATCH /api/racers/{racer_id}": (CREW_AND_DESK, {"country": "DE"}, 404),
    "DELETE /api/racers/{racer_id}": (ADMIN, None, 404),
    "POST /api/racers/{racer_id}/merge": (ADMIN, {"duplicate_id": "somebody"}, 404),
    "GET /api/racers/{racer_id}/badge": (CREW_AND_DESK, None, 404),
    "POST /api/racers/{racer_id}/badge": (CREW_AND_DESK, None, 404),
    "GET /api/strips/check": (CREW_AND_COMMENTATOR, None, 200),
    "POST /api/strips/check/{recorder_id}": (CREW, None, 404),
    "POST /api/strips/check/{recorder_id}/skip": (CREW, {}, 404),
    "DELETE /api/strips/check/{recorder_id}": (CREW, None, 404),
    "POST /api/strips/{line}/hit": (CREW, {}, 503),
    "GET /api/people": (ADMIN, None, 200),
    "POST /api/people": (ADMIN, {**NAMED, "roles": []}, 400),
    "PUT /api/people/{person_id}/roles": (ADMIN, {"roles": ["racer"]}, 404),
    "PUT /api/people/{person_id}/password": (ADMIN, {"password": "long-enough-1"}, 404),
    "POST /api/people/{person_id}/badge": (ADMIN, None, 404),
    "DELETE /api/people/{person_id}/badge": (ADMIN, None, 404),
    "GET /api/models": (SIGNED_IN, None, 200),
    "GET /api/models/{model_id}": (SIGNED_IN, None, 404),
    "PATCH /api/models/{model_id}": (SIGNED_IN, {"name": "fast"}, 404),
    "POST /api/models/{model_id}/choose": (SIGNED_IN, None, 404),
    "DELETE /api/models/{model_id}": (SIGNED_IN, None, 404),
    "GET /api/models/{model_id}/file": (SIGNED_IN, None, 404),
    "POST /api/uploads": (SIGNED_IN, {"file_name": "holiday.zip", "size_bytes": 1}, 400),
    "GET /api/uploads": (SIGNED_IN, None, 200),
    "GET /api/uploads/{upload_id}": (SIGNED_IN, None, 404),
    "PUT /api/uploads/{upload_id}": (SIGNED_IN, None, 400),
    "DELETE /api/uploads/{upload_id}": (SIGNED_IN, None, 404),
    "GET /api/cars": (CREW, None, 200),
    "GET /api/cars/now": (CREW, None, 200),
    "POST /api/cars/stop": (CREW, {}, 409),
    "GET /api/cars/found": (CREW, None, 200),
    "POST /api/cars/found": (CREW, {"address": "red car"}, 400),
    "POST /api/cars/look": (CREW, {}, 202),
    "GET /api/cars/{car_id}": (CREW, None, 404),
    "PATCH /api/cars/{car_id}": (CREW, {"name": "Blue 3"}, 404),
    "GET /api/cars/{car_id}/history": (CREW, None, 404),
    "POST /api/cars": (CREW, {"address": "nowhere"}, 400),
    "GET /api/cars/pairings/{pairing_id}": (CREW, None, 404),
    "POST /api/cars/pairings/{pairing_id}/trust": (CREW, None, 404),
    "PUT /api/cars/{car_id}/host-key": (CREW, {"host_key": "ssh-ed25519 AAAA"}, 404),
    "DELETE /api/cars/{car_id}": (CREW, None, 404),
    "POST /api/cars/commands": (CREW, {"verb": "stop", "car_ids": ["nobody"]}, 400),
    "GET /api/cars/commands/{command_id}": (CREW, None, 404),
    "GET /api/cars/{car_id}/commands": (CREW, None, 404),
    "GET /api/fleets": (CREW, None, 200),
    "POST /api/fleets": (CREW, {"name": ""}, 400),
    "PATCH /api/fleets/{fleet_id}": (CREW, {"name": "Left"}, 404),
    "PUT /api/fleets/{fleet_id}/cars": (CREW, {"car_ids": []}, 404),
    "DELETE /api/fleets/{fleet_id}": (CREW, None, 404),
    "GET /api/logs": (SIGNED_IN, None, 200),
    "POST /api/logs": (CREW, {"race_id": NOWHERE}, 400),
    "GET /api/logs/{log_id}": (SIGNED_IN, None, 404),
    "DELETE /api/logs/{log_id}": (CREW, None, 404),
    "GET /api/logs/{log_id}/file": (SIGNED_IN, None, 404),
    "GET /api/cars/{car_id}/recordings": (CREW, None, 404),
    "GET /api/pushes": (CREW, None, 200),
    "POST /api/pushes": (CREW, {"car_ids": [NOWHERE], "model_ids": [NOWHERE]}, 400),
    "GET /api/pushes/{push_id}": (CREW, None, 404),
    "DELETE /api/pushes/{push_id}": (CREW, None, 404),
    "GET /api/cars/{car_id}/models": (CREW, None, 404),
    "GET /api/health": (EVERYBODY, None, 503),
    "GET /api/box": (EVERYBODY, None, 200),
}


def all_calls() -> set[str]:
    """Method and address of every call there is."""
    return {
        f"{method} {re.sub(r':[a-z]+}', '}', path)}"
        for handler in ROUTES
        for path in handler.paths
        for method in handler.http_methods
    }


def test_every_call_is_in_the_table() -> None:
    assert set(CALLS) == all_calls()


@pytest.mark.parametrize("role", EVERYBODY)
async def test_a_role_reaches_exactly_what_the_table_says(site: Site, role: str) -> None:
    got, expected = {}, {}
    for call, (allowed, body, status) in sorted(CALLS.items(), key=lambda item: item[0] == "DELETE /api/session"):
        method, path = call.split(" ")
        address = re.sub(r"{(line|edge_seq|seq)}", "17", path)
        address = re.sub(r"{\w+}", NOWHERE, address)
        async with site.client(role) as client, client.stream(method, address, json=body) as answer:
            got[call] = answer.status_code
        expected[call] = status if role in allowed else (401 if role == ANONYMOUS else 403)
    assert got == expected


async def test_a_refusal_says_what_to_do(site: Site) -> None:
    anonymous = await site.send(ANONYMOUS, "GET", "/api/races")
    assert anonymous.headers["www-authenticate"] == "Bearer"
    assert anonymous.json() == {
        "message": "You are not signed in, or your session has ended.",
        "remedy": "Sign in and try again.",
    }
    racer = await site.send("racer", "GET", "/api/people")
    assert racer.json() == {"message": "Your account may not do this.", "remedy": "Ask an admin for the role admin."}


async def test_a_wrong_bearer_token_is_nobody_even_beside_a_good_cookie(site: Site) -> None:
    async with site.browser("admin") as browser:
        assert (await browser.get("/api/people")).status_code == 200
        answer = await browser.get("/api/people", headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401


async def test_a_signed_out_token_is_worth_nothing(site: Site) -> None:
    assert (await site.send("admin", "DELETE", "/api/session")).status_code == 204
    assert (await site.send("admin", "GET", "/api/session")).status_code == 401
