"""What a seat makes of a key, and of what it hears."""

import asyncio

import pytest

from tests.race_samples import lap, race
from tests.tui.crew_samples import crew_race
from tests.tui.snapshots import snapshot
from timing.crew_structs import Beat, ClockReading, RaceNow
from timing.journal import Kind
from timing.structs import RaceState
from tui import local_clock
from tui.box import Box
from tui.key_repeat import ONE_PRESS_NS
from tui.link import LinkWord
from tui.picture import lap_elapsed_ms, race_elapsed_ms, race_left_ms
from tui.seat import KEY_NS, Changed, Seat
from tui.server_clock import Stamp
from tui.wire import WhoAmI

OPERATOR = WhoAmI(person_id="p", username="ann", roles=["operator"])
MS = 1_000_000


RUNNING = crew_race(race(RaceState.RUNNING, lap(1), lap(2)), Kind.LAP, Kind.PAUSE, Kind.RESET, Kind.UNDO_LAP)


@pytest.fixture
async def seat() -> Seat:
    """A seat whose box is never asked."""
    return Seat(Box("http://box"), "event-1", "1", OPERATOR)


@pytest.fixture
def time_ns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The clock of this machine, to be moved."""
    now = [1_000_000_000_000]
    monkeypatch.setattr(local_clock, "stamp", lambda: Stamp(now[0]))
    return now


async def test_before_anything_is_known_no_key_means_anything(seat: Seat) -> None:
    assert seat.press(Kind.LAP) is None
    assert (seat.race_state, seat.allowed) == (None, frozenset())


async def test_a_press_is_stamped_with_the_moment_of_the_key(seat: Seat) -> None:
    seat._heard(snapshot(RUNNING))
    before = local_clock.stamp()
    press = seat.press(Kind.LAP)
    after = local_clock.stamp()
    assert press is not None
    assert before.mono_ns <= press.mono_ns <= after.mono_ns
    assert [one.press for one in seat.presses.waiting] == [press]
    assert (press.race_id, press.kind, press.lap) == ("race-1", Kind.LAP, None)


async def test_a_press_counts_from_when_its_key_came_however_busy_the_screen_was(
    seat: Seat, time_ns: list[int]
) -> None:
    seat._heard(snapshot(RUNNING))
    seat.key_came(time_ns[0] / 1e9)
    time_ns[0] += 300 * MS
    press = seat.press(Kind.LAP)
    assert press is not None
    assert press.mono_ns == time_ns[0] - 300 * MS


async def test_a_key_of_long_ago_stamps_no_press(seat: Seat, time_ns: list[int]) -> None:
    seat._heard(snapshot(RUNNING))
    seat.key_came(time_ns[0] / 1e9)
    time_ns[0] += 5_000 * MS
    press = seat.press(Kind.LAP)
    assert press is not None
    assert press.mono_ns == time_ns[0]


async def test_a_key_stamps_one_press_only(seat: Seat, time_ns: list[int]) -> None:
    seat._heard(snapshot(RUNNING))
    seat.key_came(time_ns[0] / 1e9)
    time_ns[0] += 300 * MS
    seat.press(Kind.LAP)
    press = seat.press(Kind.RESET)
    assert press is not None
    assert press.mono_ns == time_ns[0]


async def test_a_held_key_is_one_press(seat: Seat, time_ns: list[int]) -> None:
    seat._heard(snapshot(RUNNING))
    assert seat.press(Kind.LAP) is not None
    for _ in range(100):
        time_ns[0] += 40 * MS
        assert seat.press(Kind.LAP) is None
    time_ns[0] += ONE_PRESS_NS + 1
    assert seat.press(Kind.LAP) is not None
    assert len(seat.presses.waiting) == 2


async def test_a_held_key_is_one_press_however_late_there_is_time_for_it(seat: Seat, time_ns: list[int]) -> None:
    seat._heard(snapshot(RUNNING))
    came_ns = time_ns[0]
    time_ns[0] += KEY_NS
    seat.key_came(came_ns / 1e9)
    assert seat.press(Kind.LAP) is not None
    for _ in range(100):
        came_ns += 40 * MS
        time_ns[0] += 60 * MS
        seat.key_came(came_ns / 1e9)
        assert seat.press(Kind.LAP) is None
    time_ns[0] += KEY_NS
    seat.key_came((came_ns + ONE_PRESS_NS + MS) / 1e9)
    assert seat.press(Kind.LAP) is not None, "another press"


async def test_a_held_space_starts_and_does_not_pause(seat: Seat, time_ns: list[int]) -> None:
    seat._heard(snapshot(crew_race(race(RaceState.READY), Kind.START)))
    assert seat.press(Kind.START) is not None
    assert seat.race_state is RaceState.RUNNING
    time_ns[0] += 660 * MS
    assert seat.press(Kind.PAUSE) is None


async def test_what_the_race_does_not_allow_is_no_press(seat: Seat) -> None:
    seat._heard(snapshot(RUNNING))
    seat._link._became(LinkWord.LIVE, None)
    assert seat.press(Kind.RESUME) is None
    assert seat.presses.waiting == ()


async def test_who_may_only_look_presses_nothing(seat: Seat) -> None:
    seat._heard(snapshot(RUNNING, may_run=False))
    assert seat.press(Kind.LAP) is None
    assert not seat.may_run


async def test_undo_names_the_lap_that_is_shown(seat: Seat) -> None:
    seat._heard(snapshot(RUNNING))
    press = seat.press(Kind.UNDO_LAP)
    assert press is not None
    assert press.lap == 2


async def test_undo_after_a_waiting_lap_means_that_one(seat: Seat) -> None:
    seat._heard(snapshot(RUNNING))
    seat.press(Kind.LAP)
    press = seat.press(Kind.UNDO_LAP)
    assert press is not None
    assert press.lap is None


async def test_clocks_run_on_from_the_moment_they_are_of(seat: Seat) -> None:
    seat._heard(snapshot(RUNNING, at_ns=5_000 * MS))
    now_ns = 6_500 * MS
    assert race_left_ms(seat.picture, now_ns) == 90_000 - 1_500
    assert race_elapsed_ms(seat.picture, now_ns) == 30_000 + 1_500
    assert lap_elapsed_ms(seat.picture, now_ns) == 4_200 + 1_500


async def test_clocks_stand_while_the_race_does(seat: Seat) -> None:
    seat._heard(snapshot(crew_race(race(RaceState.PAUSED)), at_ns=5_000 * MS))
    assert lap_elapsed_ms(seat.picture, 99_000 * MS) == 4_200
    seat._heard(RaceNow(clock=ClockReading(mono_ns=6_000 * MS, wall_ns=0, boot_id="a"), race=None))
    assert (race_left_ms(seat.picture, 0), lap_elapsed_ms(seat.picture, 0)) == (None, 0)


async def test_until_the_clock_is_measured_messages_tell_what_time_it_is(seat: Seat, time_ns: list[int]) -> None:
    seat._heard(snapshot(RUNNING, at_ns=5_000 * MS))
    assert seat.server_now_ns() == 5_000 * MS
    time_ns[0] += 1_000 * MS
    assert seat.server_now_ns() == 6_000 * MS
    seat._heard(Beat(clock=ClockReading(mono_ns=6_050 * MS, wall_ns=0, boot_id="a")))
    assert seat.server_now_ns() == 6_050 * MS


async def test_who_listens_is_told_what_is_different(seat: Seat) -> None:
    heard: list[Changed] = []
    stop = seat.listen(heard.append)
    seat._heard(snapshot(RUNNING))
    assert Changed.PICTURE_RACE in heard
    assert Changed.BOARD in heard
    heard.clear()
    seat.press(Kind.RESET)
    assert heard == [Changed.PRESSES]
    stop()
    seat.press(Kind.LAP)
    assert heard == [Changed.PRESSES]


async def test_a_seat_without_a_box_to_reach_says_so_and_ends_when_told() -> None:
    seat = Seat(Box("http://127.0.0.1:1"), "event-1", "1", OPERATOR)
    lost = asyncio.Event()
    seat.listen(lambda changed: lost.set() if seat.link_state.is_lost else None)
    running = asyncio.create_task(seat.run())
    async with asyncio.timeout(20):
        await lost.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await seat.close()
    await seat.box.close()
