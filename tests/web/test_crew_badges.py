"""Badges of the crew: the calls, the forms of a browser without script, and what signing in by one leads to."""

import re

import pytest

from appliance.permissions import Role
from tests.web.conftest import ANONYMOUS, Site
from tests.web.crew import Crew, words
from tests.web.test_public_accounts import send_form

BADGED = (Role.OPERATOR, Role.COMMENTATOR, Role.REGISTRATION)


async def status_of(site: Site, code: str) -> int:
    """What signing in with the code is answered."""
    return (await site.send(ANONYMOUS, "POST", "/api/session", json={"badge": code})).status_code


@pytest.mark.parametrize("role", BADGED)
async def test_an_admin_gives_a_badge_that_signs_in_with_the_roles(site: Site, role: Role) -> None:
    call = f"/api/people/{site.person_ids[role.value]}/badge"
    given = await site.send("admin", "POST", call)
    assert given.status_code == 201
    assert list(given.json()) == ["code"]
    session = await site.send(ANONYMOUS, "POST", "/api/session", json={"badge": given.json()["code"].lower()})
    assert (session.json()["username"], session.json()["roles"]) == (f"the-{role.value}", [role.value, "racer"])


async def test_a_new_badge_stops_the_old_one_and_taking_it_away_the_new_one(site: Site) -> None:
    call = f"/api/people/{site.person_ids['operator']}/badge"
    old, new = [(await site.send("admin", "POST", call)).json()["code"] for _ in range(2)]
    assert [await status_of(site, code) for code in (old, new)] == [401, 201]
    for _ in range(2):
        assert (await site.send("admin", "DELETE", call)).status_code == 204
    assert await status_of(site, new) == 401


async def test_the_list_of_people_says_who_has_one(site: Site) -> None:
    await site.house.people.give_badge(site.person_ids["operator"], site.person_ids["admin"])
    people = (await site.send("admin", "GET", "/api/people")).json()
    assert [one["username"] for one in people if one["has_crew_badge"]] == ["the-operator"]


@pytest.mark.parametrize(
    ("role", "said"), [("admin", "the-admin is an admin and has no badge."), ("racer", "the-racer is not of the crew.")]
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_admins_and_racers_get_none_of_the_crew(site: Site, method: str, role: str, said: str) -> None:
    deputy = await site.house.people.add_staff("deputy", [Role.ADMIN], "another-long-one", "test")
    token, _ = await site.house.sessions.start(deputy.person_id)
    async with site.client() as client:
        answer = await client.request(
            method,
            f"/api/people/{site.person_ids[role]}/badge",
            headers={"authorization": f"Bearer {token}"},
        )
    assert (answer.status_code, answer.json()["message"]) == (409, said)


@pytest.mark.parametrize("reader", ["operator", "registration", "admin"])
async def test_the_calls_and_pages_for_racers_never_show_a_badge_of_the_crew(site: Site, reader: str) -> None:
    code = await site.house.people.give_badge(site.person_ids["operator"], site.person_ids["admin"])
    racers = f"racers/{site.person_ids['operator']}/badge"
    for method in ("GET", "POST"):
        answer = await site.send(reader, method, f"/api/{racers}")
        assert (answer.status_code, code in answer.text) == (409, False)
    async with Crew(site, reader) as crew:
        for page in (f"/staff/{racers}", "/me"):
            assert code not in (await crew.get(page)).text
    assert await status_of(site, code) == 201


async def test_an_admin_gives_renews_and_takes_a_badge_without_script(site: Site) -> None:
    page = f"/staff/people/{site.person_ids['operator']}"
    async with Crew(site, "admin") as crew:
        assert "Give a badge" in words(await crew.get(page))
        given = await crew.send(f"{page}/badge")
        first = site.house.people.crew_badge_code(site.person_ids["operator"])
        assert given.url.path == f"{page}/badge"
        text = words(given)
        assert "This is the badge." in text
        assert first in text
        assert "to work as the-operator" in text
        assert "Register the next racer" not in text
        assert "<svg" in given.text

        text = words(await crew.get(page))
        assert "Show the badge" in text
        assert "Give a badge" not in text
        assert first not in text
        await crew.send(f"{page}/badge")
        second = site.house.people.crew_badge_code(site.person_ids["operator"])
        assert [await status_of(site, code) for code in (first, second)] == [401, 201]

        taken = await crew.send(f"{page}/badge/remove")
        assert taken.url.path == page
        assert "The badge no longer works." in words(taken)
        assert "Give a badge" in words(taken)
        assert await status_of(site, second) == 401
        none = await crew.get(f"{page}/badge")
        assert (none.status_code, "the-operator has no badge of the crew." in none.text) == (409, True)


async def test_the_forms_of_the_pages_are_the_ones_that_are_sent(site: Site) -> None:
    page = f"/staff/people/{site.person_ids['operator']}"
    async with Crew(site, "admin") as crew:
        await crew.get(page)
        assert re.findall(r'action="([^"]+/badge[^"]*)"', crew.page.text) == [f"{page}/badge"]
        await crew.send(f"{page}/badge")
        await crew.get(page)
        assert re.findall(r'action="([^"]+/badge[^"]*)"', crew.page.text) == [f"{page}/badge", f"{page}/badge/remove"]


@pytest.mark.parametrize("role", ["admin", "racer"])
async def test_the_page_of_who_may_have_none_offers_none(site: Site, role: str) -> None:
    page = f"/staff/people/{site.person_ids[role]}"
    async with Crew(site, "admin") as crew:
        assert "Give a badge" not in words(await crew.get(page))
        refused = await crew.send(f"{page}/badge")
        assert refused.status_code == 409
        assert 'role="alert"' in refused.text


@pytest.mark.parametrize("role", ["operator", "registration", "commentator", "racer"])
async def test_only_admins_open_the_badge_of_one_of_the_crew(site: Site, role: str) -> None:
    code = await site.house.people.give_badge(site.person_ids["operator"], site.person_ids["admin"])
    async with Crew(site, role) as crew:
        for method in (crew.get, crew.send):
            await crew.get("/me")
            answer = await method(f"/staff/people/{site.person_ids['operator']}/badge")
            assert (answer.status_code, code in answer.text) == (403, False)


@pytest.mark.parametrize("role", BADGED)
async def test_the_badge_leads_the_crew_to_work(site: Site, role: Role) -> None:
    person_id = site.person_ids[role.value]
    code = await site.house.people.give_badge(person_id, site.person_ids["admin"])
    async with site.browser() as browser:
        answer = await send_form(browser, "/badge", code=code)
        assert (answer.status_code, answer.headers["location"]) == (303, "/staff")
        work = await browser.get("/staff")
        assert work.status_code == 200
        assert f"the-{role.value}" in work.text


async def test_saving_other_roles_on_the_page_stops_the_badge(site: Site) -> None:
    person_id = site.person_ids["operator"]
    async with Crew(site, "admin") as crew:
        await crew.get(f"/staff/people/{person_id}")
        await crew.send(f"/staff/people/{person_id}/badge")
        code = site.house.people.crew_badge_code(person_id)
        assert "Other roles stop the badge." in words(await crew.get(f"/staff/people/{person_id}"))
        await crew.send(f"/staff/people/{person_id}/roles", **{"role-commentator": "1"})
    assert await status_of(site, code) == 401
