"""Race control: one owner of each live race, durable before shown, in one order for everybody."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from appliance import clock, people_changes
from appliance.errors import Conflict, InvalidInput, NotAllowed, NotReady
from appliance.ids import new_id
from tests.conftest import Racing, racing_in
from timing import live_race
from timing.facts import RaceChanged
from timing.fold import fold
from timing.journal import Entry, Kind
from timing.race import IllegalAction
from timing.races import RaceFilter
from timing.rules import RaceRules
from timing.structs import Action, NewRace, RaceState


async def test_a_race_is_ready_with_a_copy_of_the_events_rules(racing: Racing) -> None:
    event = await racing.event(rules=RaceRules(race_ms=180_000))
    race = await racing.ready(event, await racing.racer("Ann"))

    assert (race.state, race.rules.race_ms, race.race_left_ms, race.run) == (RaceState.READY, 180_000, 180_000, 1)


async def test_a_track_has_one_live_race_and_another_track_its_own(racing: Racing) -> None:
    event = await racing.event("North", "South")
    ann, bob = await racing.racer("Ann"), await racing.racer("Bob")
    await racing.ready(event, ann)

    with pytest.raises(Conflict, match="already has a race"):
        await racing.ready(event, bob)
    await racing.ready(event, bob, track_id="2")

    assert {view.username for view in racing.control.live_races()} == {"Ann", "Bob"}


async def test_two_devices_that_make_a_race_at_once_make_one(racing: Racing) -> None:
    event = await racing.event()
    ann, bob = await racing.racer("Ann"), await racing.racer("Bob")

    answers = await asyncio.gather(racing.ready(event, ann), racing.ready(event, bob), return_exceptions=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "RaceView"]


async def test_a_repeated_creation_finds_the_race_it_made(racing: Racing) -> None:
    event = await racing.event()
    ann, race_id = await racing.racer("Ann"), new_id()

    first = await racing.ready(event, ann, race_id=race_id)
    again = await racing.ready(event, ann, race_id=race_id)

    assert (first.race_id, again.race_id, again.version) == (race_id, race_id, 1)


async def test_a_used_up_run_is_refused_until_staff_allow_it_and_that_is_recorded(racing: Racing) -> None:
    event = await racing.event(rules=RaceRules(max_runs=1))
    ann = await racing.racer("Ann")
    await racing.do(await racing.ready(event, ann), Kind.START, Kind.END, Kind.SUBMIT)

    with pytest.raises(Conflict, match="Ann has used 1 of 1 runs"):
        await racing.ready(event, ann)
    race = await racing.ready(event, ann, override=True)

    assert race.run == 2
    assert [line.text for line in await racing.control.trail(race.race_id)] == ["Ready, past the run limit"]


async def test_a_discarded_race_uses_up_no_run(racing: Racing) -> None:
    event = await racing.event(rules=RaceRules(max_runs=1))
    ann = await racing.racer("Ann")
    await racing.do(await racing.ready(event, ann), Kind.DISCARD)

    assert (await racing.ready(event, ann)).run == 1


async def test_a_retried_action_changes_nothing_and_answers_the_same(racing: Racing) -> None:
    race = await racing.do(await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START)
    action = Action(action_id="press-1", kind=Kind.LAP)

    answers = await asyncio.gather(*(racing.control.act(race.race_id, action, "timekeeper") for _ in range(5)))
    later = await racing.control.act(race.race_id, action, "somebody else")

    assert {len(answer.laps) for answer in [*answers, later]} == {1}


async def test_actions_at_the_same_instant_all_count_in_one_order(racing: Racing) -> None:
    race = await racing.do(await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START)

    await asyncio.gather(*(racing.do(race, Kind.RESET) for _ in range(20)))

    journal = await racing.control.journal(race.race_id)
    assert [entry.seq for entry in journal] == list(range(22))
    assert (await racing.control.view(race.race_id)).resets == 20


async def test_an_action_the_state_does_not_allow_changes_nothing(racing: Racing) -> None:
    race = await racing.ready(await racing.event(), await racing.racer("Ann"))

    with pytest.raises(IllegalAction):
        await racing.do(race, Kind.LAP)

    assert (await racing.control.view(race.race_id)).version == 1


async def test_only_trackside_writes_crossings(racing: Racing) -> None:
    race = await racing.ready(await racing.event(), await racing.racer("Ann"))

    with pytest.raises(NotAllowed):
        await racing.do(race, Kind.CROSSING)


@pytest.mark.parametrize(
    ("kind", "missing"),
    [(Kind.SET_VALIDITY, "lap"), (Kind.SET_TIME, "lap"), (Kind.SET_RACER, "racer_id"), (Kind.SET_PROXY, "by_proxy")],
)
async def test_an_edit_without_its_field_names_the_field(racing: Racing, kind: Kind, missing: str) -> None:
    race = await racing.do(
        await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START, Kind.LAP, Kind.END
    )

    with pytest.raises(InvalidInput) as refusal:
        await racing.do(race, kind)
    assert refusal.value.field == missing


async def test_a_race_cannot_be_given_to_nobody_or_to_no_track(racing: Racing) -> None:
    race = await racing.do(await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START, Kind.END)

    with pytest.raises(InvalidInput) as refusal:
        await racing.do(race, Kind.SET_RACER, racer_id="nobody")
    assert refusal.value.field == "racer_id"
    with pytest.raises(InvalidInput) as refusal:
        await racing.do(race, Kind.SET_TRACK, track_id="99")
    assert refusal.value.field == "track_id"


async def test_nothing_is_shown_before_it_is_on_disk(racing: Racing, tmp_path: Path) -> None:
    race = await racing.ready(await racing.event(), await racing.racer("Ann"))
    on_disk: list[int] = []

    def look(_: RaceChanged) -> None:
        with sqlite3.connect(f"file:{tmp_path / 'trackside.db'}?mode=ro", uri=True) as reader:
            on_disk.append(reader.execute("SELECT count(*) FROM journal").fetchone()[0])

    racing.facts.subscribe(RaceChanged, look)
    await racing.do(race, Kind.START, Kind.LAP, Kind.LAP)

    assert on_disk == [2, 3, 4]


async def test_a_failed_write_leaves_the_race_as_the_disk_has_it(
    racing: Racing, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = await racing.do(await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START)
    write = racing.db.write

    async def full(_: object) -> None:
        raise NotReady("The disk is full.", "Make room.")

    monkeypatch.setattr(racing.db, "write", full)
    with pytest.raises(NotReady):
        await racing.do(race, Kind.LAP)
    monkeypatch.setattr(racing.db, "write", write)

    after = await racing.do(race, Kind.LAP)
    assert (len(after.laps), after.version) == (1, 3)


async def test_a_live_race_comes_back_after_a_restart_with_its_clocks(tmp_path: Path) -> None:
    async with racing_in(tmp_path) as racing:
        race = await racing.do(
            await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START, Kind.LAP
        )
    async with racing_in(tmp_path) as racing:
        back = racing.control.live(race.event_id, "1")

    assert back is not None
    assert (back.state, back.laps) == (RaceState.RUNNING, race.laps)
    assert back.race_elapsed_ms >= race.race_elapsed_ms


async def test_after_a_power_cut_the_race_is_paused_with_all_its_laps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with racing_in(tmp_path) as racing:
        race = await racing.do(
            await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START, Kind.LAP
        )
    monkeypatch.setattr(clock, "boot_id", lambda: "another-boot")
    async with racing_in(tmp_path) as racing:
        back = racing.control.live(race.event_id, "1")
        trail = await racing.control.trail(race.race_id)
        resumed = await racing.do(race, Kind.RESUME, Kind.LAP)

    assert back is not None
    assert (back.state, back.laps) == (RaceState.PAUSED, race.laps)
    assert (trail[-1].actor, trail[-1].text) == ("Trackside", "Paused: the power was cut")
    assert len(resumed.laps) == 2


async def test_a_merged_racers_races_move_and_the_trail_says_so(racing: Racing) -> None:
    ann, double = await racing.racer("Ann"), await racing.racer("Ann_2")
    event = await racing.event()
    race = await racing.do(await racing.ready(event, double), Kind.START, Kind.LAP, Kind.END, Kind.SUBMIT)

    await racing.people.merge(ann, double, "admin")
    await racing.control.stop()

    assert (await racing.control.view(race.race_id)).racer_id == ann
    assert [row.username for row in (await racing.boards.board(event.event_id)).rows] == ["Ann"]
    assert (await racing.control.trail(race.race_id))[-1].text == "Given to Ann (merged)"


async def test_the_running_race_of_a_merged_racer_moves_once_it_is_over(racing: Racing) -> None:
    ann, double = await racing.racer("Ann"), await racing.racer("Ann_2")
    race = await racing.do(await racing.ready(await racing.event(), double), Kind.START)

    await racing.people.merge(ann, double, "admin")
    await racing.control.stop()
    assert (await racing.control.view(race.race_id)).racer_id == double
    await racing.do(race, Kind.END)
    await racing.control.stop()

    assert (await racing.control.view(race.race_id)).racer_id == ann


async def test_lists_filter_and_go_on_where_the_last_page_ended(racing: Racing) -> None:
    event = await racing.event("North", "South")
    ann, bob = await racing.racer("Ann"), await racing.racer("Bob")
    made = []
    for racer_id, track_id in [(ann, "1"), (bob, "1"), (ann, "2")]:
        race = await racing.ready(event, racer_id, track_id)
        made.append((await racing.do(race, Kind.START, Kind.END, Kind.SUBMIT)).race_id)

    async def listed(**wanted: object) -> list[str]:
        return [race.race_id for race in await racing.control.list(RaceFilter(**wanted))]  # type: ignore[arg-type]

    assert await listed(event_id=event.event_id) == made[::-1]
    assert await listed(racer_id=ann, track_id="2") == [made[2]]
    assert await listed(event_id=event.event_id, before=made[2], limit=1) == [made[1]]


async def test_a_deleted_race_leaves_lists_and_boards_and_comes_back(racing: Racing) -> None:
    event = await racing.event()
    race = await racing.ready(event, await racing.racer("Ann"))
    await racing.do(race, Kind.START, Kind.LAP, Kind.END, Kind.SUBMIT, Kind.DELETE_RACE)

    assert await racing.control.list(RaceFilter(event_id=event.event_id)) == []
    assert (await racing.boards.board(event.event_id)).rows == []
    await racing.do(race, Kind.RESTORE_RACE)
    assert len((await racing.boards.board(event.event_id)).rows) == 1


async def test_the_journal_cannot_be_changed_or_erased_by_sql(racing: Racing) -> None:
    await racing.ready(await racing.event(), await racing.racer("Ann"))

    for statement in ("UPDATE journal SET kind = 'lap'", "DELETE FROM journal"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            await racing.db.write(lambda connection, sql=statement: connection.execute(sql) and None)


async def test_a_race_of_another_event_is_not_taken_for_a_repeat(racing: Racing) -> None:
    ann, race_id = await racing.racer("Ann"), new_id()
    await racing.ready(await racing.event(), ann, race_id=race_id)
    other = await racing.event()

    with pytest.raises(Conflict, match="another event"):
        await racing.control.create(
            NewRace(event_id=other.event_id, track_id="1", racer_id=ann, race_id=race_id), "timekeeper"
        )


async def test_nobody_races_as_a_racer_who_was_forgotten_or_merged(racing: Racing) -> None:
    event = await racing.event()
    ann, bob, cid = [await racing.racer(name) for name in ("Ann", "Bob", "Cid")]
    race = await racing.do(await racing.ready(event, cid), Kind.END)
    await racing.people.merge(bob, ann, "box")
    await racing.people.forget(cid, "box")

    with pytest.raises(Conflict, match="merged into Bob"):
        await racing.do(race, Kind.SET_RACER, racer_id=ann)
    await racing.do(race, Kind.SUBMIT)
    for gone in (ann, cid):
        with pytest.raises(Conflict):
            await racing.ready(event, gone)
    assert (await racing.ready(event, bob)).racer_id == bob


async def test_a_merge_cut_short_by_a_kill_is_finished_at_the_next_start(tmp_path: Path) -> None:
    async with racing_in(tmp_path) as racing:
        event = await racing.event()
        ann, bob = await racing.racer("Ann"), await racing.racer("Bob")
        race = await racing.do(await racing.ready(event, ann), Kind.END, Kind.SUBMIT)
        # What a kill right after the merge leaves: the people are merged, their races are not.
        await racing.db.write(lambda connection: people_changes.merge(connection, bob, ann, "box"))
    async with racing_in(tmp_path) as racing:
        assert (await racing.control.view(race.race_id)).racer_id == bob
        assert [row.username for row in (await racing.boards.board(event.event_id)).rows] == ["Bob"]


async def test_a_list_of_many_races_is_folded_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with racing_in(tmp_path) as racing:
        race = await racing.do(
            await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.END, Kind.SUBMIT
        )
    async with racing_in(tmp_path) as racing:
        threads = []
        monkeypatch.setattr(live_race, "fold", lambda *what: threads.append(threading.get_ident()) or fold(*what))
        assert [view.race_id for view in await racing.control.list(RaceFilter())] == [race.race_id]
        assert threads
        assert threading.get_ident() not in threads


async def test_only_deleted_races_are_listed_when_asked(racing: Racing) -> None:
    event, ann = await racing.event(), await racing.racer("Ann")
    kept = await racing.do(await racing.ready(event, ann), Kind.END, Kind.SUBMIT)
    gone = await racing.do(await racing.ready(event, ann), Kind.END, Kind.SUBMIT, Kind.DELETE_RACE)
    assert [view.race_id for view in await racing.control.list(RaceFilter(only_deleted=True))] == [gone.race_id]
    assert [view.race_id for view in await racing.control.list(RaceFilter())] == [kept.race_id]


async def test_a_batch_is_taken_whole_in_one_change(racing: Racing) -> None:
    race = await racing.do(await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START)
    told: list[RaceChanged] = []
    racing.facts.subscribe(RaceChanged, told.append)
    live = await racing.control.opened(race.race_id)

    await racing.control.append_many(live, resets(race.race_id, 2, 3))

    assert [change.view.resets for change in told] == [3]
    assert [entry.seq for entry in await racing.control.journal(race.race_id)] == [0, 1, 2, 3, 4]


async def test_a_batch_for_a_race_that_went_on_leaves_it_alone(racing: Racing) -> None:
    race = await racing.do(await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START)
    live = await racing.control.opened(race.race_id)
    batch = resets(race.race_id, 2, 3)
    await racing.do(race, Kind.PAUSE)

    with pytest.raises(Conflict, match="The race went on meanwhile"):
        await racing.control.append_many(live, batch)

    assert (await racing.control.view(race.race_id)).version == 3


async def test_a_batch_that_the_disk_refuses_never_was(racing: Racing) -> None:
    race = await racing.do(await racing.ready(await racing.event(), await racing.racer("Ann")), Kind.START)
    live = await racing.control.opened(race.race_id)

    def full(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("full")

    with pytest.raises(sqlite3.OperationalError):
        await racing.control.append_many(live, resets(race.race_id, 2, 3), full)

    assert (await racing.do(race, Kind.RESET)).resets == 1
    stored = await racing.db.fetch_all("SELECT seq FROM journal WHERE race_id = ? ORDER BY seq", (race.race_id,))
    assert [row["seq"] for row in stored] == [0, 1, 2]


def resets(race_id: str, first_seq: int, count: int) -> list[Entry]:
    """Entries as accept() would have numbered them."""
    return [
        Entry(
            race_id=race_id,
            seq=seq,
            action_id=new_id(),
            at_ns=clock.mono_ns(),
            boot_id=clock.boot_id(),
            wall_ns=clock.wall_ns(),
            actor="timekeeper",
            kind=Kind.RESET,
        )
        for seq in range(first_seq, first_seq + count)
    ]
