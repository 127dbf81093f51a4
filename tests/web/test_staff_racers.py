"""The registration desk, the badge, renaming, merging, forgetting; and the crew's own accounts."""

import asyncio

from appliance.people import NewRacer
from appliance.permissions import Role
from tests.web.conftest import PASSWORD, Site
from tests.web.crew import Crew, words
from tests.web.racing_day import hand_in
from timing.structs import Event


async def test_desk_registers_and_shows_the_badge_at_once(site: Site) -> None:
    async with Crew(site, "registration") as crew:
        await crew.get("/staff/racers/new")
        answer = await crew.send("/staff/racers/new", username="Łukasz", country="PL", colour="green")
    racer = site.house.people.find("Łukasz")

    assert racer is not None
    assert (racer.country, racer.colour) == ("PL", "green")
    assert "Welcome, Łukasz" in words(answer)
    assert site.house.people.badge_code(racer.person_id) in answer.text
    assert "<svg" in answer.text


async def test_badge_code_is_in_no_address_that_a_server_would_log(site: Site) -> None:
    racer = await site.house.people.register(NewRacer(username="anna"), "test")
    code = site.house.people.badge_code(racer.person_id)
    async with Crew(site, "registration") as crew:
        answer = await crew.get(f"/staff/racers/{racer.person_id}/badge")

    assert code in words(answer)
    assert f'src="/qr.svg?path=/badge%23{code}' not in answer.text
    assert f'href="/badge?{code}' not in answer.text


async def test_name_taken_is_said_beside_the_name_and_the_rest_is_kept(site: Site) -> None:
    await site.house.people.register(NewRacer(username="anna"), "test")
    async with Crew(site, "registration") as crew:
        await crew.get("/staff/racers/new")
        answer = await crew.send("/staff/racers/new", username="ANNA", country="SE", colour="red")

    assert answer.status_code == 409
    assert 'id="username-error"' in answer.text
    assert 'value="ANNA"' in answer.text
    assert '<option value="SE" selected>' in answer.text


async def test_impossible_name_is_refused_with_the_rule(site: Site) -> None:
    async with Crew(site, "registration") as crew:
        await crew.get("/staff/racers/new")
        for name in ("", "x", "x" * 21, "a b\tc<script>"):
            answer = await crew.send("/staff/racers/new", username=name, colour="red")
            assert answer.status_code == 400, name
            assert 'id="username-error"' in answer.text, name


async def test_double_click_at_the_desk_registers_once(site: Site) -> None:
    before = len(site.house.people.racers())
    async with Crew(site, "registration") as crew:
        await crew.get("/staff/racers/new")
        form_id = crew.hidden("form_id")
        fields = {"username": "anna", "colour": "red", "form_id": form_id}
        answers = await asyncio.gather(*(crew.send("/staff/racers/new", **fields) for _ in range(3)))

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len(site.house.people.racers()) == before + 1


async def test_search_finds_one_among_a_thousand_by_a_few_letters(site: Site) -> None:
    for number in range(60):
        await site.house.people.register(NewRacer(username=f"racer{number:02d}"), "test")
    await site.house.people.register(NewRacer(username="zuzanna"), "test")
    async with Crew(site, "operator") as crew:
        page = await crew.get("/staff/racers?q=zan")
        async with site.browser("operator") as browser:
            rows = await browser.get("/staff/racers?q=racer", headers={"hx-request": "true"})

    assert "zuzanna" in words(page)
    assert "racer01" not in words(page)
    assert "<html" not in rows.text
    assert "Only the first 50 are shown." in rows.text


async def test_racer_is_renamed_and_recoloured(site: Site) -> None:
    racer = await site.house.people.register(NewRacer(username="anna", country="SE"), "test")
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/racers/{racer.person_id}")
        answer = await crew.send(f"/staff/racers/{racer.person_id}", username="Anna.K", country="", colour="lime")
    changed = site.house.people.get(racer.person_id)

    assert "Saved." in words(answer)
    assert (changed.username, changed.country, changed.colour) == ("Anna.K", None, "lime")


async def test_new_badge_stops_the_old_one(site: Site) -> None:
    racer = await site.house.people.register(NewRacer(username="anna"), "test")
    old = site.house.people.badge_code(racer.person_id)
    async with Crew(site, "registration") as crew:
        await crew.get(f"/staff/racers/{racer.person_id}/badge")
        answer = await crew.send(f"/staff/racers/{racer.person_id}/badge")

    assert "The old one no longer works." in words(answer)
    assert site.house.people.badge_code(racer.person_id) != old
    assert site.house.people.find_by_badge(old) is None


