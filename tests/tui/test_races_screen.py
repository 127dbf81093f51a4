"""Browsing and correcting races on a real server: a correction is in the trail and in the API, with its reason."""

from typing import Any

import pytest
from textual.widgets import Input

from appliance.permissions import Role
from tests.tui.seated import LARGE, SMALL, Terminal, seated
from tests.web.conftest import Site
from tests.web.racing_day import add_racer, hand_in, start_race
from timing.structs import Action, Event, RaceView
from tui.errors import BoxAway
from tui.row_list import RowList
from tui.screens.base import RoomScreen
from tui.screens.find_racer import FindRacer
from tui.screens.form import Form
from tui.screens.pick import Pick
from tui.screens.queue import QueueScreen
from tui.screens.race_edit import RaceEditScreen
from tui.screens.races import RacesScreen

ROOMS: dict[str, type[RoomScreen]] = {"races": RacesScreen, "queue": QueueScreen}


@pytest.fixture
async def site(site: Site) -> Site:
    await site.add(Role.COMMENTATOR)
    return site


@pytest.fixture
async def race(site: Site, event: Event) -> RaceView:
    """ann's submitted race of three laps."""
    race_id = await hand_in_of(site, event, "ann", [9_000, 8_500, 10_000])
    return await site.house.control.view(race_id)


async def hand_in_of(site: Site, event: Event, name: str, laps_ms: list[int | None], track_id: str = "1") -> str:
    await hand_in(site.house, event, await add_racer(site.house, name), laps_ms, track_id)
    return str((await site.send("operator", "GET", "/api/races?limit=1")).json()[0]["race_id"])


async def api(site: Site, race_id: str, query: str = "") -> dict[str, Any]:
    return dict((await site.send("operator", "GET", f"/api/races/{race_id}{query}")).json())


async def newest_edit(site: Site, race_id: str) -> str:
    return str((await site.send("operator", "GET", f"/api/races/{race_id}/trail")).json()[-1]["text"])


async def opened(terminal: Terminal) -> None:
    """The newest race is open and known."""
    await terminal.shows("ann")
    await terminal.keys("enter")
    await terminal.opens(RaceEditScreen)
    await terminal.shows("Submitted")
    await terminal.until(lambda: terminal.app.screen._allowed)  # type: ignore[attr-defined]


async def form(terminal: Terminal) -> Form:
    await terminal.opens(Form)
    assert isinstance(terminal.app.screen, Form)
    return terminal.app.screen


async def closed(terminal: Terminal) -> None:
    await terminal.opens(RaceEditScreen)


async def typed(terminal: Terminal, field: str, text: str) -> None:
    (await form(terminal)).query_one(f"#{field}", Input).value = text


