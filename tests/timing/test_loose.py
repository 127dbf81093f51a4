"""Crossings that no race took: kept, given to a race after the fact, dismissed, and all of it taken back."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance import clock
from appliance.errors import Conflict, InvalidInput, NotAllowed, NotFound
from appliance.ids import new_id
from tests.conftest import Racing, racing_in
from tests.timing.heard import listening, press
from tests.timing.recorder_process import RecorderProcess
from timing.crossings import EdgeSeen
from timing.facts import BoardChanged, CrossingGone, CrossingUnassigned, RaceChanged
from timing.journal import Kind
from timing.loose import LooseCrossings, loose_job
from timing.race import IllegalAction
from timing.rules import RaceRules
from timing.structs import Action, Event, RaceState, RaceView

K = Kind
NUMBERS: Iterator[int] = itertools.count(1)


class Hall:
    """A box with loose crossings, and what it told."""

    def __init__(self, racing: Racing) -> None:
        self.racing = racing
        self.loose = LooseCrossings(racing.db, racing.facts, racing.people, racing.events, racing.control)
        self.told: list[object] = []
        for fact in (CrossingGone, CrossingUnassigned, RaceChanged):
            racing.facts.subscribe(fact, self.told.append)

    async def event(self, *tracks: str) -> Event:
        return await self.racing.event(*tracks, rules=RaceRules(race_ms=None, min_lap_ms=0))

    async def crossing(self, event: Event, track_id: str = "1") -> EdgeSeen:
        """A crossing of this moment that no race took."""
        edge = edge_now()
        await self.racing.db.write(loose_job(edge, event.event_id, track_id))
        return edge

    async def give(self, event: Event, edge: EdgeSeen, race: RaceView) -> RaceView:
        return await self.loose.give(event.event_id, "pi", edge.seq, race.race_id, actor="ann")


def edge_now() -> EdgeSeen:
    return EdgeSeen("pi", clock.boot_id(), next(NUMBERS), 17, True, clock.mono_ns(), clock.wall_ns())


@pytest.fixture
def hall(racing: Racing) -> Hall:
    return Hall(racing)


async def test_a_crossing_is_open_until_it_is_given_and_kept_once(hall: Hall) -> None:
    event = await hall.event()
    edge = await hall.crossing(event)
    await hall.racing.db.write(loose_job(edge, event.event_id, "1"))

    (loose,) = await hall.loose.list(event.event_id)

    assert (loose.edge_seq, loose.line, loose.track_id, loose.open) == (edge.seq, 17, "1", True)
    assert loose.at == clock.iso_utc(edge.wall_ns)
    assert loose.candidates == []


async def test_a_candidate_shows_what_the_crossing_would_change_and_nothing_is_changed(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.ready(event, await hall.racing.racer("Ann"))
    race = await hall.racing.do(race, K.START, K.LAP)
    await hall.crossing(event)
    race = await hall.racing.do(race, K.LAP, K.END)

    (loose,) = await hall.loose.list(event.event_id, "1")

    (candidate,) = loose.candidates
    assert (candidate.race_id, candidate.username, candidate.refusal) == (race.race_id, "Ann", None)
    assert (len(candidate.laps_before), len(candidate.laps_after)) == (2, 3)
    assert [lap.source for lap in candidate.laps_after] == ["hand", "strip", "hand"]
    assert (await hall.racing.control.view(race.race_id)).version == race.version


async def test_a_candidate_that_cannot_take_it_says_why(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.ready(event, await hall.racing.racer("Ann"))
    await hall.racing.do(race, K.START, K.END)
    edge = await hall.crossing(event)

    (candidate,) = (await hall.loose.list(event.event_id))[0].candidates

    assert candidate.refusal is not None
    assert candidate.refusal.startswith("This crossing happened when the race was over already")
    with pytest.raises(IllegalAction, match="happened when the race was over already"):
        await hall.give(event, edge, race)
    assert len(await hall.loose.list(event.event_id)) == 1


async def test_given_to_a_submitted_race_it_counts_where_it_happened_and_the_board_follows(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.ready(event, await hall.racing.racer("Ann"))
    await hall.racing.do(race, K.START, K.LAP)
    edge = await hall.crossing(event)
    before = await hall.racing.do(race, K.LAP, K.END, K.SUBMIT)
    boards: list[BoardChanged] = []
    hall.racing.facts.subscribe(BoardChanged, boards.append)

    after = await hall.give(event, edge, race)

    assert (after.state, len(after.laps), len(before.laps)) == (RaceState.SUBMITTED, 3, 2)
    assert [lap.source for lap in after.laps] == ["hand", "strip", "hand"]
    board = await hall.racing.boards.board(event.event_id, "1")
    assert board.rows[0].valid_laps == 3
    trail = [line.text for line in await hall.racing.control.trail(race.race_id)]
    assert trail[-1] == "Crossing on line 17 given"
    assert await hall.loose.list(event.event_id) == []
    (closed,) = await hall.loose.list(event.event_id, open_only=False)
    assert (closed.open, closed.given_race_id, closed.given_to) == (False, race.race_id, "Ann")
    assert CrossingGone(event_id=event.event_id, track_id="1") in hall.told


async def test_a_double_click_gives_it_once(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.do(await hall.racing.ready(event, await hall.racing.racer("Ann")), K.START)
    edge = await hall.crossing(event)

    answers = await asyncio.gather(*(hall.give(event, edge, race) for _ in range(5)))
    later = await hall.give(event, edge, race)

    assert {answer.version for answer in [*answers, later]} == {race.version + 1}


async def test_two_who_give_it_to_two_races_at_once_give_it_to_one(hall: Hall) -> None:
    event = await hall.event("Left", "Right")
    races = []
    for track_id, name in (("1", "Ann"), ("2", "Bob")):
        race = await hall.racing.ready(event, await hall.racing.racer(name), track_id=track_id)
        races.append(await hall.racing.do(race, K.START))
    edge = await hall.crossing(event)
    for number, race in enumerate(races):
        races[number] = await hall.racing.do(race, K.END, K.SUBMIT)
    races[1] = await hall.racing.do(races[1], K.SET_TRACK, track_id="1")  # it was driven on the left all along

    answers = await asyncio.gather(*(hall.give(event, edge, race) for race in races), return_exceptions=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "RaceView"]
    versions = [(await hall.racing.control.view(race.race_id)).version for race in races]
    assert sum(versions) == sum(race.version for race in races) + 1


async def test_what_is_dismissed_meanwhile_is_given_to_nobody_and_nothing_is_half_written(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.do(await hall.racing.ready(event, await hall.racing.racer("Ann")), K.START)
    edge = await hall.crossing(event)

    dismissed, given = await asyncio.gather(
        hall.loose.dismiss(event.event_id, "pi", edge.seq, actor="bob"),
        hall.give(event, edge, race),
        return_exceptions=True,
    )

    one, other = isinstance(dismissed, Conflict), isinstance(given, Conflict)
    assert one != other
    view = await hall.racing.control.view(race.race_id)
    assert len(view.laps) == (0 if other else 1)
    assert len(await hall.racing.control.journal(race.race_id)) == view.version
    assert (await hall.racing.do(race, K.LAP)).version == view.version + 1


async def test_a_dismissal_can_be_undone_and_twice_changes_nothing(hall: Hall) -> None:
    event = await hall.event()
    ann = await hall.racing.racer("Ann")
    race = await hall.racing.do(await hall.racing.ready(event, ann), K.START)
    edge = await hall.crossing(event)
    first = await hall.loose.dismiss(event.event_id, "pi", edge.seq, actor=ann)
    again = await hall.loose.dismiss(event.event_id, "pi", edge.seq, actor="somebody else")

    assert (first.open, first.dismissed_by) == (False, "Ann")
    assert again == first
    assert await hall.loose.list(event.event_id) == []
    with pytest.raises(Conflict, match="dismissed meanwhile"):
        await hall.give(event, edge, race)
    back = await hall.loose.undo_dismiss(event.event_id, "pi", edge.seq)
    assert (back.open, back.dismissed_at, back.dismissed_by) == (True, None, None)
    assert hall.told[-1] == CrossingUnassigned(event_id=event.event_id, track_id="1", line=17, at_ns=edge.at_ns)


async def test_what_was_given_cannot_be_dismissed(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.do(await hall.racing.ready(event, await hall.racing.racer("Ann")), K.START)
    edge = await hall.crossing(event)
    await hall.give(event, edge, race)
    with pytest.raises(Conflict, match="given to a race meanwhile"):
        await hall.loose.dismiss(event.event_id, "pi", edge.seq, actor="ann")


async def test_taken_out_of_a_race_it_is_loose_again_and_given_back_all_is_as_it_was(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.do(await hall.racing.ready(event, await hall.racing.racer("Ann")), K.START)
    edge = await hall.crossing(event)
    race = await hall.give(event, edge, race)
    race = await hall.racing.do(race, K.SET_VALIDITY, lap=1, valid=False)
    race = await hall.racing.do(race, K.END)
    seq = race.laps[0].seq

    out = await hall.loose.take_out(race.race_id, seq, actor="ann")
    assert out.laps == []
    (loose,) = await hall.loose.list(event.event_id)
    assert (loose.edge_seq, loose.open, loose.given_race_id) == (edge.seq, True, None)
    with pytest.raises(IllegalAction, match="not in the race any more"):
        await hall.loose.take_out(race.race_id, seq, actor="ann")
    back = await hall.give(event, edge, race)

    assert back.laps == race.laps
    assert (await hall.racing.do(back, K.SUBMIT)).state is RaceState.SUBMITTED
    for _ in range(3):
        await hall.loose.take_out(race.race_id, seq, actor="ann")
        back = await hall.give(event, edge, race)
    assert back.laps == race.laps


async def test_a_crossing_of_the_strips_that_is_taken_out_can_be_given_to_another_race(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.do(await hall.racing.ready(event, await hall.racing.racer("Ann")), K.START)
    edge = await hall.crossing(event)
    race = await hall.give(event, edge, race)
    await hall.loose.take_out(race.race_id, race.laps[0].seq, actor="ann")

    loose = await hall.loose.get(event.event_id, "pi", edge.seq)

    assert loose.open
    assert [len(candidate.laps_after) for candidate in loose.candidates] == [1]


@pytest.mark.parametrize("seq", [-1, 0, 1, 99, 2**70])
async def test_only_a_crossing_can_be_taken_out(hall: Hall, seq: int) -> None:
    event = await hall.event()
    race = await hall.racing.do(await hall.racing.ready(event, await hall.racing.racer("Ann")), K.START)
    with pytest.raises(NotFound, match="no such crossing"):
        await hall.loose.take_out(race.race_id, seq, actor="ann")


async def test_it_belongs_to_its_own_track_and_event(hall: Hall) -> None:
    event, other = await hall.event("Left", "Right"), await hall.event()
    race = await hall.racing.ready(event, await hall.racing.racer("Ann"), track_id="2")
    edge = await hall.crossing(event)

    with pytest.raises(Conflict, match="of another track"):
        await hall.give(event, edge, race)
    with pytest.raises(NotFound, match="no such crossing"):
        await hall.give(other, edge, race)
    with pytest.raises(NotFound, match="no such crossing"):
        await hall.loose.give(event.event_id, "pi", 2**70, race.race_id, actor="ann")
    with pytest.raises(InvalidInput) as refused:
        await hall.loose.give(event.event_id, "pi", edge.seq, new_id(), actor="ann")
    assert refused.value.field == "race_id"
    with pytest.raises(NotFound):
        await hall.loose.list(event.event_id, "9")
    assert (await hall.loose.get(event.event_id, "pi", edge.seq)).candidates == []


@pytest.mark.parametrize("kind", [K.ADD_CROSSING, K.DROP_CROSSING, K.RESCORE])
async def test_no_action_touches_crossings(hall: Hall, kind: Kind) -> None:
    event = await hall.event()
    race = await hall.racing.ready(event, await hall.racing.racer("Ann"))
    with pytest.raises(NotAllowed, match="is no action"):
        await hall.racing.control.act(race.race_id, Action(action_id="1", kind=kind), "ann")


async def test_the_earlier_stamp_of_a_pass_takes_the_place_of_the_one_that_was_kept(hall: Hall) -> None:
    event = await hall.event()
    late, early = await hall.crossing(event), edge_now()
    await hall.racing.db.write(loose_job(early, event.event_id, "1", replaces=(late.recorder_id, late.seq)))
    assert [one.edge_seq for one in await hall.loose.list(event.event_id)] == [early.seq]
    assert (await hall.loose.get(event.event_id, "pi", late.seq)).dismissed_by == "Strip"


async def test_candidates_are_found_whatever_the_time_of_day_says(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.do(await hall.racing.ready(event, await hall.racing.racer("Ann")), K.START)
    edge = replace(edge_now(), wall_ns=5 * 10**17)
    await hall.racing.db.write(loose_job(edge, event.event_id, "1"))
    assert [one.race_id for one in (await hall.loose.list(event.event_id))[0].candidates] == [race.race_id]


async def test_the_newest_two_races_are_asked(hall: Hall) -> None:
    event = await hall.event()
    ids = []
    for name in ("Ann", "Bob", "Cid"):
        race = await hall.racing.ready(event, await hall.racing.racer(name))
        ids.append(race.race_id)
        await hall.racing.do(race, K.START, K.END, K.SUBMIT)
    await hall.crossing(event)
    await hall.racing.ready(event, await hall.racing.racer("Dee"))
    (loose,) = await hall.loose.list(event.event_id)
    assert [one.race_id for one in loose.candidates] == [ids[2], ids[1]]


# ---- with a real recorder


async def test_a_crossing_that_reached_the_box_after_the_submit_is_given_and_never_counted_twice(
    tmp_path: Path,
) -> None:
    async with (
        RecorderProcess(tmp_path, "--strips", "simulated", "--lines", "17,27") as recorder,
        racing_in(tmp_path) as racing,
    ):
        hall = Hall(racing)
        event = await hall.event()
        race = await racing.do(await racing.ready(event, await racing.racer("Ann")), K.START)
        await press(recorder, 1)  # while the way to the recorder is cut
        race = await racing.do(race, K.END, K.SUBMIT)
        async with listening(racing, recorder.socket) as (_, heard):
            await heard.until(lambda: len(heard.loose) == 1)
            (loose,) = await hall.loose.list(event.event_id)
            assert [(one.username, one.refusal) for one in loose.candidates] == [("Ann", None)]
            given = await hall.loose.give(event.event_id, loose.recorder_id, loose.edge_seq, race.race_id, actor="ann")
        await racing.db.write(lambda connection: connection.execute("DELETE FROM strip_cursor") and None)
        async with listening(racing, recorder.socket) as (strips, heard):
            await heard.until(lambda: strips.health(event.event_id, "1").last_seq == 2)
            assert await hall.loose.list(event.event_id) == []
        again = await racing.control.view(race.race_id)

    assert [lap.source for lap in given.laps] == ["strip"]
    assert again.version == given.version
    assert again.laps == given.laps


async def test_a_crossing_that_an_earlier_version_kept_can_be_given(hall: Hall) -> None:
    event = await hall.event()
    race = await hall.racing.do(await hall.racing.ready(event, await hall.racing.racer("Ann")), K.START)
    edge = edge_now()
    await hall.racing.db.write(
        lambda connection: (
            connection.execute(
                "INSERT INTO loose_crossing (recorder_id, edge_seq, event_id, track_id, boot_id, at_ns, wall_ns, line)"
                " VALUES ('pi', ?, ?, '1', ?, ?, ?, 17)",
                (edge.seq, event.event_id, edge.boot_id, edge.at_ns, edge.wall_ns),
            )
            and None
        )
    )
    assert len((await hall.give(event, edge, race)).laps) == 1
    entry = (await hall.racing.control.journal(race.race_id))[-1]
    assert (entry.payload.edge_ns, entry.payload.recorder_boot_id) == (edge.at_ns, edge.boot_id)
