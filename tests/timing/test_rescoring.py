"""Re-scoring as a service: looked at first, applied whole or not at all, from edges that a recorder holds."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from appliance import clock
from appliance.errors import Conflict, NotFound, NotReady
from appliance.ids import new_id
from tests.conftest import Racing, racing_in
from tests.timing.recorder_process import RecorderProcess
from timing.crossing_entry import entry_of
from timing.crossing_views import CrossingQuality, LineDelay
from timing.crossings import EdgeSeen, detect
from timing.facts import BoardChanged, CrossingGone, RaceChanged
from timing.intake import StripIntake
from timing.journal import Kind
from timing.loose import LooseCrossings, loose_job
from timing.race import IllegalAction
from timing.rescoring import LEAD_IN_EDGES, Rescoring
from timing.rules import RaceRules
from timing.structs import RaceState, RaceView, Track

K = Kind
MS = 1_000_000
RULES = RaceRules(race_ms=None, min_lap_ms=0, lockout_ms=2_000)


class Shelf:
    """A recorder's edges, read again as often as anybody likes."""

    def __init__(self) -> None:
        self.edges: list[EdgeSeen] = []
        self.asked: list[tuple[str, int]] = []
        self.away = False

    def press(self, at_ns: int, *, line: int = 17, hold_ms: int = 20) -> EdgeSeen:
        """A contact: two edges. Answers the first."""
        for at, active in ((at_ns, True), (at_ns + hold_ms * MS, False)):
            seq = len(self.edges) + 1
            wall_ns = clock.wall_ns() - clock.mono_ns() + at
            self.edges.append(EdgeSeen("pi", clock.boot_id(), seq, line, active, at, wall_ns))
        return self.edges[-2]

    async def recorded(self, recorder_id: str, after: int, enough: Callable[[EdgeSeen], bool]) -> list[EdgeSeen]:
        self.asked.append((recorder_id, after))
        if self.away:
            raise NotReady("The recorder is away.", "Connect it.")
        found = []
        for edge in self.edges[max(0, after) :]:
            found.append(edge)
            if enough(edge):
                break
        return found

    def times(self, track: Track, recorder_id: str, line: int) -> bool:
        return recorder_id == "pi" and line in (17, 27)


class Box:
    """A race over edges of a shelf."""

    def __init__(self, racing: Racing) -> None:
        self.racing = racing
        self.shelf = Shelf()
        self.loose = LooseCrossings(racing.db, racing.facts, racing.people, racing.events, racing.control)
        self.rescoring = Rescoring(racing.db, racing.facts, racing.events, racing.control, self.shelf)
        self.changes: list[RaceChanged] = []
        racing.facts.subscribe(RaceChanged, self.changes.append)

    async def driven(self, *seconds: float, rules: RaceRules = RULES, last: tuple[Kind, ...] = (K.END,)) -> RaceView:
        """A race that took the crossings of these hits; all of it happened within the next 100 s of the clock."""
        race = await self.racing.ready(await self.racing.event(rules=rules), await self.racing.racer("Ann"))
        start_ns = clock.mono_ns()
        for at_s in seconds:
            self.shelf.press(start_ns + round(at_s * 1e9))
        live = await self.racing.control.opened(race.race_id)
        crossings = detect(self.shelf.edges, rules.lockout_ms * MS)
        for crossing in [one for one in crossings if one.edge.at_ns >= start_ns]:
            await self.racing.control.append(live, entry_of(race.race_id, 0, crossing.edge))
        end = last or (K.PAUSE, K.RESUME)
        return await self.ended(race, *end)

    async def ended(self, race: RaceView, *kinds: Kind) -> RaceView:
        """Ended after the last of its hits, which lies in the future of the clock."""
        live = await self.racing.control.opened(race.race_id)
        for number, kind in enumerate(kinds):
            entry = entry_of(race.race_id, 0, self.shelf.edges[-1], actor="ann", kind=kind)
            entry = type(entry)(**{
                **{field: getattr(entry, field) for field in entry.__struct_fields__},
                "action_id": new_id(),
                "at_ns": entry.at_ns + (number + 1) * 1_000 * MS,
                "payload": type(entry.payload)(),
            })  # fmt: skip
            await self.racing.control.append(live, entry)
        return await self.racing.control.view(race.race_id)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with racing_in(tmp_path) as racing:
        yield Box(racing)


def lap_ms(race: RaceView) -> list[int]:
    return [lap.lap_ms for lap in race.laps]


