"""Laps by car and model: counted beside the journal, true after every change of it, and after an upgrade too."""

import sqlite3
from pathlib import Path

from tests.conftest import Racing, racing_in
from timing.driven import Driven, driven_by
from timing.journal import Kind
from timing.structs import RaceView


async def counted(racing: Racing, car_id: str = "blue") -> list[tuple[str | None, int, int, int]]:
    """Model, races, laps and valid laps."""
    return [(one.model_id, one.races, one.laps, one.valid_laps) for one in await driven_by(racing.db, car_id)]


async def driving(racing: Racing, *, laps: int, racer: str = "Ann") -> RaceView:
    """A race that runs, with the car "blue" and the model "fast"."""
    event = await racing.event()
    race = await racing.ready(event, await racing.racer(racer), car_id="blue", model_id="fast")
    return await racing.do(race, Kind.START, *[Kind.LAP] * laps)


async def test_a_race_without_a_car_counts_for_none(racing: Racing) -> None:
    race = await racing.ready(await racing.event(), await racing.racer("Ann"), model_id="fast")
    race = await racing.do(race, Kind.START, Kind.LAP)

    assert len(race.laps) == 1
    rows = await racing.db.fetch_all("SELECT * FROM driven")
    assert rows == []


async def test_each_lap_counts_for_the_car_and_model_it_was_driven_with(racing: Racing) -> None:
    race = await driving(racing, laps=2)
    await racing.do(race, Kind.SET_CAR, car_id="blue", model_id=None)
    await racing.do(race, Kind.LAP)
    await racing.do(race, Kind.SET_CAR, car_id="red", model_id="fast")
    race = await racing.do(race, Kind.LAP)

    assert [(lap.car_id, lap.model_id) for lap in race.laps] == [
        ("blue", "fast"),
        ("blue", "fast"),
        ("blue", None),
        ("red", "fast"),
    ]
    assert await counted(racing) == [(None, 1, 1, 1), ("fast", 1, 2, 2)]
    assert await counted(racing, "red") == [("fast", 1, 1, 1)]


async def test_laps_count_for_the_car_that_was_named_late_also_after_the_submit(racing: Racing) -> None:
    race = await driving(racing, laps=2)
    race = await racing.do(race, Kind.SET_CAR, car_id="red", model_id="fast", laps_so_far=True)
    assert (await counted(racing), await counted(racing, "red")) == ([], [("fast", 1, 2, 2)])
    race = await racing.do(race, Kind.LAP)
    race = await racing.do(race, Kind.END, Kind.SUBMIT)

    mended = await racing.do(race, Kind.SET_CAR, car_id="blue", laps_so_far=True)

    assert (await counted(racing), await counted(racing, "red")) == ([(None, 1, 3, 3)], [])
    row = await racing.db.fetch_one("SELECT car_id, state, submitted_at FROM race")
    assert row is not None
    assert tuple(row) == ("blue", "submitted", race.submitted_at)
    assert mended.submitted_at == race.submitted_at


async def test_an_undone_lap_was_never_driven_and_an_invalid_one_was(racing: Racing) -> None:
    race = await driving(racing, laps=1)
    await racing.do(race, Kind.UNDO_LAP)
    assert await counted(racing) == []

    await racing.do(race, Kind.DNF)

    assert await counted(racing) == [("fast", 1, 1, 0)]


async def test_the_best_is_of_the_valid_laps_and_the_last_is_when_it_was_completed(racing: Racing) -> None:
    race = await driving(racing, laps=3)
    race = await racing.do(race, Kind.END)
    for lap, lap_ms in ((1, 9_000), (2, 8_000), (3, 7_000)):
        race = await racing.do(race, Kind.SET_TIME, lap=lap, lap_ms=lap_ms)
    race = await racing.do(race, Kind.SET_VALIDITY, lap=3, valid=False)

    assert await driven_by(racing.db, "blue") == [
        Driven(model_id="fast", races=1, laps=3, valid_laps=2, best_ms=8_000, last_at=race.laps[-1].set_at)
    ]


async def test_deleted_laps_deleted_races_and_discarded_ones_do_not_count(racing: Racing) -> None:
    race = await driving(racing, laps=2)
    await racing.do(race, Kind.END)
    await racing.do(race, Kind.DELETE_LAP, lap=1)
    assert await counted(racing) == [("fast", 1, 1, 1)]
    await racing.do(race, Kind.SUBMIT)
    await racing.do(race, Kind.DELETE_RACE)
    assert await counted(racing) == []
    await racing.do(race, Kind.RESTORE_RACE)
    assert await counted(racing) == [("fast", 1, 1, 1)]

    other = await driving(racing, laps=1, racer="Bob")
    await racing.do(other, Kind.END)
    assert await counted(racing) == [("fast", 2, 2, 2)]
    await racing.do(other, Kind.DISCARD)
    assert await counted(racing) == [("fast", 1, 1, 1)]


async def test_a_removed_event_takes_its_counts_along(racing: Racing) -> None:
    race = await driving(racing, laps=1)
    await racing.do(race, Kind.END, Kind.SUBMIT)
    await racing.events.delete(race.event_id, "test", force=True)

    assert await racing.db.fetch_all("SELECT * FROM driven") == []


async def test_races_from_before_the_count_are_counted_by_the_upgrade(tmp_path: Path) -> None:
    async with racing_in(tmp_path) as racing:
        await driving(racing, laps=2)
        before = await driven_by(racing.db, "blue")
        assert before
        path = racing.db.path
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE driven")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = '0003_driven'")
    connection.close()

    async with racing_in(tmp_path) as racing:
        assert await driven_by(racing.db, "blue") == before
