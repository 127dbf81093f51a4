"""The strip check of the box: what it shows of each line, its tests, and how seldom it tells."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from appliance.errors import Conflict, NotFound, NotReady
from appliance.facts import Facts
from tests.timing.floor import Floor, recorder
from timing.crossings import EdgeSeen
from timing.facts import EdgeHeard, StripsChanged
from timing.stream import Line, LineRole
from timing.strip_check import GONE, StripCheck, StripCheckChanged
from timing.strip_hits import NS_PER_MS
from timing.strip_picture import RecorderPicture
from timing.strip_screen import hit_row
from timing.strip_verdict import Phase
from timing.strip_words import Verdict

DEADLINE_S = 20


class CheckedFloor(Floor):
    """A floor whose edges reach a strip check instead of a test of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = Facts()
        self.recorders = [recorder()]
        self.check = StripCheck(self.facts, lambda: self.recorders, self._now_ns)
        self.told: asyncio.Queue[StripCheckChanged] = asyncio.Queue()
        self.facts.subscribe(StripCheckChanged, self.told.put_nowait)

    def edge(self, line: int, *, active: bool, at_ms: float | None = None) -> EdgeSeen:
        made = super().edge(line, active=active, at_ms=at_ms)
        self.facts.publish(EdgeHeard(edge=made))
        return made

    def wait(self, ms: float) -> None:
        """The watch is looked at ten times a second."""
        until = self.now_ms + ms
        while self.now_ms < until:
            self.now_ms = min(until, self.now_ms + 100)
            self.check._tick()

    def picture(self, place: int = 0) -> RecorderPicture:
        return self.check.pictures()[place]

    async def next_told(self) -> StripCheckChanged:
        async with asyncio.timeout(DEADLINE_S):
            return await self.told.get()


@asynccontextmanager
async def checked_floor() -> AsyncIterator[CheckedFloor]:
    floor = CheckedFloor()
    try:
        yield floor
    finally:
        floor.check.stop()


@pytest.fixture
async def floor() -> AsyncIterator[CheckedFloor]:
    async with checked_floor() as opened:
        yield opened


async def test_each_line_shows_its_last_hit_and_its_silence(floor: CheckedFloor) -> None:
    floor.tap(17, hold_ms=80, bounces=2, then_ms=0)
    floor.now_ms += 12_000
    one, two = floor.picture().lines
    assert (one.name, one.hits, one.contact_ms, one.bounces, one.silent_ms) == ("strip 1", 1, 80, 2, 12_000)
    assert (two.name, two.hits, two.contact_ms, two.bounces, two.silent_ms) == ("strip 2", 0, None, None, None)
    assert not one.pressed


async def test_a_pressed_strip_is_shown_pressed_until_it_is_let_go(floor: CheckedFloor) -> None:
    floor.edge(27, active=True)
    assert [line.pressed for line in floor.picture().lines] == [False, True]
    floor.edge(27, active=False)
    assert [line.pressed for line in floor.picture().lines] == [False, False]


async def test_a_timer_kit_tells_of_passes_and_is_never_pressed(floor: CheckedFloor) -> None:
    floor.recorders[0] = recorder(strips="drem_kit")
    for _ in range(2):
        floor.edge(17, active=True)
        floor.wait(3_000)
    one, _ = floor.picture().lines
    assert (one.hits, one.pressed, one.contact_ms, one.bounces) == (2, False, None, None)
    assert hit_row(one) == "strip 1  line 17  hit 2"
    floor.check.start_test("pi")
    floor.wait(2_100)
    test = floor.picture().test
    assert test is not None
    assert test.hint == "three seconds apart"


async def test_lines_of_two_recorders_are_never_mixed(floor: CheckedFloor) -> None:
    floor.recorders.append(recorder(recorder_id="pi-2", remote_id="r", name="hall 2", is_own=False))
    floor.tap(17)
    assert [line.hits for line in floor.picture(0).lines] == [1, 0]
    assert [line.hits for line in floor.picture(1).lines] == [0, 0]


async def test_a_recorder_that_was_never_reached_has_no_lines_and_no_test(floor: CheckedFloor) -> None:
    floor.recorders[0] = recorder(recorder_id=None, connected=False, lines=[], strips=None, problem="It is off.")
    assert (floor.picture().lines, floor.picture().test) == ([], None)


async def test_the_guided_test_is_the_same_for_everybody_and_its_result_is_kept(floor: CheckedFloor) -> None:
    floor.check.start_test("pi")
    floor.wait(2_100)
    floor.check.start_test("pi")  # Somebody else presses as well: it goes on.
    asked = floor.picture().test
    assert asked is not None
    assert (asked.say, asked.asked, asked.place, asked.strips) == ("Tap strip 1 three times", 17, 1, 2)
    for line in (17, 27):
        for _ in range(3):
            floor.tap(line)
        floor.wait(400)
    floor.wait(60_000)
    done = floor.picture().test
    assert done is not None
    assert (done.phase, done.passed, done.say) == (Phase.DONE, True, "All strips are good")
    floor.check.start_test("pi")
    again = floor.picture().test
    assert again is not None
    assert (again.phase, again.verdicts) == (Phase.HANDS_OFF, ())