async def test_the_difference_is_shown_before_anything_changes(box: Box) -> None:
    race = await box.driven(1, 11, 13.5, 21)
    shown = await box.rescoring.preview(race.race_id, 3_000)

    assert (shown.lockout_ms_before, shown.lockout_ms, shown.changes, shown.version) == (2_000, 3_000, True, 6)
    assert [lap.lap_ms for lap in shown.laps_before] == [10_000, 2_500, 7_500]
    assert [lap.lap_ms for lap in shown.laps_after] == [10_000, 10_000]
    assert (shown.best_ms_before, shown.best_ms_after) == (2_500, 10_000)
    assert (shown.best_average_before is not None, shown.best_average_after) == (True, None)
    assert ([one.edge_seq for one in shown.dropped], shown.added) == ([5], [])
    assert (await box.racing.control.view(race.race_id)).version == race.version


async def test_applied_it_is_one_change_told_once_and_in_words(box: Box) -> None:
    race = await box.driven(1, 11, 13.5, 14.6, 21)
    box.changes.clear()
    after = await box.rescoring.apply(race.race_id, 1_000, "ann", race.version)

    assert lap_ms(after) == [10_000, 2_500, 1_100, 6_400]
    assert after.version == race.version + 2
    assert len(box.changes) == 1
    trail = [line.text for line in await box.racing.control.trail(race.race_id)]
    assert trail[-2:] == [
        "Re-scored with a lock-out of 1 s: 0 crossings fewer, 1 more",
        "Crossing on line 17 added",
    ]
    await box.rescoring.apply(race.race_id, 3_000, "ann", after.version)
    trail = [line.text for line in await box.racing.control.trail(race.race_id)]
    assert trail[-2:] == [
        "Re-scored with a lock-out of 3 s: 1 crossing fewer, 0 more",
        "Crossing on line 17 taken out",
    ]


async def test_a_retry_of_the_same_change_changes_nothing_more(box: Box) -> None:
    race = await box.driven(1, 11, 13.5, 21)
    answers = [await box.rescoring.apply(race.race_id, 3_000, "ann", race.version) for _ in range(3)]
    assert {answer.version for answer in answers} == {race.version + 2}


async def test_two_who_apply_at_once_apply_one(box: Box) -> None:
    race = await box.driven(1, 11, 13.5, 21)
    answers = await asyncio.gather(
        *(box.rescoring.apply(race.race_id, ms, "ann", race.version) for ms in (3_000, 1_000)), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "RaceView"]


async def test_a_race_that_went_on_since_the_look_is_not_changed(box: Box) -> None:
    race = await box.driven(1, 11, 13.5, 21)
    changed = await box.racing.do(race, K.SET_VALIDITY, lap=1, valid=False)
    with pytest.raises(Conflict, match="went on since you looked"):
        await box.rescoring.apply(race.race_id, 3_000, "ann", race.version)
    assert (await box.racing.control.view(race.race_id)).version == changed.version


