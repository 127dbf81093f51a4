"""Loose crossings, re-scoring and signal over HTTP: what an answer means, and what a refusal leaves alone."""

import itertools
from typing import Any

import pytest

from appliance import clock
from tests.web.conftest import Site
from tests.web.test_api_races import act, ready
from timing.crossings import EdgeSeen
from timing.loose import loose_job
from timing.structs import Event

NUMBERS = itertools.count(1)


async def crossing(site: Site, event: Event, track_id: str = "1") -> EdgeSeen:
    """A crossing of this moment that no race took."""
    edge = EdgeSeen("pi", clock.boot_id(), next(NUMBERS), 17, True, clock.mono_ns(), clock.wall_ns())
    await site.house.db.write(loose_job(edge, event.event_id, track_id))
    return edge


def of(event: Event, edge: EdgeSeen, verb: str) -> str:
    return f"/api/events/{event.event_id}/crossings/pi/{edge.seq}/{verb}"


async def listed(site: Site, event: Event, query: str = "") -> Any:
    answer = await site.send("commentator", "GET", f"/api/events/{event.event_id}/crossings{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_loose_crossing_is_listed_with_what_giving_it_would_change(site: Site, event: Event) -> None:
    race = await ready(site, event)
    await act(site, race["race_id"], "start")
    edge = await crossing(site, event)
    await act(site, race["race_id"], "lap")
    (loose,) = await listed(site, event, "?track=1")

    assert (loose["recorder_id"], loose["edge_seq"], loose["line"], loose["open"]) == ("pi", edge.seq, 17, True)
    (candidate,) = loose["candidates"]
    assert (candidate["race_id"], candidate["refusal"]) == (race["race_id"], None)
    assert (len(candidate["laps_before"]), len(candidate["laps_after"])) == (1, 2)
    assert await listed(site, event, "?track=2") == []


async def test_it_is_given_to_a_submitted_race_and_a_retry_answers_the_same(site: Site, event: Event) -> None:
    race = await ready(site, event)
    await act(site, race["race_id"], "start")
    edge = await crossing(site, event)
    for kind in ("lap", "end", "submit"):
        await act(site, race["race_id"], kind)
    body = {"race_id": race["race_id"], "reason": "the strip was unplugged"}
    answers = [await site.send("operator", "POST", of(event, edge, "give"), json=body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert [lap["source"] for lap in answers[0].json()["laps"]] == ["strip", "hand"]
    trail = (await site.send("operator", "GET", f"/api/races/{race['race_id']}/trail")).json()
    assert (trail[-1]["text"], trail[-1]["actor"]) == (
        "Crossing on line 17 given (the strip was unplugged)", "the-operator",
    )  # fmt: skip
    assert await listed(site, event) == []
    (closed,) = await listed(site, event, "?all=true")
    assert (closed["open"], closed["given_to"], closed["given_by"]) == (False, "the-racer", "the-operator")


async def test_it_is_taken_out_again_and_given_back(site: Site, event: Event) -> None:
    race = await ready(site, event)
    await act(site, race["race_id"], "start")
    edge = await crossing(site, event)
    body = {"race_id": race["race_id"]}
    given = (await site.send("operator", "POST", of(event, edge, "give"), json=body)).json()
    address = f"/api/races/{race['race_id']}/crossings/{given['laps'][0]['seq']}"
    out = await site.send("operator", "DELETE", address)

    assert (out.status_code, out.json()["laps"]) == (200, [])
    assert len(await listed(site, event)) == 1
    assert (await site.send("operator", "DELETE", address)).status_code == 409
    back = await site.send("operator", "POST", of(event, edge, "give"), json=body)
    assert back.json()["laps"] == given["laps"]


async def test_it_is_dismissed_and_asked_again(site: Site, event: Event) -> None:
    edge = await crossing(site, event)
    for _ in range(2):
        answer = await site.send("operator", "POST", of(event, edge, "dismiss"))
        assert (answer.status_code, answer.json()["open"]) == (200, False)
    assert answer.json()["dismissed_by"] == "the-operator"
    answer = await site.send("operator", "DELETE", of(event, edge, "dismiss"))
    assert (answer.status_code, answer.json()["open"]) == (200, True)


async def test_what_cannot_be_given_is_refused_with_the_right_status(site: Site, event: Event) -> None:
    right = await ready(site, event, track_id="2")
    edge = await crossing(site, event)
    late = await ready(site, event)

    async def give(number: int, body: dict[str, Any]) -> tuple[int, str | None]:
        path = f"/api/events/{event.event_id}/crossings/pi/{number}/give"
        answer = await site.send("operator", "POST", path, json=body)
        return answer.status_code, answer.json().get("field")

    assert await give(edge.seq, {"race_id": right["race_id"]}) == (409, None)
    assert await give(edge.seq, {"race_id": late["race_id"]}) == (409, None)
    assert await give(edge.seq, {"race_id": "nowhere"}) == (400, "race_id")
    assert await give(edge.seq, {}) == (400, "race_id")
    assert await give(99_999, {"race_id": late["race_id"]}) == (404, None)
    assert await give(10**30, {"race_id": late["race_id"]}) == (404, None)
    assert await give(-1, {"race_id": late["race_id"]}) == (404, None)
    assert (await site.send("operator", "GET", f"/api/races/{late['race_id']}")).json()["version"] == 1


@pytest.mark.parametrize("seq", ["0", "1", "-5", "99", str(10**30)])
async def test_only_a_crossing_can_be_taken_out(site: Site, event: Event, seq: str) -> None:
    race = await ready(site, event)
    await act(site, race["race_id"], "start")
    answer = await site.send("operator", "DELETE", f"/api/races/{race['race_id']}/crossings/{seq}")
    assert answer.status_code == 404


async def test_a_race_is_scored_anew_only_as_it_was_looked_at(site: Site, event: Event) -> None:
    race = await ready(site, event)
    path = f"/api/races/{race['race_id']}/rescore"
    assert (await site.send("operator", "GET", f"{path}?lockout_ms=1500")).status_code == 409
    for kind in ("start", "lap", "end"):
        await act(site, race["race_id"], kind)
    shown = (await site.send("commentator", "GET", f"{path}?lockout_ms=1500")).json()
    assert (shown["lockout_ms_before"], shown["changes"], shown["version"]) == (2_000, False, 4)
    stale = await site.send("operator", "POST", path, json={"lockout_ms": 1500, "version": 3})
    assert stale.status_code == 409
    body = {"lockout_ms": 1500, "version": 4}
    answers = [await site.send("operator", "POST", path, json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["version"] for answer in answers] == [5, 5]
    assert [lap["lap_ms"] for lap in answers[0].json()["laps"]] == [lap["lap_ms"] for lap in shown["laps_after"]]


@pytest.mark.parametrize("lockout_ms", ["", "-1", "60001", "x"])
async def test_a_lockout_out_of_range_is_refused(site: Site, event: Event, lockout_ms: str) -> None:
    race = await ready(site, event)
    answer = await site.send("operator", "GET", f"/api/races/{race['race_id']}/rescore?lockout_ms={lockout_ms}")
    assert answer.status_code == 400


async def test_without_its_recorder_a_race_is_not_scored_anew_and_has_no_signal(site: Site, event: Event) -> None:
    race = await ready(site, event)
    await act(site, race["race_id"], "start")
    edge = await crossing(site, event)
    await site.send("operator", "POST", of(event, edge, "give"), json={"race_id": race["race_id"]})
    await act(site, race["race_id"], "end")
    for path in ("rescore?lockout_ms=1500", "signal"):
        answer = await site.send("operator", "GET", f"/api/races/{race['race_id']}/{path}")
        assert answer.status_code == 503
        assert "not connected" in answer.json()["message"]
