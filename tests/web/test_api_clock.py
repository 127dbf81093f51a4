"""The box's clock over HTTP, and presses stamped with it."""

from typing import Any

import pytest

from appliance import clock
from appliance.ids import new_id
from tests.web.conftest import Site
from tests.web.test_api_races import act, ready
from timing.structs import Event

BOOT = clock.boot_id()


async def running(site: Site, event: Event) -> str:
    """A race started by hand; answers its id."""
    race = await ready(site, event)
    assert (await act(site, race["race_id"], "start")).status_code == 200
    return str(race["race_id"])


async def reading(site: Site) -> dict[str, Any]:
    answer = await site.send("commentator", "GET", "/api/clock")
    assert answer.status_code == 200
    return dict(answer.json())


async def test_clock_is_the_box_s_at_the_moment_of_the_answer(site: Site) -> None:
    before_ns, before_wall_ns = clock.mono_ns(), clock.wall_ns()
    read = await reading(site)
    after_ns, after_wall_ns = clock.mono_ns(), clock.wall_ns()

    assert set(read) == {"mono_ns", "wall_ns", "boot_id"}
    assert before_ns <= read["mono_ns"] <= after_ns
    assert before_wall_ns <= read["wall_ns"] <= after_wall_ns
    assert read["boot_id"] == BOOT


async def test_clock_is_never_answered_from_a_cache(site: Site) -> None:
    answer = await site.send("operator", "GET", "/api/clock")
    assert answer.headers["cache-control"] == "no-store"


async def test_stamped_press_counts_when_it_was_pressed(site: Site, event: Event) -> None:
    race_id = await running(site, event)
    pressed = await reading(site)
    laps = (await act(site, race_id, "lap")).json()["laps"]
    stamp = {"pressed_at_ns": pressed["mono_ns"], "pressed_boot_id": pressed["boot_id"]}
    answer = await act(site, race_id, "lap", **stamp)

    assert answer.status_code == 200, answer.text
    first, second = answer.json()["laps"]
    assert first["set_at"] == clock.iso_utc(pressed["wall_ns"])
    assert laps[0]["lap_ms"] - 1 <= first["lap_ms"] + second["lap_ms"] <= laps[0]["lap_ms"]


@pytest.mark.parametrize(
    ("stamp", "status", "message"),
    [
        ({"boot": "another-boot"}, 409, "The box was restarted since this was pressed, so its moment cannot be told."),
        ({"ahead_ms": 10_000}, 409, "This was stamped ahead of the box's clock: the clock of this screen is wrong."),
        ({"ahead_ms": -901_000}, 409, "This was pressed more than 15 minutes ago."),
        ({"boot": None}, 400, "pressed_at_ns and pressed_boot_id belong together."),
    ],
)
async def test_stamp_that_cannot_be_true_is_refused_and_changes_nothing(
    site: Site, event: Event, monkeypatch: pytest.MonkeyPatch, stamp: dict[str, Any], status: int, message: str
) -> None:
    race_id = await running(site, event)
    up_since_ns = 10**12
    monkeypatch.setattr(clock, "mono_ns", lambda: up_since_ns)
    answer = await act(
        site,
        race_id,
        "lap",
        pressed_at_ns=up_since_ns + stamp.get("ahead_ms", 0) * 1_000_000,
        pressed_boot_id=stamp.get("boot", BOOT),
    )

    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert answer.json()["remedy"]
    assert (await site.send("operator", "GET", f"/api/races/{race_id}")).json()["version"] == 2


@pytest.mark.parametrize("at_ns", ["1", 1.5, -1, 2**63])
async def test_stamp_is_a_whole_number_of_a_clock(site: Site, event: Event, at_ns: object) -> None:
    race_id = await running(site, event)
    answer = await act(site, race_id, "lap", pressed_at_ns=at_ns, pressed_boot_id=BOOT)
    assert (answer.status_code, answer.json()["field"]) == (400, "pressed_at_ns")


async def test_lost_answer_may_be_asked_for_again_with_a_better_stamp(site: Site, event: Event) -> None:
    race_id = await running(site, event)
    read = await reading(site)
    body = {"action_id": new_id(), "kind": "lap", "pressed_at_ns": read["mono_ns"], "pressed_boot_id": BOOT}
    path = f"/api/races/{race_id}/actions"
    first = (await site.send("operator", "POST", path, json=body)).json()
    again = (await site.send("operator", "POST", path, json={**body, "pressed_at_ns": read["mono_ns"] + 1_000})).json()

    assert (again["version"], again["laps"]) == (first["version"], first["laps"])