async def test_a_batch_that_cannot_be_written_leaves_nothing(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    race = await box.driven(1, 11, 13.5, 21)
    before = await box.racing.control.journal(race.race_id)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("timing.rescoring.given_job", lambda *_: full)
        with pytest.raises(sqlite3.OperationalError):
            await box.rescoring.apply(race.race_id, 3_000, "ann", race.version)
    assert await box.racing.control.journal(race.race_id) == before
    assert lap_ms(await box.racing.control.view(race.race_id)) == lap_ms(race)
    stored = await box.racing.db.fetch_one("SELECT count(*) AS n FROM journal WHERE race_id = ?", (race.race_id,))
    assert stored is not None
    assert stored["n"] == len(before)
    after = await box.rescoring.apply(race.race_id, 3_000, "ann", race.version)
    assert lap_ms(after) == [10_000, 10_000]


async def test_a_submitted_race_is_scored_anew_and_its_board_follows(box: Box) -> None:
    race = await box.driven(1, 11, 13.5, 21, last=(K.END, K.SUBMIT))
    boards: list[BoardChanged] = []
    box.racing.facts.subscribe(BoardChanged, boards.append)
    await box.racing.boards.board(race.event_id, "1")
    after = await box.rescoring.apply(race.race_id, 3_000, "ann", race.version)

    assert (after.state, after.best_ms) == (RaceState.SUBMITTED, 10_000)
    assert (await box.racing.boards.board(race.event_id, "1")).rows[0].best_ms == 10_000
    assert len(boards) == 1


async def test_it_survives_a_restart(tmp_path: Path) -> None:
    async with racing_in(tmp_path) as racing:
        box = Box(racing)
        race = await box.driven(1, 11, 13.5, 21)
        race = await box.rescoring.apply(race.race_id, 3_000, "ann", race.version)
    async with racing_in(tmp_path) as racing:
        again = await racing.control.view(race.race_id)
    assert (again.laps, again.version) == (race.laps, race.version)


async def test_a_race_that_runs_is_refused_before_any_edge_is_read(box: Box) -> None:
    race = await box.driven(1, 11, last=())
    with pytest.raises(IllegalAction, match="The race is running"):
        await box.rescoring.preview(race.race_id, 3_000)
    assert box.shelf.asked == []


async def test_without_its_recorder_it_says_so(box: Box) -> None:
    race = await box.driven(1, 11)
    box.shelf.away = True
    with pytest.raises(NotReady):
        await box.rescoring.preview(race.race_id, 3_000)
    with pytest.raises(NotReady):
        await box.rescoring.quality(race.race_id)
    with pytest.raises(NotFound):
        await box.rescoring.preview(new_id(), 3_000)


async def test_edges_are_read_from_well_before_the_race_and_no_further_back(box: Box) -> None:
    long_ago = clock.mono_ns() - 3_600 * 1_000 * MS
    for number in range(LEAD_IN_EDGES):
        box.shelf.press(long_ago + number * MS, hold_ms=0)
    box.shelf.press(clock.mono_ns() - 1_500 * MS)
    race = await box.driven(1, 11)
    shown = await box.rescoring.preview(race.race_id, 5_000)

    first = next(e for e in await box.racing.control.journal(race.race_id) if e.kind is K.CROSSING)
    assert box.shelf.asked == [("pi", (first.payload.edge_seq or 0) - LEAD_IN_EDGES)]
    assert [one.edge_seq for one in shown.dropped] == [first.payload.edge_seq]


async def test_what_was_dismissed_or_is_in_another_race_stays_there(box: Box) -> None:
    race = await box.driven(1, 11, 12, 21)
    edge = box.shelf.edges[4]
    await box.racing.db.write(loose_job(edge, race.event_id, "1"))
    assert len((await box.rescoring.preview(race.race_id, 500)).added) == 1
    await box.loose.dismiss(race.event_id, "pi", edge.seq, actor="ann")
    assert (await box.rescoring.preview(race.race_id, 500)).added == []


async def test_a_loose_crossing_that_a_new_lockout_adds_is_loose_no_more(box: Box) -> None:
    race = await box.driven(1, 11, 12, 21)
    await box.racing.db.write(loose_job(box.shelf.edges[4], race.event_id, "1"))
    gone: list[CrossingGone] = []
    box.racing.facts.subscribe(CrossingGone, gone.append)
    await box.rescoring.apply(race.race_id, 500, "ann", race.version)
    assert await box.loose.list(race.event_id) == []
    assert len(gone) == 1


async def test_the_signal_of_each_crossing(box: Box) -> None:
    race = await box.driven(1, 11)
    at_ns = box.shelf.edges[2].at_ns
    box.shelf.press(at_ns + 30 * MS, hold_ms=5)
    box.shelf.press(at_ns + 42 * MS, line=27, hold_ms=15)
    box.shelf.press(at_ns + 90 * MS, line=27, hold_ms=15)
    first, second = await box.rescoring.quality(race.race_id)

    assert (first.lap, first.bounces, first.contact_ms, first.other_lines) == (None, 0, 20, [])
    assert second == CrossingQuality(
        seq=2, lap=1, line=17, at=clock.iso_utc(box.shelf.edges[2].wall_ns), bounces=3, contact_ms=20,
        other_lines=[LineDelay(recorder_id="pi", line=27, delay_us=42_000)],
    )  # fmt: skip


# ---- with a real recorder


async def test_a_real_race_is_scored_anew_from_what_its_recorder_holds(tmp_path: Path) -> None:
    async with (
        RecorderProcess(tmp_path, "--strips", "simulated", "--lines", "17,27") as recorder,
        racing_in(tmp_path) as racing,
    ):
        strips = StripIntake(racing.db, racing.facts, racing.events, racing.control, recorder.socket)
        rescoring = Rescoring(racing.db, racing.facts, racing.events, racing.control, strips)
        changed = asyncio.Event()
        racing.facts.subscribe(RaceChanged, lambda _: changed.set())
        event = await racing.event(rules=RaceRules(race_ms=None, lockout_ms=0, min_lap_ms=0))
        race = await racing.ready(event, await racing.racer("Ann"))
        await strips.load()
        strips.start()
        try:
            async with asyncio.timeout(20):
                while strips.problem is not None:  # noqa: ASYNC110  nothing tells
                    await asyncio.sleep(0.01)
                for line in (17, 27, 17, 27):
                    version = (await racing.control.view(race.race_id)).version
                    await strips.hit(line)
                    changed.clear()
                    while (await racing.control.view(race.race_id)).version == version:
                        await changed.wait()
                        changed.clear()
            race = await racing.do(race, K.END)
            shown = await rescoring.preview(race.race_id, 60_000)
            after = await rescoring.apply(race.race_id, 60_000, "ann", shown.version)
            back = await rescoring.apply(race.race_id, 0, "ann", after.version)
            quality = await rescoring.quality(race.race_id)
        finally:
            await strips.stop()

    assert (len(race.laps), len(shown.dropped), len(after.laps)) == (3, 3, 0)
    assert back.laps == race.laps
    assert [(one.line, one.bounces) for one in quality] == [(17, 0), (27, 0), (17, 0), (27, 0)]
