"""Presses that reach the box long after they were pressed: the race is the one that they would have made on time."""

from dataclasses import dataclass

import pytest

from appliance import clock
from appliance.errors import Conflict
from appliance.ids import new_id
from tests.conftest import Racing
from timing.journal import Kind
from timing.race import IllegalAction
from timing.structs import Action, RaceState, RaceView

S = 1_000_000_000
K = Kind


@dataclass
class BoxClock:
    """The box's clocks, moved by the test; second 0 is when the race was made ready."""

    start_ns: int
    wall_start_ns: int
    now_s: float = 0.0

    def mono_ns(self) -> int:
        return self.start_ns + round(self.now_s * S)

    def wall_ns(self) -> int:
        return self.wall_start_ns + round(self.now_s * S)


@dataclass
class Seat:
    """A timekeeper whose presses arrive when the test says."""

    racing: Racing
    box: BoxClock
    race: RaceView

    async def press(self, kind: Kind, at_s: float, arrives_s: float | None = None, **fields: object) -> RaceView:
        """Pressed at one second, arrived at another."""
        self.box.now_s = at_s if arrives_s is None else arrives_s
        stamp = {"pressed_at_ns": self.box.start_ns + round(at_s * S), "pressed_boot_id": clock.boot_id()}
        action = Action(**{"action_id": new_id(), "kind": kind, **stamp, **fields})  # type: ignore[arg-type]
        self.race = await self.racing.control.act(self.race.race_id, action, "timekeeper")
        return self.race

    @property
    def lap_s(self) -> list[float]:
        return [lap.lap_ms / 1000 for lap in self.race.laps]


@pytest.fixture
async def seat(racing: Racing, monkeypatch: pytest.MonkeyPatch) -> Seat:
    """A race that is ready at second 0, started by hand at second 10."""
    box = BoxClock(clock.mono_ns(), clock.wall_ns())
    monkeypatch.setattr(clock, "mono_ns", box.mono_ns)
    monkeypatch.setattr(clock, "wall_ns", box.wall_ns)
    seat = Seat(racing, box, await racing.ready(await racing.event(), await racing.racer("Ann")))
    await seat.press(K.START, 10)
    return seat


async def test_laps_come_out_as_pressed_after_half_a_minute_without_a_network(seat: Seat) -> None:
    for at_s in (20, 29.5, 38.25):
        await seat.press(K.LAP, at_s, arrives_s=50)

    assert seat.lap_s == [10, 9.5, 8.75]
    assert seat.race.lap_elapsed_ms == 11_750
    assert [lap.set_at for lap in seat.race.laps] == sorted({lap.set_at for lap in seat.race.laps})


async def test_trail_says_when_it_was_pressed_and_how_late_it_came(seat: Seat) -> None:
    await seat.press(K.LAP, 20, arrives_s=50.25)
    await seat.press(K.LAP, 60, arrives_s=60.1)

    lines = await seat.racing.control.trail(seat.race.race_id)
    assert [line.text for line in lines[-2:]] == ["Lap taken by hand (arrived 30.2 s later)", "Lap taken by hand"]
    assert lines[-2].at == clock.iso_utc(seat.box.wall_start_ns + 20 * S)


async def test_lap_pressed_before_an_end_that_came_earlier_counts(seat: Seat) -> None:
    await seat.press(K.END, 30)
    await seat.press(K.LAP, 22, arrives_s=40)

    assert (seat.race.state, seat.lap_s) == (RaceState.OVER, [12])
    assert seat.race.lap_elapsed_ms == 8_000


async def test_lap_pressed_before_a_pause_that_came_earlier_counts(seat: Seat) -> None:
    await seat.press(K.PAUSE, 30)
    await seat.press(K.LAP, 22, arrives_s=40)

    assert (seat.race.state, seat.lap_s, seat.race.lap_elapsed_ms) == (RaceState.PAUSED, [12], 8_000)


async def test_lap_pressed_while_it_was_paused_is_refused_though_it_runs_again(seat: Seat) -> None:
    await seat.press(K.PAUSE, 20)
    await seat.press(K.RESUME, 30)
    with pytest.raises(IllegalAction, match=r"The race is paused; a lap can only be taken while it runs\."):
        await seat.press(K.LAP, 25, arrives_s=40)
    assert (await seat.racing.control.view(seat.race.race_id)).version == 4


async def test_first_press_after_time_up_ends_the_race_at_its_moment(seat: Seat) -> None:
    limit_s = (seat.race.rules.race_ms or 0) / 1000
    await seat.press(K.LAP, limit_s + 20)
    assert seat.race.state is RaceState.OVER
    await seat.press(K.LAP, limit_s + 12, arrives_s=limit_s + 30)

    assert (seat.race.state, seat.lap_s) == (RaceState.OVER, [limit_s + 2])


async def test_two_late_presses_in_the_wrong_order_make_the_same_laps(seat: Seat) -> None:
    await seat.press(K.LAP, 30, arrives_s=50)
    await seat.press(K.LAP, 20, arrives_s=51)

    assert seat.lap_s == [10, 10]


