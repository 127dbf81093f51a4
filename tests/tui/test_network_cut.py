"""The network goes in mid-race: no press is lost, none counts twice, and the laps come out as pressed."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from appliance import clock
from tests.tui.cut_cable import Cable, plugged
from tests.tui.seats import NS_PER_MS, Seated, after_ms, assert_laps_as_pressed, lag_ns, sitting
from tests.tui.test_terminal_killed import laps_stored
from tests.web.conftest import Site
from tests.web.racing_day import act
from timing.journal import Kind
from timing.structs import Event, RaceState, RaceView
from tui import local_clock
from tui.box import Box
from tui.link import LinkWord
from tui.seat import Seat
from tui.wire import WhoAmI

TOLD_NS = 3_000_000_000
"""A timekeeper knows within 3 s that the link is lost."""


@pytest.fixture
async def cable(site: Site) -> AsyncIterator[Cable]:
    """The network between the terminal and the box."""
    async with plugged(site.port) as cable:
        yield cable


@pytest.fixture
async def ada(site: Site, event: Event, race: RaceView, cable: Cable) -> AsyncIterator[Seated]:
    """A timekeeper at the track, live."""
    async with sitting(cable.url, site.tokens["operator"], event.event_id) as seated:
        await seated.live()
        yield seated


async def stored(site: Site, race: RaceView) -> RaceView:
    """The race as the box has it."""
    return await site.house.control.view(race.race_id)


def laps_shown(seated: Seated) -> int:
    """How many laps the seat knows of."""
    race = seated.seat.picture.race
    return 0 if race is None else len(race.view.laps)


async def test_presses_on_a_whole_network_are_laps_as_pressed(ada: Seated, site: Site, race: RaceView) -> None:
    presses = [await ada.press(Kind.START)] + [await ada.press(Kind.LAP) for _ in range(5)]
    await ada.sent()
    assert_laps_as_pressed(await stored(site, race), presses, ada)


async def test_without_a_network_no_press_is_lost_and_the_laps_are_as_pressed(
    ada: Seated, site: Site, race: RaceView, cable: Cable
) -> None:
    presses = [await ada.press(Kind.START), await ada.press(Kind.LAP)]
    await ada.sent()
    cable.black_hole()
    presses += [await ada.press(Kind.LAP) for _ in range(3)]
    await ada.until(lambda: ada.seat.link_state.is_lost)
    presses += [await ada.press(Kind.LAP) for _ in range(3)]
    assert [one.kind for one in ada.seat.presses.waiting] == [Kind.LAP] * 6
    assert len((await stored(site, race)).laps) == 1
    cable.mend()
    await ada.sent()
    assert_laps_as_pressed(await stored(site, race), presses, ada)


async def test_a_lost_link_is_told_within_three_seconds_of_the_last_byte(ada: Seated, cable: Cable) -> None:
    async with lag_ns() as lag:
        cable.black_hole()
        cut_ns = local_clock.stamp().mono_ns
        await ada.until(lambda: ada.seat.link_state.is_lost)
        assert ada.seat.link_state.since_ns - cut_ns < TOLD_NS + lag()


async def test_after_the_reconnect_the_picture_is_the_server_s(
    ada: Seated, site: Site, race: RaceView, cable: Cable
) -> None:
    cable.black_hole()
    await ada.until(lambda: ada.seat.link_state.is_lost)
    await act(site.house, race, Kind.START)
    await act(site.house, race, Kind.LAP)
    cable.mend()
    await ada.live()
    assert ada.seat.picture.race is not None
    assert (ada.seat.race_state, len(ada.seat.picture.race.view.laps)) == (RaceState.RUNNING, 1)


async def test_lost_answers_double_no_lap(ada: Seated, site: Site, race: RaceView, cable: Cable) -> None:
    presses = [await ada.press(Kind.START)]
    await ada.sent()
    cable.lose_answers()
    presses += [await ada.press(Kind.LAP) for _ in range(3)]
    await ada.until(lambda: ada.seat.link_state.is_lost)
    assert cable.answers_lost > 0
    await laps_stored(site, race, 1)  # The box took the first press, and nobody heard of it.
    assert len(ada.seat.presses.waiting) == 3
    cable.mend()
    await ada.sent()
    assert_laps_as_pressed(await stored(site, race), presses, ada)


async def test_a_network_that_comes_and_goes_loses_and_doubles_nothing(
    ada: Seated, site: Site, race: RaceView, cable: Cable
) -> None:
    presses = [await ada.press(Kind.START)]
    for hurt in [cable.cut, cable.refuse, cable.lose_answers, cable.black_hole] * 3:
        hurt()
        presses.append(await ada.press(Kind.LAP))
        await after_ms(150)
        cable.mend()
        presses.append(await ada.press(Kind.LAP))
    await ada.sent()
    assert_laps_as_pressed(await stored(site, race), presses, ada)


async def test_a_slow_network_changes_no_lap(ada: Seated, site: Site, race: RaceView, cable: Cable) -> None:
    cable.delay_s = 0.3
    presses = [await ada.press(Kind.START)] + [await ada.press(Kind.LAP) for _ in range(4)]
    await ada.sent()
    assert_laps_as_pressed(await stored(site, race), presses, ada)


async def test_two_timekeepers_at_once_see_each_other_and_lose_nothing(
    ada: Seated, site: Site, event: Event, race: RaceView, cable: Cable
) -> None:
    async with sitting(site.url, site.tokens["operator"], event.event_id) as bob:
        await bob.live()
        await ada.press(Kind.START)
        await bob.until(lambda: bob.seat.race_state is RaceState.RUNNING)
        await asyncio.gather(ada.press(Kind.LAP), bob.press(Kind.RESET))
        await asyncio.gather(ada.sent(), bob.sent())
        cable.black_hole()
        await ada.press(Kind.LAP)
        await bob.press(Kind.LAP)
        await bob.sent()
        await ada.until(lambda: ada.seat.link_state.is_lost)
        cable.mend()
        await ada.sent()
        await ada.until(lambda: laps_shown(ada) == 3)
        await bob.until(lambda: laps_shown(bob) == 3)
    assert len((await stored(site, race)).laps) == 3


async def test_the_box_at_another_address_loses_no_press(ada: Seated, site: Site, race: RaceView, cable: Cable) -> None:
    await ada.press(Kind.START)
    await ada.sent()
    cable.black_hole()
    await ada.press(Kind.LAP)
    ada.seat.move_to(site.url)
    await ada.sent()
    await ada.live()
    assert len((await stored(site, race)).laps) == 1


async def test_who_is_signed_out_signs_in_again_and_loses_no_press(ada: Seated, site: Site, race: RaceView) -> None:
    await ada.press(Kind.START)
    await ada.sent()
    good = ada.seat.box.token
    ada.seat.box.token = "no-such-token"
    await ada.press(Kind.LAP)
    await ada.until(lambda: ada.seat.presses.signed_out)
    ada.seat.box.token = good
    ada.seat.signed_in(ada.seat.me)
    await ada.sent()
    assert len((await stored(site, race)).laps) == 1


async def test_what_the_box_refuses_is_told_with_its_words(
    ada: Seated, site: Site, race: RaceView, cable: Cable
) -> None:
    cable.black_hole()
    await ada.until(lambda: ada.seat.link_state.is_lost)
    await act(site.house, race, Kind.END)
    await after_ms(ada.worst_error_ns // NS_PER_MS + 5)  # Later than the end, however wrong the seat's clock is.
    await ada.press(Kind.LAP)
    cable.mend()
    await ada.sent()
    [refused] = ada.seat.presses.refused
    assert refused.message == "The race is over; a lap can only be taken while it runs."
    assert refused.remedy == "Cancel the end and resume with Space, then take the lap."


async def test_the_clock_on_the_screen_never_goes_back(ada: Seated, site: Site, race: RaceView, cable: Cable) -> None:
    shown: list[int] = []

    async def watch() -> None:
        while True:
            shown.append(ada.seat.clocks(ada.seat.server_now_ns()).race_elapsed_ms)
            await after_ms(5)

    await ada.press(Kind.START)
    await ada.sent()
    await ada.until(lambda: ada.seat.picture.is_running)
    watching = asyncio.create_task(watch())
    for delay_s in (0.0, 0.2, 0.0):
        cable.delay_s = delay_s
        await ada.press(Kind.RESET)
        await ada.sent()
    cable.cut()
    await ada.until(lambda: ada.seat.link_state.is_lost)
    await ada.live()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert shown[-1] > shown[0]
    assert shown == sorted(shown)


async def test_a_box_that_is_not_there_is_lost_and_found(site: Site, event: Event, race: RaceView) -> None:
    async with plugged(site.port) as cable, sitting(site.url, site.tokens["operator"], event.event_id) as ada:
        cable.refuse()
        ada.seat.move_to(cable.url)
        await ada.until(lambda: ada.seat.link_state.word is LinkWord.LOST)
        problem = ada.seat.link_state.problem
        assert problem is not None
        assert problem.message == f"The box at {cable.url} does not answer."
        cable.mend()
        await ada.live()


async def test_a_laptop_that_slept_measures_again_and_its_presses_are_where_they_were(
    ada: Seated, site: Site, race: RaceView, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    presses = [await ada.press(Kind.START)]
    await ada.sent()
    cable.black_hole()
    presses.append(await ada.press(Kind.LAP))
    monkeypatch.setattr(local_clock, "_boottime_ns", lambda: time.monotonic_ns() + 3_600_000_000_000)
    assert not ada.seat.clock.is_measured(local_clock.stamp())
    presses.append(await ada.press(Kind.LAP))
    await ada.until(lambda: ada.seat.link_state.is_lost)
    cable.mend()
    await ada.sent()
    assert_laps_as_pressed(await stored(site, race), presses, ada)


async def test_a_connection_that_is_only_being_tried_is_lost_too(site: Site, event: Event) -> None:
    """Nobody accepts: the queue of the port is full, so the kernel answers nothing, as when the box is out of reach."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        seat = Seat(
            Box(f"http://127.0.0.1:{address[1]}"), event.event_id, "1", WhoAmI(person_id="", username="", roles=[])
        )
        seated = Seated(seat)
        running = asyncio.create_task(seat.run())
        async with lag_ns() as lag:
            begun_ns = local_clock.stamp().mono_ns
            await seated.until(lambda: seat.link_state.is_lost)
            assert seat.link_state.since_ns - begun_ns < TOLD_NS + lag()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await seat.box.close()
        for filler in fillers:
            filler.close()


async def test_a_box_that_lost_its_power_leaves_the_press_to_the_person_and_the_race_goes_on(
    ada: Seated, site: Site, race: RaceView, cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.press(Kind.START)
    await ada.press(Kind.LAP)
    await ada.sent()
    cable.black_hole()
    before = await ada.press(Kind.LAP)
    await ada.until(lambda: ada.seat.link_state.is_lost)
    monkeypatch.setattr(clock, "boot_id", lambda: "another boot of the box")
    for live in site.house.control.open_races():
        site.house.control.pause_if_cut_off(live)
    cable.mend()
    await ada.until(lambda: [one.is_held for one in ada.seat.presses.waiting] == [True])
    assert ada.seat.presses.waiting[0].why == "The box was restarted since this was pressed."
    await ada.until(lambda: ada.seat.link_state.is_live and ada.seat.race_state is RaceState.PAUSED)
    await ada.press(Kind.RESUME)
    await ada.until(lambda: [one.press for one in ada.seat.presses.waiting] == [before])
    ada.seat.presses.let_go(before.action_id)
    after = await stored(site, race)
    assert (after.state, len(after.laps), ada.seat.presses.refused) == (RaceState.RUNNING, 1, [])
