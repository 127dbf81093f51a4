"""The race screen on a real server: whole races by keys, what is refused, two timekeepers, a power cut."""

import asyncio
from pathlib import Path

import pytest

from appliance import clock
from appliance.permissions import Role
from appliance.serve import opened_house
from appliance.settings import load
from tests.tui.cut_cable import plugged
from tests.tui.seated import LARGE, SMALL, Terminal, seated
from tests.tui.seats import after_ms
from tests.web.conftest import Site, serving
from tests.web.racing_day import act, add_racer, hand_in, start_race
from timing.journal import Kind
from timing.rules import RaceRules
from timing.structs import Action, Event, NewEvent, NewTrack, RaceState, RaceView
from tui.key_repeat import ONE_PRESS_NS
from tui.screens.ask import Ask
from tui.screens.base import RoomScreen
from tui.screens.big_clock import BigClockScreen
from tui.screens.race import RaceScreen

ROOMS: dict[str, type[RoomScreen]] = {"race": RaceScreen}


@pytest.fixture
async def site(site: Site) -> Site:
    await site.add(Role.COMMENTATOR)
    return site


@pytest.fixture
async def event(site: Site) -> Event:
    rules = RaceRules(max_runs=2, min_lap_ms=0)
    return await site.house.events.create(NewEvent(name="Cup", rules=rules, tracks=[NewTrack(name="Left")]), "test")


async def stand_in_line(site: Site, event: Event, *names: str) -> list[str]:
    ids = [await add_racer(site.house, name, "NL") for name in names]
    for racer_id in ids:
        await site.house.queue.add(event.event_id, "1", racer_id, "test")
    return ids


def live(site: Site, event: Event) -> RaceView | None:
    return site.house.control.live(event.event_id, "1")


def state(site: Site, event: Event) -> RaceState | None:
    race = live(site, event)
    return None if race is None else race.state


def laps(site: Site, event: Event) -> list[bool]:
    """Which laps of the live race count."""
    race = live(site, event)
    assert race is not None
    return [lap.valid for lap in race.laps]


