"""The car and the model prepared for a racer in line: kept while they stand there, and what a race of theirs gets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.database import Database
from appliance.errors import Conflict, NotFound
from appliance.facts import Facts
from appliance.migrations import Migrations
from appliance.people_schema import MIGRATIONS as PEOPLE
from tests.timing.queue_track import STAFF, Track, opened_track
from timing.journal import Kind
from timing.queue import Queue, QueueEntry
from timing.queue_schema import LOAD, PAST_ROWS, queue_entries, row_of
from timing.queue_schema import MIGRATIONS as QUEUE
from timing.structs import NewRace

PREPARED = ("car-1", "model-1")


@pytest.fixture
async def track(tmp_path: Path) -> AsyncIterator[Track]:
    async with opened_track(tmp_path) as opened:
        yield opened


def prepared(entry: QueueEntry) -> tuple[str | None, str | None]:
    return entry.car_id, entry.model_id


def race_of(track: Track, racer: str, **fields: str) -> NewRace:
    return NewRace(event_id=track.event.event_id, racer_id=track.ids[racer], **{"track_id": "1"} | fields)


async def test_prepared_entry_keeps_car_and_model_wherever_in_line_it_goes(track: Track) -> None:
    anna, bo = await track.add("anna", "bo")
    assert prepared(anna) == (None, None)

    await track.queue.prepare(anna.queue_id, *PREPARED, STAFF)
    await track.queue.skip(anna.queue_id, STAFF)
    await track.queue.call(anna.queue_id, STAFF)
    await track.queue.move(anna.queue_id, 1, STAFF)

    assert [prepared(entry) for entry in track.queue.list(track.event.event_id, "1")] == [PREPARED, (None, None)]
    assert prepared(track.queue.get(bo.queue_id)) == (None, None)


async def test_preparation_is_taken_back_with_nothing(track: Track) -> None:
    (anna,) = await track.add("anna")
    await track.queue.prepare(anna.queue_id, *PREPARED, STAFF)

    assert prepared(await track.queue.prepare(anna.queue_id, None, None, STAFF)) == (None, None)


async def test_preparing_the_same_again_changes_nothing(track: Track) -> None:
    (anna,) = await track.add("anna")
    first = await track.queue.prepare(anna.queue_id, *PREPARED, STAFF)
    told = len(track.changes)

    assert await track.queue.prepare(anna.queue_id, *PREPARED, "somebody else") == first
    assert len(track.changes) == told


async def test_preparation_is_told_and_on_the_disk(track: Track) -> None:
    (anna,) = await track.add("anna")
    told = len(track.changes)
    entry = await track.queue.prepare(anna.queue_id, *PREPARED, STAFF)

    again = Queue(track.db, Facts(), track.people, track.events)
    await again.load()

    assert again.list(track.event.event_id, "1") == [entry]
    assert len(track.changes) == told + 1


async def test_nobody_is_prepared_who_does_not_stand_in_line(track: Track) -> None:
    anna, bo = await track.add("anna", "bo")
    await track.tell(track.race("anna"), Kind.READY)
    with pytest.raises(Conflict, match="anna no longer stands in line"):
        await track.queue.prepare(anna.queue_id, *PREPARED, STAFF)

    await track.queue.remove(bo.queue_id, STAFF)
    with pytest.raises(NotFound, match="no longer in the queue"):
        await track.queue.prepare(bo.queue_id, *PREPARED, STAFF)


async def test_racer_who_did_not_come_and_is_put_back_has_nothing_prepared(track: Track) -> None:
    (anna,) = await track.add("anna")
    await track.queue.prepare(anna.queue_id, *PREPARED, STAFF)
    await track.queue.no_show(anna.queue_id, STAFF)

    assert prepared(await track.queue.readd(anna.queue_id, STAFF)) == (None, None)


async def test_race_of_somebody_in_line_gets_what_was_prepared(track: Track) -> None:
    anna, _ = await track.add("anna", "bo")
    await track.queue.prepare(anna.queue_id, *PREPARED, STAFF)

    meant = track.queue.with_prepared(race_of(track, "anna"))

    assert (meant.car_id, meant.model_id) == PREPARED


@pytest.mark.parametrize(
    ("racer", "fields"),
    [
        ("bo", {}),
        ("cem", {}),
        ("anna", {"track_id": "2"}),
        ("anna", {"car_id": "car-2"}),
        ("anna", {"model_id": "model-2"}),
    ],
    ids=["not-prepared", "not-in-line", "other-track", "names-a-car", "names-a-model"],
)
async def test_any_other_race_is_made_as_it_was_asked_for(track: Track, racer: str, fields: dict[str, str]) -> None:
    anna, _ = await track.add("anna", "bo")
    await track.queue.prepare(anna.queue_id, *PREPARED, STAFF)
    new = race_of(track, racer, **fields)

    assert track.queue.with_prepared(new) == new


async def test_entries_of_an_older_box_have_nothing_prepared(tmp_path: Path) -> None:
    older = Migrations("timing.queue")
    older(name="0001_queue_entries")(queue_entries)
    db = await Database.open(tmp_path / "trackside.db", [PEOPLE, older])
    values = "'q', 'e', '1', 'r', 'waiting', 1, 'then', NULL, NULL, 'then', 'box'"
    await db.write(lambda connection: connection.execute(f"INSERT INTO queue_entries VALUES ({values})") and None)
    await db.close()

    db = await Database.open(tmp_path / "trackside.db", [PEOPLE, QUEUE])
    (row,) = [row_of(record) for record in await db.fetch_all(LOAD, (PAST_ROWS,))]
    await db.close()

    assert (row.queue_id, row.actor, row.car_id, row.model_id) == ("q", "box", None, None)
