"""The model that a racer wants to race with: chosen on their phone, by the crew, or by a program; nobody else's."""

from tests.web.car_day import enrol, upload
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import add_racer
from timing.structs import Event


async def chosen(site: Site, racer_id: str | None) -> list[str]:
    box = "true" if racer_id is None else "false"
    query = {"box": box} | ({} if racer_id is None else {"racer_id": racer_id})
    models = (await site.send("operator", "GET", "/api/models", params=query)).json()
    return [model["name"] for model in models if model["chosen_at"] is not None]


async def test_a_racer_chooses_on_the_phone_and_one_is_chosen_at_a_time(site: Site) -> None:
    me = site.person_ids["racer"]
    old, new = await upload(site, me, "old"), await upload(site, me, "new")
    async with Crew(site, "racer") as phone:
        shown = await phone.get("/me/models")
        assert f'action="/me/models/{old}/choose"' in shown.text
        assert f'action="/me/models/{new}/choose"' not in shown.text

        shown = await phone.send(f"/me/models/{old}/choose")
        assert "You race with this one next." in words(shown)
        assert f'action="/me/models/{old}/choose"' not in shown.text
        assert await chosen(site, me) == ["old"]

        for _ in range(2):
            await phone.send(f"/me/models/{new}/choose")
        assert await chosen(site, me) == ["new"]


async def test_a_model_that_no_car_could_drive_is_not_chosen(site: Site) -> None:
    broken = await upload(site, site.person_ids["racer"], "broken", is_good=False)
    async with Crew(site, "racer") as phone:
        await phone.get("/me/models")
        answer = await phone.send(f"/me/models/{broken}/choose")

    assert answer.status_code == 409
    assert "broken cannot be used:" in words(answer)


async def test_nobody_chooses_for_another_racer_but_the_crew(site: Site) -> None:
    theirs = await upload(site, await add_racer(site.house, "bo"), "fast")
    async with Crew(site, "racer") as phone:
        await phone.get("/me/models")
        assert (await phone.send(f"/me/models/{theirs}/choose")).status_code == 404
    assert (await site.send("racer", "POST", f"/api/models/{theirs}/choose")).status_code == 404

    assert (await site.send("operator", "POST", f"/api/models/{theirs}/choose")).json()["chosen_at"] is not None


async def test_the_crew_gives_a_model_of_the_box_to_walk_ups(site: Site) -> None:
    first, _ = await upload(site, None, "first"), await upload(site, None, "second")
    async with Crew(site, "operator") as crew:
        assert "Give this one to walk-ups" in words(await crew.get(f"/staff/models/{first}"))
        after = words(await crew.send(f"/staff/models/{first}/choose"))

    assert "Walk-ups race with this one." in after
    assert await chosen(site, None) == ["first"]


async def test_who_chooses_after_the_crew_has_prepared_is_told_to_say_so(site: Site, event: Event) -> None:
    me = site.person_ids["racer"]
    old, new = await upload(site, me, "old"), await upload(site, me, "new")
    car = await enrol(site.house, "Grüner Blitz", is_online=False)
    entry = await site.house.queue.add(event.event_id, "1", me, "test")
    await site.house.queue.prepare(entry.queue_id, car.car_id, new, "test")
    async with Crew(site, "racer") as phone:
        own = words(await phone.get("/me"))
        assert "You are next on Left. Come to the track. Your model new goes on car Grüner Blitz." in own
        await phone.get("/me/models")
        answer = words(await phone.send(f"/me/models/{old}/choose"))

    assert "Chosen. The crew has prepared another one for you already: tell them at the track." in answer
