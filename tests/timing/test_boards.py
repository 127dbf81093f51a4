"""Boards: brought up to date racer by racer, and always what a fresh look at the journals would give."""

import random
from pathlib import Path

from appliance.people import RacerPatch
from tests.conftest import Racing, racing_in
from timing.facts import BoardChanged
from timing.journal import Kind
from timing.rules import RaceRules, Ranking
from timing.structs import COMBINED, BoardFormat, Event, EventPatch, RaceView


async def run(racing: Racing, event: Event, racer_id: str, *lap_ms: int, track_id: str = "1") -> RaceView:
    """A handed-in race with laps of these times."""
    race = await racing.do(await racing.ready(event, racer_id, track_id), Kind.START, *[Kind.LAP] * len(lap_ms))
    race = await racing.do(race, Kind.END)
    for lap, time_ms in enumerate(lap_ms, start=1):
        race = await racing.do(race, Kind.SET_TIME, lap=lap, lap_ms=time_ms)
    return await racing.do(race, Kind.SUBMIT)


async def test_a_race_counts_once_it_is_handed_in(racing: Racing) -> None:
    event = await racing.event()
    race = await racing.do(await racing.ready(event, await racing.racer("Ann")), Kind.START, Kind.LAP, Kind.END)
    assert (await racing.boards.board(event.event_id)).rows == []

    await racing.do(race, Kind.SUBMIT)

    assert [(row.place, row.username, row.runs) for row in (await racing.boards.board(event.event_id)).rows] == [
        (1, "Ann", 1)
    ]


async def test_a_racer_without_a_valid_lap_is_shown_last_without_a_place(racing: Racing) -> None:
    event = await racing.event()
    zoe, ann, bob = [await racing.racer(name) for name in ("Zoe", "Ann", "Bob")]
    await racing.do(await racing.ready(event, zoe), Kind.START, Kind.DNF, Kind.END, Kind.SUBMIT)
    await racing.do(await racing.ready(event, ann), Kind.START, Kind.DNF, Kind.END, Kind.SUBMIT)
    await run(racing, event, bob, 9_000)

    rows = (await racing.boards.board(event.event_id)).rows
    assert [(row.place, row.username, row.invalid_laps) for row in rows] == [
        (1, "Bob", 0),
        (None, "Ann", 1),
        (None, "Zoe", 1),
    ]


async def test_the_combined_board_takes_the_best_row_by_its_own_key(racing: Racing) -> None:
    rules = RaceRules(ranking=Ranking.BEST_AVERAGE, average_window=3)
    event = await racing.event("North", "South", rules=rules)
    ann = await racing.racer("Ann")
    await run(racing, event, ann, 8_000, 12_000, 13_000, track_id="1")
    await run(racing, event, ann, 9_000, 9_100, 9_200, track_id="2")

    by_average = (await racing.boards.board(event.event_id)).rows
    by_lap = (await racing.boards.board(event.event_id, COMBINED, BoardFormat.FASTEST)).rows

    assert [(row.track_id, row.best_average and row.best_average.average_ms) for row in by_average] == [("2", 9_100)]
    assert [(row.track_id, row.best_ms) for row in by_lap] == [("1", 8_000)]


async def test_an_edit_after_the_hand_in_changes_the_board_and_its_version(racing: Racing) -> None:
    event = await racing.event()
    ann, bob = await racing.racer("Ann"), await racing.racer("Bob")
    race = await run(racing, event, ann, 9_000)
    await run(racing, event, bob, 9_500)
    before = await racing.boards.board(event.event_id, "1")

    await racing.do(race, Kind.SET_VALIDITY, lap=1, valid=False)

    after = await racing.boards.board(event.event_id, "1")
    assert [row.username for row in before.rows] == ["Ann", "Bob"]
    assert [(row.place, row.username) for row in after.rows] == [(1, "Bob"), (None, "Ann")]
    assert after.version > before.version


async def test_a_moved_race_leaves_the_old_racer_and_track(racing: Racing) -> None:
    event = await racing.event("North", "South")
    ann, bob = await racing.racer("Ann"), await racing.racer("Bob")
    race = await run(racing, event, ann, 9_000)

    await racing.do(race, Kind.SET_RACER, racer_id=bob)
    await racing.do(race, Kind.SET_TRACK, track_id="2")

    assert (await racing.boards.board(event.event_id, "1")).rows == []
    assert [row.username for row in (await racing.boards.board(event.event_id, "2")).rows] == ["Bob"]