async def test_late_resets_belong_to_the_lap_in_which_they_were_pressed(seat: Seat) -> None:
    await seat.press(K.LAP, 20)
    await seat.press(K.LAP, 30)
    await seat.press(K.RESET, 15, arrives_s=40)
    await seat.press(K.RESET, 16, arrives_s=40)
    await seat.press(K.UNDO_RESET, 17, arrives_s=41)

    assert ([lap.resets for lap in seat.race.laps], seat.race.resets) == ([1, 0], 0)


async def test_late_end_ends_the_race_where_it_was_pressed(seat: Seat) -> None:
    await seat.press(K.LAP, 20)
    await seat.press(K.LAP, 40)
    await seat.press(K.END, 30, arrives_s=45)

    assert (seat.race.state, seat.lap_s, seat.race.race_elapsed_ms) == (RaceState.OVER, [10], 20_000)


async def test_late_undo_takes_back_the_lap_that_was_the_last_one_then(seat: Seat) -> None:
    await seat.press(K.LAP, 20)
    await seat.press(K.LAP, 40)
    await seat.press(K.UNDO_LAP, 21, arrives_s=45)

    assert seat.lap_s == [30]
    assert (await seat.racing.control.trail(seat.race.race_id))[-1].text == "Lap 1 undone (arrived 24.0 s later)"


async def test_late_undo_of_a_lap_it_names_is_refused_when_another_was_the_last_one_then(seat: Seat) -> None:
    await seat.press(K.LAP, 20)
    await seat.press(K.LAP, 40)
    with pytest.raises(IllegalAction, match="Only the last lap can be undone, and that is lap 1, not lap 2"):
        await seat.press(K.UNDO_LAP, 21, arrives_s=45, lap=2)


async def test_undo_pressed_before_the_first_lap_has_nothing_to_undo(seat: Seat) -> None:
    await seat.press(K.LAP, 20)
    with pytest.raises(IllegalAction, match="There is no lap to undo"):
        await seat.press(K.UNDO_LAP, 19, arrives_s=45)


async def test_end_and_submit_pressed_without_a_network_hand_the_race_in_on_arrival(seat: Seat) -> None:
    await seat.press(K.LAP, 20)
    await seat.press(K.END, 30, arrives_s=60)
    await seat.press(K.SUBMIT, 31, arrives_s=60.5)

    assert (seat.race.state, seat.lap_s) == (RaceState.SUBMITTED, [10])
    assert seat.race.submitted_at == clock.iso_utc(seat.box.wall_start_ns + round(60.5 * S))


@pytest.mark.parametrize("kind", [K.SUBMIT, K.DISCARD])
async def test_late_final_press_never_undoes_what_another_timekeeper_did_since(seat: Seat, kind: Kind) -> None:
    await seat.press(K.END, 30)
    await seat.press(K.CANCEL_END, 35)
    await seat.press(K.RESUME, 36)
    await seat.press(K.LAP, 40)
    await seat.press(K.END, 50)
    with pytest.raises(Conflict, match="The race went on since this was pressed"):
        await seat.press(kind, 31, arrives_s=60)
    await seat.press(kind, 61)


async def test_press_that_arrives_after_the_submit_is_refused(seat: Seat) -> None:
    await seat.press(K.END, 30)
    await seat.press(K.SUBMIT, 31)
    with pytest.raises(IllegalAction, match="The race is submitted"):
        await seat.press(K.LAP, 20, arrives_s=32)


async def test_press_from_long_before_the_race_was_ready_belongs_to_no_lap_of_it(seat: Seat) -> None:
    with pytest.raises(IllegalAction, match="This lap happened before the race was made ready"):
        await seat.press(K.LAP, -3, arrives_s=32)


async def test_car_changed_late_drives_the_laps_since_it_was_changed(seat: Seat) -> None:
    for at_s in (20, 30, 40):
        await seat.press(K.LAP, at_s)
    await seat.press(K.SET_CAR, 25, arrives_s=45, car_id="blue-3")

    assert [lap.car_id for lap in seat.race.laps] == [None, "blue-3", "blue-3"]


async def test_repeated_action_answers_the_same_whatever_its_second_stamp_says(seat: Seat) -> None:
    first = await seat.press(K.LAP, 20, arrives_s=50, action_id="press-1")
    again = await seat.press(K.LAP, 20.5, arrives_s=50, action_id="press-1")
    too_old = await seat.press(K.LAP, 21, arrives_s=5_000, action_id="press-1")
    ahead = await seat.press(K.LAP, 5_009, arrives_s=5_000, action_id="press-1")

    assert first.laps == again.laps == too_old.laps == ahead.laps
    assert ahead.version == first.version


async def test_hand_lap_pressed_for_a_pass_that_was_taken_already_is_suspect_though_late(seat: Seat) -> None:
    await seat.press(K.LAP, 20)
    await seat.press(K.LAP, 30)
    await seat.press(K.LAP, 20.6, arrives_s=45)
    assert [(lap.lap_ms, lap.suspect) for lap in seat.race.laps] == [(10_000, False), (600, True), (9_400, False)]
    await seat.press(K.LAP, 29.5, arrives_s=46)
    assert [(lap.lap_ms, lap.suspect) for lap in seat.race.laps[2:]] == [(8_900, False), (500, True)]
