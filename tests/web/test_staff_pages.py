"""Who reaches which page of the crew, and what they find there."""

from appliance.people import NewRacer
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import start_race
from timing.structs import Event, NewEvent

CREW = ("admin", "operator", "commentator", "registration", "racer", "anonymous")
MAY: dict[str, set[str]] = {
    "/staff": {"admin", "operator", "commentator", "registration"},
    "/staff/events": {"admin", "operator"},
    "/staff/events/new": {"admin", "operator"},
    "/staff/events/{event}": {"admin", "operator"},
    "/staff/events/{event}/delete": {"admin", "operator"},
    "/staff/events/{event}/tracks/1/timekeeper": {"admin", "operator"},
    "/staff/events/{event}/tracks/1/queue": {"admin", "operator"},
    "/staff/events/{event}/tracks/1/find?q=a": {"admin", "operator"},
    "/staff/racers": {"admin", "operator", "registration"},
    "/staff/racers/new": {"admin", "registration"},
    "/staff/racers/{racer}": {"admin", "operator", "registration"},
    "/staff/racers/{racer}/badge": {"admin", "operator", "registration"},
    "/staff/racers/{racer}/merge": {"admin"},
    "/staff/racers/{racer}/forget": {"admin"},
    "/staff/people": {"admin"},
    "/staff/people/{racer}": {"admin"},
    "/staff/recorders": {"admin"},
    "/staff/races": {"admin", "operator", "commentator"},
}


async def test_page_opens_for_its_roles_and_for_no_other(site: Site, event: Event) -> None:
    racer = await site.house.people.register(NewRacer(username="anna"), "test")
    opened: dict[str, set[str]] = {path: set() for path in MAY}
    for role in CREW:
        async with site.browser(role) as browser:
            for path in MAY:
                answer = await browser.get(path.format(event=event.event_id, racer=racer.person_id))
                if answer.status_code == 200:
                    opened[path].add(role)
                else:
                    assert answer.status_code == (303 if role == "anonymous" else 403), (path, role)

    assert opened == MAY


FORMS = {
    "/staff/events/new": {"admin", "operator"},
    "/staff/events/{event}": {"admin", "operator"},
    "/staff/events/{event}/delete": {"admin", "operator"},
    "/staff/events/{event}/tracks/1/races": {"admin", "operator"},
    "/staff/events/{event}/tracks/1/queue": {"admin", "operator"},
    "/staff/events/{event}/tracks/1/queue/none": {"admin", "operator"},
    "/staff/events/{event}/tracks/1/hits": {"admin", "operator"},
    "/staff/races/none/actions": {"admin", "operator"},
    "/staff/races/none": {"admin", "operator"},
    "/staff/races/none/laps/1": {"admin", "operator"},
    "/staff/racers/new": {"admin", "registration"},
    "/staff/racers/{racer}": {"admin", "operator", "registration"},
    "/staff/racers/{racer}/badge": {"admin", "operator", "registration"},
    "/staff/racers/{racer}/queue": {"admin", "operator"},
    "/staff/racers/{racer}/merge": {"admin"},
    "/staff/racers/{racer}/forget": {"admin"},
    "/staff/people": {"admin"},
    "/staff/people/{racer}/roles": {"admin"},
    "/staff/people/{racer}/password": {"admin"},
    "/staff/people/{racer}/sessions": {"admin"},
    "/staff/people/{racer}/badge": {"admin"},
    "/staff/people/{racer}/badge/remove": {"admin"},
    "/staff/recorders": {"admin"},
    "/staff/recorders/none": {"admin"},
    "/staff/recorders/none/pair": {"admin"},
    "/staff/recorders/none/trust": {"admin"},
    "/staff/recorders/none/test": {"admin"},
    "/staff/recorders/none/remove": {"admin"},
}


async def test_form_is_taken_from_its_roles_and_from_no_other(site: Site, event: Event) -> None:
    taken: dict[str, set[str]] = {path: set() for path in FORMS}
    for role in ("racer", "commentator", "registration", "operator", "admin"):
        racer = await site.house.people.register(NewRacer(username=f"anna-{role}"[:20]), "test")
        async with Crew(site, role) as crew:
            for path in FORMS:
                await crew.get("/sign-up")
                answer = await crew.send(path.format(event=event.event_id, racer=racer.person_id))
                if "Your account may not do this." not in answer.text:
                    taken[path].add(role)

    assert taken == FORMS


async def test_form_without_its_token_is_refused(site: Site, event: Event) -> None:
    racer = await site.house.people.register(NewRacer(username="anna"), "test")
    async with site.browser("admin") as browser:
        for path in FORMS:
            answer = await browser.post(path.format(event=event.event_id, racer=racer.person_id), data={"name": "x"})
            assert answer.status_code == 403, path
            assert "This form is too old, or it came from another site." in answer.text


async def test_first_visit_says_what_to_do_first(site: Site) -> None:
    async with Crew(site, "admin") as crew:
        text = words(await crew.get("/staff"))

    assert "Welcome, the-admin" in text
    assert "Make the event" in text


async def test_event_without_racers_points_to_the_registration_desk(site: Site, event: Event) -> None:
    await site.house.people.forget(site.person_ids["racer"], "test")
    async with Crew(site, "admin") as crew:
        text = words(await crew.get("/staff"))

    assert "No racers yet" in text
    assert "Open the registration desk" in text


async def test_today_shows_each_track_with_its_race_its_line_and_its_strips(site: Site, event: Event) -> None:
    anna = await site.house.people.register(NewRacer(username="anna"), "test")
    await site.house.queue.add(event.event_id, "2", anna.person_id, "test")
    async with Crew(site, "operator") as crew:
        text = words(await crew.get("/staff"))

    assert "Left free Nobody in line." in text
    assert "Right free Next: anna" in text
    assert "no recorder" in text


async def test_what_a_racer_typed_is_never_markup(site: Site, event: Event) -> None:
    async with Crew(site, "admin") as crew:
        answer = await crew.get(f"/staff/events/{event.event_id}/tracks/1/find?q=%3Cimg+src%3Dx%3E")

    assert "<img src=x>" not in answer.text
    assert "Nobody is called “&lt;img src=x&gt;”" in answer.text


async def test_pages_have_no_inline_script_or_style(site: Site, event: Event) -> None:
    racer = await site.house.people.register(NewRacer(username="anna"), "test")
    async with Crew(site, "admin") as crew:
        for path in MAY:
            text = (await crew.get(path.format(event=event.event_id, racer=racer.person_id))).text
            assert " style=" not in text, path
            assert "<style" not in text, path
            assert " onclick" not in text, path
            assert "hx-on" not in text, path
            assert "<script>" not in text, path


async def test_race_left_open_in_another_event_is_pointed_out(site: Site, event: Event) -> None:
    await start_race(site.house, event, site.person_ids["racer"])
    await site.house.events.create(NewEvent(name="Tomorrow", date="2999-01-01"), "test")
    async with Crew(site, "operator") as crew:
        text = words(await crew.get("/staff"))

    assert "Tomorrow" in text
    assert "A race is still open in Rehearsal the-racer, running. Open it , then submit or discard it." in text


async def test_registration_finds_the_way_from_today_to_the_desk(site: Site, event: Event) -> None:
    async with Crew(site, "registration") as crew:
        answer = await crew.get("/staff")

    assert 'href="/staff/racers/new"' in answer.text
    assert "/timekeeper" not in answer.text
