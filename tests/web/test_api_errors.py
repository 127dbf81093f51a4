"""What a wrong request hears: one shape, the right status, words that help, nothing of the inside."""

import asyncio
import logging
from typing import Any

import pytest

from appliance.errors import ApplianceError
from tests.web.conftest import ANONYMOUS, PASSWORD, Site

SCHEMA = "Correct it and send the request again; /schema lists what is accepted."

WRONG_BODIES: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {"json": {"name": "A", "colour": "red"}},
        {"message": "colour: Object contains unknown field `colour`.", "remedy": SCHEMA, "field": "colour"},
    ),
    (
        {"json": {"name": "A", "rules": {"race_ms": "60000"}}},
        {"message": "rules.race_ms: Expected `int | null`, got `str`.", "remedy": SCHEMA, "field": "rules.race_ms"},
    ),
    ({"json": []}, {"message": "Expected `object`, got `array`.", "remedy": SCHEMA}),
    (
        {"json": {}},
        {"message": "name: Object missing required field `name`.", "remedy": SCHEMA, "field": "name"},
    ),
    (
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"message": "The body is not JSON: Input data was truncated.", "remedy": "Send one JSON object in UTF-8."},
    ),
    (
        {"content": b'{"name":"A"}', "headers": {"content-type": "text/plain"}},
        {
            "message": "The body is not marked as JSON.",
            "remedy": "Send it with Content-Type: application/json.",
        },
    ),
]


@pytest.mark.parametrize(("request_", "problem"), WRONG_BODIES)
async def test_a_wrong_body_is_refused_with_its_path(
    site: Site, request_: dict[str, Any], problem: dict[str, str]
) -> None:
    answer = await site.send("admin", "POST", "/api/events", **request_)
    assert (answer.status_code, answer.json()) == (400, problem)
    assert site.house.events.list() == []


async def test_no_body_at_all_is_refused(site: Site) -> None:
    answer = await site.send("admin", "POST", "/api/events")
    assert answer.status_code == 400
    assert set(answer.json()) == {"message", "remedy"}


async def test_a_wrong_query_names_its_parameter(site: Site) -> None:
    answer = await site.send("admin", "GET", "/api/races?limit=1001")
    assert answer.status_code == 400
    assert answer.json() == {"message": "limit: Expected `int` <= 1000.", "remedy": SCHEMA, "field": "limit"}


async def test_an_address_that_leads_nowhere(site: Site) -> None:
    answer = await site.send(ANONYMOUS, "GET", "/api/nothing")
    assert answer.status_code == 404
    assert answer.json() == {
        "message": "There is nothing at /api/nothing.",
        "remedy": "Check the address, or start again from the home page.",
    }


async def test_a_method_that_is_not_there_names_those_that_are(site: Site) -> None:
    answer = await site.send(ANONYMOUS, "PUT", "/api/races")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, OPTIONS, POST"
    assert answer.json() == {"message": "PUT is not possible at /api/races.", "remedy": "Use GET, OPTIONS, POST."}


async def test_too_large_a_body_is_refused_unread(site: Site) -> None:
    answer = await site.send("admin", "POST", "/api/events", json={"name": "A" * 70_000})
    assert answer.status_code == 413
    assert answer.json() == {
        "message": "The request is too large.",
        "remedy": "Send less at a time; this call takes 64 KiB.",
    }


async def test_people_get_the_same_words_on_a_page(site: Site) -> None:
    answer = await site.send(ANONYMOUS, "GET", "/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "There is nothing at /nothing." in answer.text
    assert "Check the address, or start again from the home page." in answer.text


async def test_a_name_in_an_address_cannot_become_markup(site: Site) -> None:
    answer = await site.send(ANONYMOUS, "GET", "/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


async def test_a_fault_of_ours_leaks_nothing_and_is_found_in_the_log_by_its_number(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: str) -> None:
        raise RuntimeError("secret path /etc/passwd")

    monkeypatch.setattr(site.house.events, "get", broken)
    with caplog.at_level(logging.ERROR):
        answer = await site.send(ANONYMOUS, "GET", "/api/events/x")
    assert answer.status_code == 500
    assert answer.json()["message"] == "Something went wrong inside Trackside."
    number = answer.json()["remedy"].rpartition(" ")[2].rstrip(".")
    assert "secret" not in answer.text
    assert number in caplog.text
    assert "secret path" in caplog.text


async def test_each_kind_of_error_answers_its_own_status(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ApplianceError.__subclasses__():
        if kind.__name__ == "TooManyTries":
            continue

        def raising(_: str, kind: type[ApplianceError] = kind) -> None:
            raise kind("What.", "Do.")

        monkeypatch.setattr(site.house.events, "get", raising)
        answer = await site.send(ANONYMOUS, "GET", "/api/events/x")
        assert answer.status_code == kind.status
        assert (answer.json()["message"], answer.json()["remedy"]) == ("What.", "Do.")


async def test_too_many_wrong_passwords_say_when_to_come_back(site: Site) -> None:
    body = {"username": "the-admin", "password": "wrong-password"}
    statuses = []
    for _ in range(60):
        answer = await site.send(ANONYMOUS, "POST", "/api/session", json=body)
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            break
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert set(answer.json()) == {"message", "remedy"}


async def test_signing_in_answers_a_token_that_works(site: Site) -> None:
    body = {"username": "the-operator", "password": PASSWORD}
    answer = await site.send(ANONYMOUS, "POST", "/api/session", json=body)
    assert answer.status_code == 201
    assert answer.json()["username"] == "the-operator"
    assert "operator" in answer.json()["roles"]
    async with site.client() as client:
        mine = await client.get("/api/races", headers={"authorization": f"bearer {answer.json()['token']}"})
    assert mine.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_a_visitor_who_leaves_in_the_middle_is_no_fault_of_the_box(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = "POST /api/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"
    writer.write(head.encode() + b"{")
    await writer.drain()
    writer.close()
    async with asyncio.timeout(20):
        while "client_gone path=/api/session" not in caplog.text:
            await site.send(ANONYMOUS, "GET", "/api/session")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_whole_number_may_be_written_with_a_point(site: Site) -> None:
    body = b'{"name":"A","rules":{"race_ms":60000.0,"max_runs":2}}'
    answer = await site.send("admin", "POST", "/api/events", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["rules"]["race_ms"]) == (201, 60_000)
    half = body.replace(b"60000.0", b"60000.5")
    answer = await site.send("admin", "POST", "/api/events", content=half, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["field"]) == (400, "rules.race_ms")
