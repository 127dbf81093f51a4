"""Races over HTTP: what an answer means, what a retry does, what a refusal leaves alone."""

import asyncio
from typing import Any

from appliance.ids import new_id
from tests.web.conftest import ANONYMOUS, Site
from timing.structs import Event


async def ready(site: Site, event: Event, track_id: str = "1") -> dict[str, Any]:
    """A race in state ready."""
    body = {"event_id": event.event_id, "track_id": track_id, "racer_id": site.person_ids["racer"]}
    answer = await site.send("operator", "POST", "/api/races", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def act(site: Site, race_id: str, kind: str, **fields: Any) -> Any:
    """One action by the operator."""
    body = {"action_id": new_id(), "kind": kind, **fields}
    return await site.send("operator", "POST", f"/api/races/{race_id}/actions", json=body)


async def test_a_race_by_hand_from_ready_to_the_board(site: Site, event: Event) -> None:
    race = await ready(site, event)
    assert (race["state"], race["run"], race["laps"]) == ("ready", 1, [])
    for kind in ("start", "lap", "lap", "end", "submit"):
        answer = await act(site, race["race_id"], kind)
        assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "submitted"
    assert [lap["source"] for lap in answer.json()["laps"]] == ["hand", "hand"]
    board = (await site.send(ANONYMOUS, "GET", f"/api/events/{event.event_id}/board?track=1")).json()
    assert [(row["place"], row["username"], row["valid_laps"]) for row in board["rows"]] == [(1, "the-racer", 2)]


async def test_the_same_action_again_answers_the_same_and_changes_nothing(site: Site, event: Event) -> None:
    race = await ready(site, event)
    await act(site, race["race_id"], "start")
    body = {"action_id": new_id(), "kind": "lap"}
    path = f"/api/races/{race['race_id']}/actions"
    answers = await asyncio.gather(*(site.send("operator", "POST", path, json=body) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert {len(answer.json()["laps"]) for answer in answers} == {1}
    assert {answer.json()["version"] for answer in answers} == {3}


async def test_an_action_its_state_does_not_allow_changes_nothing(site: Site, event: Event) -> None:
    race = await ready(site, event)
    answer = await act(site, race["race_id"], "lap")
    assert answer.status_code == 409
    assert set(answer.json()) == {"message", "remedy"}
    after = await site.send("operator", "GET", f"/api/races/{race['race_id']}")
    assert after.json() == race


async def test_a_car_named_late_is_that_of_the_laps_driven_so_far(site: Site, event: Event) -> None:
    race_id = (await ready(site, event))["race_id"]

    async def cars(**fields: Any) -> list[tuple[str | None, str | None]]:
        answer = await act(site, race_id, "set_car", **fields)
        assert answer.status_code == 200, answer.text
        return [(lap["car_id"], lap["model_id"]) for lap in answer.json()["laps"]]

    for kind in ("start", "lap"):
        await act(site, race_id, kind)
    assert await cars(car_id="red") == [(None, None)]
    assert await cars(car_id="blue", model_id="fast", laps_so_far=True) == [("blue", "fast")]
    for kind in ("end", "submit"):
        await act(site, race_id, kind)
    assert (await act(site, race_id, "set_car", car_id="red", laps_so_far=False)).status_code == 409
    assert await cars(car_id="red", laps_so_far=True) == [("red", None)]
    assert "set_car" in (await site.send("operator", "GET", f"/api/races/{race_id}/actions")).json()
    last = (await site.send("commentator", "GET", f"/api/races/{race_id}/trail")).json()[-1]
    assert (last["actor"], last["text"]) == ("the-operator", "Car set to red, also for the laps driven so far")


async def test_the_possible_actions_are_listed(site: Site, event: Event) -> None:
    race = await ready(site, event)
    answer = await site.send("operator", "GET", f"/api/races/{race['race_id']}/actions")
    assert "start" in answer.json()
    assert "lap" not in answer.json()
    for kind in answer.json():
        assert kind not in ("ready", "crossing")


async def test_two_who_start_one_track_at_once_make_one_race(site: Site, event: Event) -> None:
    body = {"event_id": event.event_id, "track_id": "1", "racer_id": site.person_ids["racer"]}
    answers = await asyncio.gather(
        *(site.send(role, "POST", "/api/races", json=body) for role in ("operator", "admin"))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len((await site.send("admin", "GET", "/api/races")).json()) == 1


async def test_a_race_id_of_ones_own_makes_a_retry_safe(site: Site, event: Event) -> None:
    body = {
        "event_id": event.event_id,
        "track_id": "1",
        "racer_id": site.person_ids["racer"],
        "race_id": new_id(),
    }
    first = await site.send("operator", "POST", "/api/races", json=body)
    again = await site.send("operator", "POST", "/api/races", json=body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["race_id"] == again.json()["race_id"] == body["race_id"]


async def test_the_trail_tells_who_did_what(site: Site, event: Event) -> None:
    race = await ready(site, event)
    await act(site, race["race_id"], "start")
    await act(site, race["race_id"], "lap")
    lines = (await site.send("commentator", "GET", f"/api/races/{race['race_id']}/trail")).json()
    assert [line["kind"] for line in lines] == ["ready", "start", "lap"]
    assert {line["actor"] for line in lines} == {"the-operator"}


async def test_lists_go_on_where_they_ended(site: Site, event: Event) -> None:
    made = []
    for _ in range(3):
        race = await ready(site, event)
        await act(site, race["race_id"], "discard")
        made.append(race["race_id"])
    seen: list[str] = []
    while True:
        before = f"&before={seen[-1]}" if seen else ""
        page = (await site.send("admin", "GET", f"/api/races?limit=1{before}")).json()
        if not page:
            break
        assert len(page) == 1
        seen.append(page[0]["race_id"])
    assert seen == made[::-1]


async def test_a_list_that_lost_its_place_says_so_instead_of_starting_again(site: Site, event: Event) -> None:
    later = (await site.send("admin", "POST", "/api/events", json={"name": "Later", "date": "2030-01-01"})).json()
    first = (await site.send(ANONYMOUS, "GET", "/api/events?limit=1")).json()
    assert [one["event_id"] for one in first] == [later["event_id"]]
    rest = (await site.send(ANONYMOUS, "GET", f"/api/events?before={later['event_id']}")).json()
    assert [one["event_id"] for one in rest] == [event.event_id]
    await site.send("admin", "DELETE", f"/api/events/{later['event_id']}")
    lost = await site.send(ANONYMOUS, "GET", f"/api/events?before={later['event_id']}")
    assert (lost.status_code, lost.json()["message"]) == (409, "The event that ended the page before is gone.")


async def test_nothing_public_has_more_than_the_hall_may_see(site: Site, event: Event) -> None:
    race = await ready(site, event)
    for kind in ("start", "lap", "end", "submit"):
        await act(site, race["race_id"], kind)
    texts = [
        (await site.send(ANONYMOUS, "GET", path)).text
        for path in (
            "/api/events",
            f"/api/events/{event.event_id}",
            f"/api/events/{event.event_id}/board",
            "/api/health",
            "/",
            f"/events/{event.event_id}/board",
        )
    ]
    assert "the-racer" in texts[2]
    private = {"the-admin", "the-operator", "password", "badge_code", "avatar", "created_at", "fleet_id", "actor"}
    private |= {person for role, person in site.person_ids.items() if role != "racer"}
    for text in texts[:4]:
        assert [word for word in private if word in text] == []


async def test_staff_see_strips_and_fleets_of_an_event(site: Site, event: Event) -> None:
    for role, fields in (("registration", True), ("racer", False), (ANONYMOUS, False)):
        answer = (await site.send(role, "GET", f"/api/events/{event.event_id}")).json()
        assert ("lines" in answer["tracks"][0]) is fields


async def test_a_deleted_lap_is_shown_to_who_asks_for_it(site: Site, event: Event) -> None:
    race_id = (await ready(site, event))["race_id"]
    for kind in ("start", "lap", "lap", "end"):
        await act(site, race_id, kind)
    assert (await act(site, race_id, "delete_lap", lap=1)).status_code == 200
    plain = (await site.send("commentator", "GET", f"/api/races/{race_id}")).json()
    assert [lap["lap"] for lap in plain["laps"]] == [2]
    whole = (await site.send("commentator", "GET", f"/api/races/{race_id}?deleted_laps=true")).json()
    assert [(lap["lap"], lap["deleted"]) for lap in whole["laps"]] == [(1, True), (2, False)]
    assert whole["best_ms"] == plain["best_ms"]


async def test_deleted_races_can_be_listed_alone(site: Site, event: Event) -> None:
    gone = (await ready(site, event))["race_id"]
    for kind in ("start", "lap", "end", "delete_race"):
        assert (await act(site, gone, kind)).status_code == 200
    kept = (await ready(site, event))["race_id"]

    async def listed(query: str) -> list[str]:
        return [race["race_id"] for race in (await site.send("operator", "GET", f"/api/races{query}")).json()]

    assert await listed("") == [kept]
    assert await listed("?deleted=true") == [kept, gone]
    assert await listed("?only_deleted=true") == [gone]