async def another_press() -> None:
    """Until the same key counts as pressed anew and not as held down."""
    await after_ms(ONE_PRESS_NS // 1_000_000)


async def settled(terminal: Terminal) -> None:
    """Nothing that was pressed waits any more."""
    await terminal.until(lambda: not terminal.seat.presses.waiting)


async def press(terminal: Terminal, *keys: str) -> None:
    """Press, and wait for the box each time."""
    for key in keys:
        await terminal.keys(key)
        await settled(terminal)


async def test_a_whole_race_is_timed_by_keys_and_the_next_one_made_ready(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ada", "bob")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("Left is free", "Next   ada (NL)   run 1 of 2")
        await terminal.keys("n")
        await terminal.shows("○ Ready", "ada (NL)  run 1 of 2", "The first crossing or Space")
        await terminal.keys("space")
        await terminal.shows("► Running", "TIME LEFT", "LAP 1")
        await terminal.keys("l")
        await terminal.shows("LAP 2", "hand   √ valid   best")
        await terminal.keys("r")
        await terminal.shows("RESETS 1/∞")
        await terminal.keys("e")
        await terminal.shows("RESETS 0/∞")
        await terminal.keys("d")
        await terminal.shows("‖ Paused", "× DNF", "1 valid, 1 not")
        await terminal.keys("x")
        await terminal.shows("■ Over", "then S submits")
        await terminal.keys("c")
        await terminal.shows("‖ Paused")
        await another_press()
        await terminal.keys("x")
        await terminal.shows("■ Over")
        await terminal.keys("s")
        await terminal.shows("Left is free   √ Submitted  ada (NL)  1 valid lap, best 00:0", "Next   bob (NL)")
        races = await terminal.seat.box.races(event_id=event.event_id)
    assert [(race.state, [lap.valid for lap in race.laps]) for race in races] == [(RaceState.SUBMITTED, [True, False])]


async def test_the_lap_key_is_enter_too_and_capitals_are_no_other_keys(site: Site, event: Event) -> None:
    await start_race(site.house, event, await add_racer(site.house, "ada"))
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("enter")
        await terminal.until(lambda: len(laps(site, event)) == 1)
        await terminal.keys("R")
        await terminal.shows("RESETS 1/∞")


async def test_the_undone_lap_is_gone_from_the_screen(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, await add_racer(site.house, "ada"))
    await act(site.house, await act(site.house, race, Kind.LAP), Kind.LAP)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("LAP 3")
        await terminal.keys("u")
        await terminal.shows("LAP 2", "Lap 2 undone  (edit)")
        assert laps(site, event) == [True]


async def test_v_changes_the_newest_lap_or_the_chosen_one(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, await add_racer(site.house, "ada"))
    for _ in range(3):
        race = await act(site.house, race, Kind.LAP)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("LAP 4")
        await press(terminal, "v")
        assert laps(site, event) == [True, True, False]
        await press(terminal, "down", "down", "v")
        assert laps(site, event) == [True, False, False]
        await terminal.shows("►   2 ", "× invalid edite")
        await press(terminal, "up", "v")
        assert laps(site, event) == [True, False, True]


async def test_a_key_that_means_nothing_now_says_what_does(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, await add_racer(site.house, "ada"))
    await act(site.house, race, Kind.PAUSE)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("‖ Paused")
        await terminal.keys("l")
        await terminal.shows("Lap: not now", "The race is paused: Space resumes it.")
        await terminal.keys("v")
        await terminal.shows("Validity: not now", "There is no lap yet.")
        await terminal.keys("n")
        await terminal.shows("The race of ada is on the track", "Submit or discard it first")
        assert terminal.seat.presses.waiting == ()


async def test_a_refused_press_appears_with_its_remedy(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, await add_racer(site.house, "ada"))
    await act(site.house, race, Kind.LAP)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("LAP 2")
        real = terminal.seat.box.act

        async def somebody_else_was_quicker(race_id: str, action: Action) -> RaceView:
            await act(site.house, race, Kind.UNDO_LAP)
            return await real(race_id, action)

        terminal.seat.box.act = somebody_else_was_quicker  # type: ignore[method-assign]
        await terminal.keys("u")
        await terminal.shows("Undo lap: There is no lap to undo.", "Take a lap first.")
        assert laps(site, event) == []


async def test_end_and_discard_ask_when_they_should(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, await add_racer(site.house, "ada"))
    await act(site.house, race, Kind.PAUSE)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("‖ Paused")
        await terminal.keys("ctrl+x")
        await terminal.shows("Throw this race away?", "cannot be undone.")
        await terminal.keys("enter")
        await terminal.opens(RaceScreen)
        assert state(site, event) is RaceState.PAUSED
        await terminal.keys("ctrl+x")
        await terminal.opens(Ask)
        await terminal.keys("y")
        await terminal.shows("Left is free   × Discarded  ada")
        assert live(site, event) is None


async def test_n_pressed_twice_makes_one_race(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ada", "bob")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("Next   ada (NL)")
        await terminal.keys("n", "n")
        await terminal.shows("○ Ready", "ada (NL)")
        assert len(await terminal.seat.box.races(event_id=event.event_id)) == 1


async def test_used_up_runs_ask_before_one_more(site: Site, event: Event) -> None:
    (racer_id,) = await stand_in_line(site, event, "ada")
    for _ in range(2):
        await hand_in(site.house, event, racer_id, [9_000])
    await site.house.queue.add(event.event_id, "1", racer_id, "test")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("all 2 runs used", "asks whether to allow one more run")
        await terminal.keys("n")
        await terminal.shows("Allow one more run for ada?")
        await terminal.keys("n")
        await terminal.shows("Left is free")
        await terminal.keys("n")
        await terminal.opens(Ask)
        await terminal.keys("y")
        await terminal.shows("○ Ready", "run 3 of 2", "Ready, past the run limit")


async def test_p_marks_the_next_race_and_the_running_one(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ada")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("Next   ada")
        await terminal.keys("p")
        await terminal.shows("Will be raced by proxy.")
        await terminal.keys("n")
        await terminal.shows("○ Ready", "by proxy")
        await terminal.keys("p")
        await terminal.until(lambda: (race := live(site, event)) is not None and not race.by_proxy)
        await terminal.until(lambda: "by proxy" not in terminal.text().splitlines()[1])


async def test_a_second_timekeeper_sees_what_the_first_one_does(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ada")
    async with (
        seated(site, event.event_id, ROOMS) as first,
        seated(site, event.event_id, ROOMS, size=LARGE) as second,
    ):
        await first.keys("n")
        await second.shows("○ Ready", "ada (NL)")
        await second.keys("space")
        await first.shows("► Running")
        await first.keys("l")
        await second.shows("LAP 2", "WHAT HAPPENED", "Lap taken by hand")


async def test_a_power_cut_says_that_laps_are_kept_and_what_to_do(
    site: Site, event: Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del site
    directory = tmp_path / "cut"
    directory.mkdir()
    settings = load(directory, environment={})
    async with opened_house(settings, settings.recorder_socket) as house:
        event = await house.events.create(NewEvent(name="Cup", tracks=[NewTrack(name="Left")]), "test")
        await act(house, await start_race(house, event, await add_racer(house, "ada")), Kind.LAP)
    monkeypatch.setattr(clock, "boot_id", lambda: "another-boot")
    async with opened_house(settings, settings.recorder_socket) as house, serving(house) as again:
        await again.add(Role.OPERATOR)
        async with seated(again, event.event_id, ROOMS) as terminal:
            await terminal.shows("‖ Paused", "Paused by a power cut. All laps are kept.", "LAP 2")
            await terminal.keys("space")
            await terminal.shows("► Running")
            await terminal.until(lambda: "power cut." not in terminal.text())


async def test_who_may_only_look_is_told_so(site: Site, event: Event) -> None:
    await start_race(site.house, event, await add_racer(site.house, "ada"))
    async with seated(site, event.event_id, ROOMS, role="commentator") as terminal:
        await terminal.shows("► Running")
        await terminal.keys("l")
        await terminal.shows("You may look, not change.")
        assert "Pause" not in terminal.text().splitlines()[-1]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_names_are_only_text_and_break_no_column(site: Site, event: Event, size: tuple[int, int]) -> None:
    names = ["日本太郎日本太郎日本太郎日本太郎日本太郎", "abcdefghijklmnopqrst", "नमस्ते"]
    await stand_in_line(site, event, *names)
    async with seated(site, event.event_id, ROOMS, size=size) as terminal:
        await terminal.keys("n")
        await terminal.shows(
            "○ Ready", "日本太郎日本太郎日本太郎日本太郎日本太郎 (NL)  run 1 of 2", "abcdefghijklmnopqrst"
        )


async def test_the_big_clock_shows_the_race_and_times_it(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, await add_racer(site.house, "ada"))
    async with seated(site, event.event_id, ROOMS, big_clock=BigClockScreen, size=(60, 15)) as terminal:
        await terminal.shows("► Running")
        await terminal.keys("b")
        await terminal.opens(BigClockScreen)
        await terminal.shows("TIME LEFT", "LAP 1", "0 valid laps  best –")
        await terminal.keys("l")
        await terminal.shows("LAP 2", "1 valid lap  best 00:")
        await terminal.keys("space")
        await terminal.shows("‖ Paused")
        await act(site.house, await act(site.house, race, Kind.END), Kind.SUBMIT)
        await terminal.shows("Left is free")
        await terminal.keys("b")
        await terminal.opens(RaceScreen)


async def test_the_question_before_the_end_is_asked_while_a_lap_waits(site: Site, event: Event) -> None:
    await start_race(site.house, event, await add_racer(site.house, "ada"))
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("► Running")
        sending = asyncio.Event()
        real = terminal.seat.box.act

        async def held(race_id: str, action: Action) -> RaceView:
            await sending.wait()
            return await real(race_id, action)

        terminal.seat.box.act = held  # type: ignore[method-assign]
        await terminal.keys("l")
        await terminal.shows("● Lap", "1 press waits for the box: Lap")
        await terminal.keys("x")
        await terminal.shows("End the race while 1 lap waits for the box?")
        assert isinstance(terminal.app.screen, Ask)
        await terminal.keys("n", "w")
        await terminal.shows(": let it go?")
        await terminal.keys("n", "x")
        await terminal.opens(Ask)
        await terminal.keys("y")
        sending.set()
        await terminal.shows("■ Over")
        assert laps(site, event) == [True]


async def test_w_decides_about_a_press_that_cannot_be_placed_any_more(site: Site, event: Event) -> None:
    await start_race(site.house, event, await add_racer(site.house, "ada"))
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("► Running")
        terminal.seat.clock.heard("a-boot-of-before")
        terminal.seat.press(Kind.LAP)  # no key: a beat of the box would come first and tell its boot
        terminal.seat.clock.heard(clock.boot_id())
        await terminal.shows("The box was restarted since this was pressed. W decides")
        await terminal.keys("w")
        await terminal.shows("count it as pressed now?")
        await terminal.keys("y")
        await terminal.shows("LAP 2")
        await settled(terminal)


async def test_a_lost_link_is_said_and_timing_goes_on(site: Site, event: Event) -> None:
    await start_race(site.house, event, await add_racer(site.house, "ada"))
    async with plugged(site.port) as cable, seated(site, event.event_id, ROOMS, address=cable.url) as terminal:
        await terminal.shows("● live", "► Running")
        cable.black_hole()
        await terminal.shows("LINK LOST", "Go on timing: presses are kept")
        await terminal.keys("l")
        await terminal.shows("● Lap", "1 press waits for the box: Lap ")
        assert laps(site, event) == []
        cable.mend()
        await terminal.shows("● live", "LAP 2")
        assert laps(site, event) == [True]
        await terminal.until(lambda: "waits for the box" not in terminal.text())