async def test_a_hand_in_is_told_with_the_version_it_made(racing: Racing) -> None:
    told: list[BoardChanged] = []
    racing.facts.subscribe(BoardChanged, told.append)
    event = await racing.event()
    race = await run(racing, event, await racing.racer("Ann"), 9_000)
    await racing.do(race, Kind.SET_PROXY, by_proxy=True)

    assert [fact.finished_race_id for fact in told] == [race.race_id, None]
    assert told[-1].version == (await racing.boards.version(event.event_id))


async def test_a_new_name_is_on_the_board_as_a_new_version(racing: Racing) -> None:
    event = await racing.event()
    ann = await racing.racer("Ann")
    await run(racing, event, ann, 9_000)
    before = await racing.boards.board(event.event_id)

    await racing.people.update(ann, RacerPatch(username="Änne"), "admin")
    await racing.boards.stop()

    after = await racing.boards.board(event.event_id)
    assert [row.username for row in after.rows] == ["Änne"]
    assert after.version > before.version


async def test_the_version_survives_a_restart(tmp_path: Path) -> None:
    async with racing_in(tmp_path) as racing:
        event = await racing.event()
        await run(racing, event, await racing.racer("Ann"), 9_000)
        board = await racing.boards.board(event.event_id)
    async with racing_in(tmp_path) as racing:
        assert await racing.boards.board(event.event_id) == board


async def test_a_changed_ranking_sorts_the_board_anew(racing: Racing) -> None:
    event = await racing.event()
    ann, bob = await racing.racer("Ann"), await racing.racer("Bob")
    await run(racing, event, ann, 8_000, 12_000, 12_000)
    await run(racing, event, bob, 9_000, 9_000, 9_000)
    assert [row.username for row in (await racing.boards.board(event.event_id)).rows] == ["Ann", "Bob"]

    await racing.events.patch(event.event_id, EventPatch(rules=RaceRules(ranking=Ranking.BEST_AVERAGE)), "box")

    assert [row.username for row in (await racing.boards.board(event.event_id)).rows] == ["Bob", "Ann"]


async def test_boards_kept_up_to_date_equal_boards_made_afresh(tmp_path: Path) -> None:
    """Many hand-ins and edits in a fixed random order; then the same database is opened anew."""
    dice = random.Random(7)
    async with racing_in(tmp_path) as racing:
        event = await racing.event("North", "South", rules=RaceRules(max_runs=None))
        racers = [await racing.racer(f"racer{number}") for number in range(6)]
        races = []
        for _ in range(30):
            await racing.boards.board(event.event_id, dice.choice(["1", "2", COMBINED]))
            laps = [dice.randrange(8_000, 9_000, 100) for _ in range(dice.randrange(5))]
            races.append(await run(racing, event, dice.choice(racers), *laps, track_id=dice.choice("12")))
            await _edit(racing, dice, dice.choice(races), racers)
        kept = [await racing.boards.board(event.event_id, track, form) for track in ("1", "2", COMBINED)
                for form in BoardFormat]  # fmt: skip
    async with racing_in(tmp_path) as racing:
        fresh = [await racing.boards.board(event.event_id, track, form) for track in ("1", "2", COMBINED)
                 for form in BoardFormat]  # fmt: skip

    assert any(board.rows for board in kept)
    assert kept == fresh


async def _edit(racing: Racing, dice: random.Random, race: RaceView, racers: list[str]) -> None:
    view = await racing.control.view(race.race_id)
    choices: list[tuple[Kind, dict[str, object]]] = [
        (Kind.SET_RACER, {"racer_id": dice.choice(racers)}),
        (Kind.SET_TRACK, {"track_id": dice.choice("12")}),
        (Kind.RESTORE_RACE if view.deleted else Kind.DELETE_RACE, {}),
    ]
    if view.laps:
        lap = dice.choice(view.laps).lap
        choices += [(Kind.SET_VALIDITY, {"lap": lap, "valid": False}), (Kind.DELETE_LAP, {"lap": lap})]
    kind, fields = choices[-1] if view.deleted else dice.choice(choices)
    if view.deleted:
        kind, fields = Kind.RESTORE_RACE, {}
    await racing.do(race, kind, **fields)