async def test_no_races_yet_is_said(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("No races yet.", "0 in all")


async def test_races_are_found_by_track_racer_and_state(site: Site, event: Event) -> None:
    await hand_in_of(site, event, "ann", [9_000])
    await hand_in_of(site, event, "bob", [8_000], "2")
    await start_race(site.house, event, await add_racer(site.house, "cyd"))
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("ann", "bob", "cyd", "► Running", "√ Submitted", "3 in all")
        await terminal.keys("k", "k")
        await terminal.shows("Right · all racers", "1 in all", "bob")
        await terminal.keys("k", "s", "s")
        await terminal.shows("all tracks · all racers · ► Running", "1 in all", "cyd")
        await terminal.keys("f", "r")
        await terminal.opens(FindRacer)
        await terminal.keys("a", "n", "n", "enter")
        await terminal.shows("all tracks · ann · all states", "1 in all")
        await terminal.keys("s")
        await terminal.shows("No race fits.", "Press F to see all races.")
        await terminal.keys("f")
        await terminal.shows("3 in all")


async def test_a_new_race_appears_by_itself(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("No races yet.")
        await hand_in_of(site, event, "ann", [9_000])
        await terminal.shows("ann", "√ Submitted", "00:09.000")


async def test_more_than_a_page_comes_as_one_scrolls(site: Site, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.races.PAGE", 10)
    for number in range(25):
        await hand_in_of(site, event, f"racer-{number:02d}", [9_000])
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("10, more below", "racer-24")
        for shown in ("20, more below", "25 in all"):
            await terminal.keys("end")
            await terminal.shows(shown)
        await terminal.keys("end")
        await terminal.shows("racer-00")


async def test_a_wide_terminal_shows_the_chosen_race_beside_the_list(site: Site, event: Event, race: RaceView) -> None:
    async with seated(site, event.event_id, ROOMS, size=LARGE) as terminal:
        await terminal.shows("WHAT HAPPENED", "Lap taken by hand", "best 00:08.500", "q Quit")


async def test_a_lap_time_is_corrected_with_a_reason(site: Site, event: Event, race: RaceView) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        await terminal.keys("down", "enter")
        await typed(terminal, "typed", "7,25")
        await terminal.keys("enter", *"photo", "enter")
        await closed(terminal)
        await terminal.shows("00:07.250", "edited", "the-operator Lap 2 set to 00:07.250 (photo)")
    assert [lap["lap_ms"] for lap in (await api(site, race.race_id))["laps"]] == [9_000, 7_250, 10_000]
    assert await newest_edit(site, race.race_id) == "Lap 2 set to 00:07.250 (photo)"


async def test_a_wrong_time_is_told_and_stays_to_be_mended(site: Site, event: Event, race: RaceView) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        await terminal.keys("enter")
        await typed(terminal, "typed", "9.1.2")
        await terminal.keys("enter", "enter")
        await terminal.shows("Type the time as mm:ss.mmm, for example 00:12.345.", "9.1.2")
        await typed(terminal, "typed", "9.12")
        await terminal.keys("enter", "enter")
        await closed(terminal)
        await terminal.shows("00:09.120")


async def test_resets_and_validity_are_corrected(site: Site, event: Event, race: RaceView) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        await terminal.keys("r")
        await typed(terminal, "typed", "2")
        await terminal.keys("enter", "enter")
        await closed(terminal)
        await terminal.shows("Lap 1 set to 2 resets")
        await terminal.keys("v")
        await form(terminal)
        await terminal.keys(*"cut", "enter")
        await closed(terminal)
        await terminal.shows("× invalid", "Lap 1 made invalid (cut)")
    first = (await api(site, race.race_id))["laps"][0]
    assert (first["resets"], first["valid"]) == (2, False)


async def test_a_lap_is_deleted_and_restored(site: Site, event: Event, race: RaceView) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        await terminal.keys("down", "d")
        await form(terminal)
        await terminal.shows("Delete lap 2, 00:08.500")
        await terminal.keys("enter")
        await closed(terminal)
        await terminal.shows("× Deleted", "Lap 2 deleted")
        assert [lap["lap"] for lap in (await api(site, race.race_id))["laps"]] == [1, 3]
        await terminal.keys("enter")
        await terminal.shows("Lap 2 is deleted.", "Restore it first: press D.")
        await terminal.keys("d")
        await form(terminal)
        await terminal.keys("enter")
        await closed(terminal)
        await terminal.shows("Lap 2 restored")
        assert [lap["lap"] for lap in (await api(site, race.race_id))["laps"]] == [1, 2, 3]


async def test_a_race_goes_to_another_racer_track_and_proxy(site: Site, event: Event, race: RaceView) -> None:
    await add_racer(site.house, "bob")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        await terminal.keys("g")
        await terminal.opens(FindRacer)
        await terminal.keys("b", "o", "b", "enter")
        await form(terminal)
        await terminal.keys("enter")
        await closed(terminal)
        await terminal.shows("Given to bob")
        await terminal.keys("k")
        await terminal.opens(Pick)
        await terminal.keys("enter")
        await form(terminal)
        await terminal.keys("enter")
        await closed(terminal)
        await terminal.shows("Moved to Right")
        await terminal.keys("p")
        await form(terminal)
        await terminal.keys("enter")
        await closed(terminal)
        await terminal.shows("bob (by proxy)")
    after = await api(site, race.race_id)
    assert (after["username"], after["track_id"], after["by_proxy"]) == ("bob", "2", True)


async def test_a_race_is_deleted_found_among_the_deleted_and_restored(site: Site, event: Event, race: RaceView) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        await terminal.keys("ctrl+x")
        await form(terminal)
        await terminal.keys(*"test", "enter")
        await closed(terminal)
        await terminal.shows("This race is deleted. It counts nowhere. Ctrl+X restores it.", "Race deleted (test)")
        await terminal.keys("enter")
        await terminal.shows("Restore it first: Ctrl+X.")
        await terminal.keys("escape")
        await terminal.shows("No races yet.")
        for _ in range(7):
            await terminal.keys("s")
        await terminal.shows("deleted · 1 in all", "× Deleted")
        await terminal.keys("enter")
        await closed(terminal)
        await terminal.until(lambda: terminal.app.screen._allowed)  # type: ignore[attr-defined]
        await terminal.keys("ctrl+x")
        await form(terminal)
        await terminal.keys("enter")
        await closed(terminal)
        await terminal.shows("Race restored")
    assert (await api(site, race.race_id))["deleted"] is False


async def test_a_refused_correction_leaves_the_form_as_it_was_typed(site: Site, event: Event, race: RaceView) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        await terminal.keys("p")
        await typed(terminal, "reason", "his father drove")
        deleted = {"action_id": "gone", "kind": "delete_race"}
        await site.send("operator", "POST", f"/api/races/{race.race_id}/actions", json=deleted)
        await terminal.keys("enter")
        await terminal.shows("× ", "deleted", "his father drove")
        assert isinstance(terminal.app.screen, Form)
        await terminal.keys("escape")
        await closed(terminal)
        await terminal.shows("This race is deleted.")


async def test_a_lap_that_somebody_else_corrected_is_not_overwritten_unseen(
    site: Site, event: Event, race: RaceView
) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        await terminal.keys("enter")
        await typed(terminal, "typed", "7")
        other = {"action_id": "other", "kind": "set_time", "lap": 1, "lap_ms": 9_500}
        await site.send("operator", "POST", f"/api/races/{race.race_id}/actions", json=other)
        await terminal.keys("enter", "enter")
        await terminal.shows("Lap 1 was changed meanwhile: it is 00:09.500, valid, 0")
        await terminal.keys("escape")
        await closed(terminal)
        await terminal.shows("00:09.500")


async def test_a_correction_whose_answer_was_lost_is_sent_again_and_made_once(
    site: Site, event: Event, race: RaceView
) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        act, answers = terminal.seat.box.act, [BoxAway("The answer was lost.", "Try again.")]

        async def lost(race_id: str, action: Action) -> RaceView:
            view = await act(race_id, action)
            if answers:
                raise answers.pop()
            return view

        terminal.seat.box.act = lost  # type: ignore[method-assign]
        await terminal.keys("enter")
        await typed(terminal, "typed", "7")
        await terminal.keys("ctrl+s")
        await terminal.shows("The answer was lost. Try again.")
        await terminal.keys("ctrl+s")
        await closed(terminal)
        await terminal.shows("Lap 1 set to 00:07.000")
    trail = (await site.send("operator", "GET", f"/api/races/{race.race_id}/trail")).json()
    assert [line["text"] for line in trail].count("Lap 1 set to 00:07.000") == 1


async def test_a_running_race_says_that_it_cannot_be_corrected_yet(site: Site, event: Event) -> None:
    running = await start_race(site.house, event, await add_racer(site.house, "ann"))
    await site.send(
        "operator", "POST", f"/api/races/{running.race_id}/actions", json={"action_id": "lap", "kind": "lap"}
    )
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("ann")
        await terminal.keys("enter")
        await terminal.shows("The race goes on. Times can be corrected once it is over.", "Lap taken by hand")
        await terminal.keys("enter")
        await terminal.shows("The race is not over yet.")


async def test_who_may_only_look_sees_the_trail_and_changes_nothing(site: Site, event: Event, race: RaceView) -> None:
    async with seated(site, event.event_id, ROOMS, role="commentator", size=SMALL) as terminal:
        await opened(terminal)
        await terminal.shows("Lap 3 set to 00:10.000")
        await terminal.keys("enter")
        await terminal.shows("You may look, not change.")


async def test_a_number_key_leads_from_one_race_to_another_screen(site: Site, event: Event, race: RaceView) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await opened(terminal)
        await terminal.keys("2")
        await terminal.opens(QueueScreen)
        await terminal.keys("1")
        await terminal.opens(RacesScreen)
        assert terminal.app.screen.query_one("#races-rows", RowList).chosen == 0
