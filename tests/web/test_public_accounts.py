"""Signing up, in and out, badges, the first admin and one's own page, as a browser without script does it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from appliance.permissions import Role
from tests.web.conftest import PASSWORD, Site, serving
from tests.web.racing_day import CREW, add_racer, hand_in
from timing.structs import Event
from web.house import House


async def send_form(browser: httpx.AsyncClient, page: str, action: str | None = None, **fields: str) -> httpx.Response:
    """Load the page, then send its form with its token."""
    html = (await browser.get(page)).text
    token = re.search(r'name="_csrf" value="([^"]+)"', html)
    assert token, f"no form on {page}"
    return await browser.post(action or page, data={"_csrf": token.group(1), **fields})


@asynccontextmanager
async def new_box(house: House) -> AsyncIterator[Site]:
    """A box without any person."""
    async with serving(house) as running:
        yield running


async def test_a_racer_signs_up_and_is_shown_the_badge(site: Site) -> None:
    async with site.browser() as browser:
        answer = await send_form(browser, "/sign-up", username="Jörg.Weiß", country="DE", colour="lime")
        assert (answer.status_code, answer.headers["location"]) == (303, "/me?welcome=1")
        page = await browser.get("/me?welcome=1")
        person = site.house.people.find("jörg.weiß")
        assert person is not None
        assert (person.country, person.colour, person.has_password) == ("DE", "lime", False)
        assert site.house.people.badge_code(person.person_id) in page.text
        assert '<svg class="qr"' in page.text or 'class="qr"' in page.text


async def test_a_refused_sign_up_keeps_what_was_typed_and_names_the_field(site: Site) -> None:
    async with site.browser() as browser:
        answer = await send_form(
            browser, "/sign-up", username="an na", country="SE", colour="red", password="longenough"
        )
        assert answer.status_code == 400
        assert "A name cannot contain a space." in answer.text
        assert 'value="an na"' in answer.text
        assert '<option value="SE" selected>' in answer.text
        assert 'value="red" checked' in answer.text
        assert "longenough" not in answer.text
        assert 'aria-invalid="true" aria-describedby="username-error"' in answer.text


async def test_a_taken_name_is_refused_with_what_to_do(site: Site) -> None:
    await add_racer(site.house, "anna")
    async with site.browser() as browser:
        answer = await send_form(browser, "/sign-up", username="ANNA")
        assert answer.status_code == 409
        assert 'value="ANNA"' in answer.text
        assert 'id="username-error"' in answer.text


async def test_signing_in_leads_staff_to_work_and_racers_to_their_page(site: Site) -> None:
    await site.house.people.set_password(site.person_ids["racer"], PASSWORD, CREW)
    for role, page in ((Role.OPERATOR, "/staff"), (Role.RACER, "/me")):
        async with site.browser() as browser:
            answer = await send_form(browser, "/sign-in", username=f"the-{role.value}", password=PASSWORD)
            assert (answer.status_code, answer.headers["location"]) == (303, page)


async def test_signing_in_goes_on_to_the_page_asked_for_but_never_elsewhere(site: Site) -> None:
    async with site.browser() as browser:
        fields = {"username": "the-admin", "password": PASSWORD}
        asked = await send_form(browser, "/sign-in?next=/staff/events", next="/staff/events", **fields)
        assert asked.headers["location"] == "/staff/events"
        evil = await send_form(browser, "/sign-in", next="//evil.example", **fields)
        assert evil.headers["location"] == "/staff"


async def test_a_wrong_password_is_refused_on_the_page_and_keeps_the_name(site: Site) -> None:
    async with site.browser() as browser:
        answer = await send_form(browser, "/sign-in", username="the-admin", password="wrong-password")
        assert answer.status_code == 401
        assert "The name or the password is wrong." in answer.text
        assert 'value="the-admin"' in answer.text
        assert "wrong-password" not in answer.text


async def test_a_typed_badge_code_signs_its_racer_in(site: Site) -> None:
    racer_id = await add_racer(site.house, "anna")
    code = site.house.people.badge_code(racer_id).replace("-", " ").lower()
    async with site.browser() as browser:
        answer = await send_form(browser, "/badge", code=code)
        assert (answer.status_code, answer.headers["location"]) == (303, "/me")
        assert "anna" in (await browser.get("/me")).text


async def test_a_wrong_badge_code_is_refused_and_not_shown_again(site: Site) -> None:
    async with site.browser() as browser:
        answer = await send_form(browser, "/badge", code="AAAA-BBBB")
        assert answer.status_code == 401
        assert "AAAA" not in answer.text


async def test_the_set_up_code_makes_the_first_admin_once(house: House) -> None:
    async with new_box(house) as site:
        code = house.people.setup_code()
        assert code is not None
        async with site.browser() as browser:
            assert 'href="/setup"' in (await browser.get("/")).text
            wrong = await send_form(browser, "/setup", setup_code="AAAA-AAAA", username="boss", password=PASSWORD)
            assert (wrong.status_code, "That is not the set-up code." in wrong.text) == (403, True)
            done = await send_form(browser, "/setup", setup_code=code, username="boss", password=PASSWORD)
            assert (done.status_code, done.headers["location"]) == (303, "/staff/events")
            assert 'href="/setup"' not in (await browser.get("/")).text
            assert "This box is set up." in (await browser.get("/setup")).text


async def test_signing_out_ends_the_session(site: Site) -> None:
    async with site.browser("racer") as browser:
        token = browser.cookies["trackside"]
        await send_form(browser, "/me", "/sign-out")
        assert site.house.sessions.viewer(token) is None


async def test_my_own_country_and_colour_can_be_changed(site: Site) -> None:
    async with site.browser("racer") as browser:
        answer = await send_form(browser, "/me", "/me/profile", country="BR", colour="violet")
        assert answer.headers["location"] == "/me?done=profile"
        person = site.house.people.get(site.person_ids["racer"])
        assert (person.country, person.colour) == ("BR", "violet")
        assert "Your country and colour are changed." in (await browser.get("/me?done=profile")).text


async def test_a_password_is_changed_only_with_the_old_one_and_this_phone_stays_signed_in(site: Site) -> None:
    async with site.browser("racer") as browser:
        assert "Set a password" in (await browser.get("/me")).text
        await send_form(browser, "/me", "/me/password", password=PASSWORD)
        wrong = await send_form(
            browser, "/me", "/me/password", old_password="not-it-at-all", password="brand-new-words"
        )
        assert (wrong.status_code, "That is not your password now." in wrong.text) == (400, True)
        right = await send_form(browser, "/me", "/me/password", old_password=PASSWORD, password="brand-new-words")
        assert right.headers["location"] == "/me?done=password"
        assert (await browser.get("/me")).status_code == 200
    token, _ = await site.house.sessions.sign_in("the-racer", "brand-new-words", "test")
    assert site.house.sessions.viewer(token) is not None


async def test_an_account_is_deleted_only_after_typing_the_words(site: Site, event: Event) -> None:
    racer_id = site.person_ids["racer"]
    await hand_in(site.house, event, racer_id, [9_000])
    async with site.browser("racer") as browser:
        refused = await send_form(browser, "/me", "/me/forget", confirm="yes")
        assert (refused.status_code, "Nothing was deleted." in refused.text) == (400, True)
        done = await send_form(browser, "/me", "/me/forget", confirm="forget me")
        assert (done.status_code, done.headers["location"]) == (303, "/")
        board = (await browser.get(f"/events/{event.event_id}/board")).text
    assert site.house.people.get(racer_id).neutral
    assert "the-racer" not in board
    assert "00:09.000" in board


async def test_my_page_says_when_it_is_my_turn(site: Site, event: Event) -> None:
    ahead = await add_racer(site.house, "ahead")
    first = await site.house.queue.add(event.event_id, "1", ahead, CREW)
    mine = await site.house.queue.add(event.event_id, "1", site.person_ids["racer"], CREW)
    async with site.browser("racer") as browser:
        assert "You are number 2 in the line of Left." in (await browser.get("/me")).text
        await site.house.queue.remove(first.queue_id, CREW)
        assert "You are next on Left." in (await browser.get("/me/turn")).text
        await site.house.queue.call(mine.queue_id, CREW)
        assert "Come to Left now." in (await browser.get("/")).text


async def test_my_page_asks_to_sign_in_first(site: Site) -> None:
    answer = await site.send("anonymous", "GET", "/me")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/me")


async def test_staff_have_no_badge(site: Site) -> None:
    async with site.browser("operator") as browser:
        page = await browser.get("/me")
        assert page.status_code == 200
        assert "badge-sheet" not in page.text
