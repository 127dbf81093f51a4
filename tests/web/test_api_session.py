"""Signing programs in: by name and password, or by the code of a badge, and never by both."""

import pytest

from appliance import limits
from tests.web.conftest import ANONYMOUS, PASSWORD, Site
from tests.web.racing_day import CREW, add_racer

NAMED = {"username": "the-operator", "password": PASSWORD}


async def badge_of(site: Site, username: str) -> str:
    return site.house.people.badge_code(await add_racer(site.house, username))


async def test_a_badge_signs_its_racer_in(site: Site) -> None:
    code = await badge_of(site, "anna")
    answer = await site.send(ANONYMOUS, "POST", "/api/session", json={"badge": code.replace("-", " ").lower()})
    assert answer.status_code == 201
    assert (answer.json()["username"], answer.json()["roles"]) == ("anna", ["racer"])
    async with site.client() as client:
        mine = await client.get("/api/session", headers={"authorization": f"Bearer {answer.json()['token']}"})
    assert mine.json()["username"] == "anna"


async def test_a_badge_that_is_none_is_refused(site: Site) -> None:
    answer = await site.send(ANONYMOUS, "POST", "/api/session", json={"badge": "AAAA-BBBB"})
    assert answer.status_code == 401
    assert answer.json() == {
        "message": "That code belongs to no badge.",
        "remedy": "Check it, or ask at the registration desk for a new one.",
    }


async def test_a_renewed_badge_lets_nobody_in_any_more(site: Site) -> None:
    racer_id = await add_racer(site.house, "anna")
    old = site.house.people.badge_code(racer_id)
    new = await site.house.people.renew_badge(racer_id, CREW)
    statuses = [
        (await site.send(ANONYMOUS, "POST", "/api/session", json={"badge": code})).status_code for code in (old, new)
    ]
    assert statuses == [401, 201]


async def test_wrong_badges_are_limited_as_on_the_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BADGE_BUDGET", 3)
    monkeypatch.setattr(limits, "BADGE_REFILL_PER_S", 0.01)
    site.house.sessions._limits = limits.SignInLimits()
    answers = [await site.send(ANONYMOUS, "POST", "/api/session", json={"badge": "AAAA-BBBB"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    page = await site.send(ANONYMOUS, "POST", "/api/session", json={"badge": await badge_of(site, "anna")})
    assert page.status_code == 429, "one budget, however the code was sent"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "username", "The username is missing."),
        ({"password": PASSWORD}, "username", "The username is missing."),
        ({"username": "the-operator"}, "password", "The password is missing."),
        ({**NAMED, "badge": "AAAA-BBBB"}, "badge", "A badge signs in by itself."),
        ({"username": "the-operator", "badge": "AAAA-BBBB"}, "badge", "A badge signs in by itself."),
        ({"password": PASSWORD, "badge": "AAAA-BBBB"}, "badge", "A badge signs in by itself."),
        ({"badge": ""}, "badge", None),
        ({"badge": None}, "badge", None),
        ({"badge": 23456789}, "badge", None),
        ({"username": None, "password": None, "badge": "AAAA-BBBB"}, "username", None),
        ({"Badge": "AAAA-BBBB"}, "Badge", None),
    ],
    ids=str,
)
async def test_exactly_one_of_the_two_ways_in_is_taken(
    site: Site, body: dict[str, object], field: str, message: str | None
) -> None:
    answer = await site.send(ANONYMOUS, "POST", "/api/session", json=body)
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert answer.json()["remedy"]
    if message is not None:
        assert answer.json()["message"] == message