async def test_the_test_says_what_goes_wrong(floor: CheckedFloor) -> None:
    floor.check.start_test("pi")
    floor.wait(1_000)
    floor.tap(17, then_ms=1_200)
    first = floor.picture().test
    assert first is not None
    assert (first.say, first.hint) == ("Keep off the strips", "strip 1 fires. Nobody may touch it.")
    floor.wait(1_000)
    floor.tap(27)
    wrong = floor.picture().test
    assert wrong is not None
    assert wrong.hint == "That was strip 2. Tap strip 1."
    floor.edge(17, active=True)
    floor.wait(800)
    held = floor.picture().test
    assert held is not None
    assert held.hint == "strip 1 is still pressed. Let go of it."


async def test_a_level_heard_before_the_test_counts_in_it(floor: CheckedFloor) -> None:
    floor.edge(17, active=True)
    floor.now_ms += 60_000
    floor.check.start_test("pi")
    floor.wait(2_100 + 20_100)
    test = floor.picture().test
    assert test is not None
    assert [said.verdict for said in test.verdicts] == [Verdict.STUCK]


async def test_two_presses_of_skip_leave_out_one_strip(floor: CheckedFloor) -> None:
    floor.check.start_test("pi")
    floor.check.skip("pi", None)
    floor.check.skip("pi", None)
    floor.check.skip("pi", 17)
    floor.check.skip("pi", 17)
    test = floor.picture().test
    assert test is not None
    assert (test.asked, [said.verdict for said in test.verdicts]) == (27, [Verdict.SKIPPED])


async def test_cancel_puts_the_test_away(floor: CheckedFloor) -> None:
    floor.check.start_test("pi")
    floor.check.cancel_test("pi")
    assert floor.picture().test is None


async def test_a_recorder_that_goes_away_ends_its_test_and_says_so(floor: CheckedFloor) -> None:
    floor.check.start_test("pi")
    floor.recorders[0] = recorder(connected=False, problem="The recorder is not connected.")
    floor.wait(100)
    assert (floor.picture().test, floor.picture().ended) == (None, GONE)
    with pytest.raises(NotReady, match="this box is not connected"):
        floor.check.start_test("pi")
    floor.recorders[0] = recorder()
    floor.check.start_test("pi")
    assert floor.picture().ended is None


async def test_nothing_to_test_is_refused(floor: CheckedFloor) -> None:
    with pytest.raises(NotFound):
        floor.check.start_test("nobody")
    with pytest.raises(NotFound):
        floor.check.skip("nobody", None)
    with pytest.raises(NotFound):
        floor.check.cancel_test("nobody")
    floor.recorders[0] = recorder(lines=[Line(line=5, name="start", role=LineRole.BUTTON)])
    with pytest.raises(Conflict, match="has no strips"):
        floor.check.start_test("pi")


async def test_a_tap_is_told_at_once(floor: CheckedFloor) -> None:
    floor.edge(17, active=True)
    assert floor.told.qsize() == 1


async def test_a_chattering_strip_is_told_of_five_times_a_second_and_its_end_is_not_swallowed(
    floor: CheckedFloor,
) -> None:
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    for _ in range(3):
        floor.chatter(17, 1_000)
        await floor.next_told()  # From the second on, of a thousand that came while nothing was told.
    assert loop.time() - begun_s >= 2 * 0.2
    assert floor.told.empty()
    assert floor.picture().lines[0].bounces == 1_499


async def test_a_recorder_that_comes_or_goes_is_told(floor: CheckedFloor) -> None:
    floor.facts.publish(StripsChanged())
    assert floor.told.qsize() == 1


async def test_nothing_runs_while_no_test_does() -> None:
    async with checked_floor() as floor:
        floor.tap(17)
        assert floor.check._ticking is None
        floor.check.start_test("pi")
        assert floor.check._ticking is not None
        floor.check.cancel_test("pi")
        floor.check._tick()
        assert floor.check._ticking is None


async def test_after_its_end_nothing_is_heard() -> None:
    async with checked_floor() as floor:
        floor.check.stop()
        floor.edge(17, active=True)
        assert floor.told.empty()
        assert floor.picture().lines[0].silent_ms is None


async def test_stamps_of_the_recorder_and_the_time_of_the_box_are_never_mixed(floor: CheckedFloor) -> None:
    made = floor.edge(17, active=True)
    assert made.edge_ns - made.at_ns > 3_600_000 * NS_PER_MS
    assert floor.picture().lines[0].silent_ms == 0