async def test_merge_shows_what_moves_and_then_moves_it(site: Site, event: Event) -> None:
    keep = await site.house.people.register(NewRacer(username="anna"), "test")
    duplicate = await site.house.people.register(NewRacer(username="anna2"), "test")
    race = await hand_in(site.house, event, duplicate.person_id, [9_000, 8_000])
    address = f"/staff/racers/{keep.person_id}/merge"
    async with Crew(site, "admin") as crew:
        text = words(await crew.get(f"{address}?duplicate={duplicate.person_id}"))
        assert "anna2 becomes anna" in text
        assert "1 race with 2 laps move to anna" in text
        answer = await crew.send(address, duplicate=duplicate.person_id)
    await site.house.control.stop()

    assert "The duplicate is merged into this racer." in words(answer)
    assert (await site.house.control.view(race.race_id)).racer_id == keep.person_id


async def test_racer_is_not_merged_into_itself(site: Site) -> None:
    racer = await site.house.people.register(NewRacer(username="anna"), "test")
    async with Crew(site, "admin") as crew:
        await crew.get(f"/staff/racers/{racer.person_id}/merge")
        answer = await crew.send(f"/staff/racers/{racer.person_id}/merge", duplicate=racer.person_id)

    assert answer.status_code in (400, 409)
    assert site.house.people.get(racer.person_id).merged_into is None


async def test_forgetting_asks_for_the_name(site: Site, event: Event) -> None:
    racer = await site.house.people.register(NewRacer(username="anna", country="SE"), "test")
    await hand_in(site.house, event, racer.person_id, [9_000])
    address = f"/staff/racers/{racer.person_id}/forget"
    async with Crew(site, "admin") as crew:
        assert "1 race with their laps, under a neutral name" in words(await crew.get(address))
        refused = await crew.send(address, username="Anna?")
        assert refused.status_code == 400
        assert site.house.people.get(racer.person_id).username == "anna"
        answer = await crew.send(address, username="anna")

    assert "The racer is forgotten" in words(answer)
    forgotten = site.house.people.get(racer.person_id)
    assert forgotten.neutral
    assert forgotten.country is None


async def test_racer_is_put_in_line_from_their_page(site: Site, event: Event) -> None:
    racer = await site.house.people.register(NewRacer(username="anna"), "test")
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/racers/{racer.person_id}")
        line = f"{event.event_id}/2"
        await crew.send(f"/staff/racers/{racer.person_id}/queue", line=line)
        again = await crew.send(f"/staff/racers/{racer.person_id}/queue", line=line)

    assert [entry.username for entry in site.house.queue.next(event.event_id, "2")] == ["anna"]
    assert again.status_code == 409
    assert "anna is already number 1 in this line." in words(again)


async def test_admin_adds_one_of_the_crew_who_can_sign_in(site: Site) -> None:
    async with Crew(site, "admin") as crew:
        await crew.get("/staff/people")
        fields = {"username": "tina", "password": PASSWORD, "role-operator": "1"}
        answer = await crew.send("/staff/people", **fields)

    assert "Added." in words(answer)
    _, viewer = await site.house.sessions.sign_in("tina", PASSWORD, "here")
    assert Role.OPERATOR in viewer.roles


async def test_short_password_and_missing_role_are_refused_and_no_password_is_shown_again(site: Site) -> None:
    async with Crew(site, "admin") as crew:
        await crew.get("/staff/people")
        answer = await crew.send("/staff/people", username="tina", password="hunter2")

    assert answer.status_code == 400
    assert "Choose a password of at least 8 characters." in words(answer)
    assert "Choose at least one role." in words(answer)
    assert "hunter2" not in answer.text
    assert site.house.people.find("tina") is None


async def test_roles_and_password_are_changed_and_sessions_end(site: Site) -> None:
    person_id, token = site.person_ids["operator"], site.tokens["operator"]
    async with Crew(site, "admin") as crew:
        await crew.get(f"/staff/people/{person_id}")
        await crew.send(f"/staff/people/{person_id}/sessions")
        assert site.house.sessions.viewer(token) is None
        await crew.send(f"/staff/people/{person_id}/password", password="another-long-one")
        await crew.send(f"/staff/people/{person_id}/roles", **{"role-commentator": "1"})

    _, viewer = await site.house.sessions.sign_in("the-operator", "another-long-one", "here")
    assert set(viewer.roles) == {Role.COMMENTATOR, Role.RACER}


async def test_last_admin_cannot_take_the_role_from_themselves(site: Site) -> None:
    person_id = site.person_ids["admin"]
    async with Crew(site, "admin") as crew:
        await crew.get(f"/staff/people/{person_id}")
        answer = await crew.send(f"/staff/people/{person_id}/roles", **{"role-operator": "1"})

    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert Role.ADMIN in site.house.people.get(person_id).roles
