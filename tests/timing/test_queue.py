"""The queue of a track: order, refusals, durability, and following the races."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance import people_changes
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.facts import Facts
from appliance.people import People
from tests.timing.queue_track import STAFF, Track, opened_track
from timing.facts import QueueChanged, RaceChanged
from timing.journal import Kind
from timing.queue import Queue, QueueState
from timing.structs import EventPatch, NewTrack, RaceState


@pytest.fixture
async def track(tmp_path: Path) -> AsyncIterator[Track]:
    async with opened_track(tmp_path) as opened:
        yield opened


async def test_line_keeps_the_order_of_arrival(track: Track) -> None:
    await track.add("anna", "bo", "cem")

    assert track.line() == ["anna", "bo", "cem"]
    assert [entry.position for entry in track.queue.next(track.event.event_id, "1")] == [1, 2, 3]


async def test_each_track_has_its_own_line(track: Track) -> None:
    await track.add("anna", "bo")
    await track.add("bo", track="2")

    assert (track.line("1"), track.line("2")) == (["anna", "bo"], ["bo"])
    assert [(place.track_id, place.position) for place in track.queue.position_of(track.ids["bo"])] == [
        ("1", 2),
        ("2", 1),
    ]


async def test_racer_in_line_is_refused_a_second_place_and_told_what_to_do(track: Track) -> None:
    await track.add("anna", "bo")

    with pytest.raises(Conflict) as refused:
        await track.add("bo")

    assert str(refused.value) == "bo is already number 2 in this line. Move that entry, or remove it first."
    assert track.line() == ["anna", "bo"]


async def test_unknown_track_and_racer_are_refused(track: Track) -> None:
    with pytest.raises(NotFound, match="Race day has no track 9"):
        await track.add("anna", track="9")
    with pytest.raises(NotFound):
        await track.queue.add(track.event.event_id, "1", "nobody", STAFF)


async def test_skipped_racer_lets_exactly_one_go_first(track: Track) -> None:
    anna, *_ = await track.add("anna", "bo", "cem")

    entry = await track.queue.skip(anna.queue_id, STAFF, expected=1)

    assert track.line() == ["bo", "anna", "cem"]
    assert (entry.state, entry.position) == (QueueState.SKIPPED, 2)


async def test_second_press_of_skip_moves_nobody(track: Track) -> None:
    anna, *_ = await track.add("anna", "bo", "cem")
    await track.queue.skip(anna.queue_id, STAFF, expected=1)

    with pytest.raises(Conflict, match="anna has moved to number 2 meanwhile"):
        await track.queue.skip(anna.queue_id, STAFF, expected=1)

    assert track.line() == ["bo", "anna", "cem"]


@pytest.mark.parametrize(
    ("position", "line"),
    [(1, ["cem", "anna", "bo"]), (2, ["anna", "cem", "bo"]), (3, ["anna", "bo", "cem"]), (99, ["anna", "bo", "cem"])],
)
async def test_moved_entry_stands_where_it_was_put(track: Track, position: int, line: list[str]) -> None:
    *_, cem = await track.add("anna", "bo", "cem")

    await track.queue.move(cem.queue_id, position, STAFF)

    assert track.line() == line


async def test_place_before_the_first_is_refused(track: Track) -> None:
    (anna,) = await track.add("anna")

    with pytest.raises(InvalidInput, match="counts from 1"):
        await track.queue.move(anna.queue_id, 0, STAFF)


async def test_calling_twice_keeps_the_first_call(track: Track) -> None:
    (anna,) = await track.add("anna")

    first = await track.queue.call(anna.queue_id, STAFF)
    changes = len(track.changes)
    second = await track.queue.call(anna.queue_id, STAFF)

    assert first.state is QueueState.CALLED
    assert first.called_at is not None
    assert second == first
    assert len(track.changes) == changes


async def test_no_show_leaves_the_line_and_can_be_put_back_at_its_end(track: Track) -> None:
    anna, _ = await track.add("anna", "bo")

    await track.queue.no_show(anna.queue_id, STAFF)
    assert track.line() == ["bo"]
    assert [entry.username for entry in track.queue.past(track.event.event_id, "1")] == ["anna"]

    back = await track.queue.readd(anna.queue_id, STAFF)
    assert track.line() == ["bo", "anna"]
    assert (back.state, back.queue_id) == (QueueState.WAITING, anna.queue_id)


async def test_removed_entry_is_gone_and_says_so(track: Track) -> None:
    (anna,) = await track.add("anna")

    await track.queue.remove(anna.queue_id, STAFF)

    assert track.line() == []
    with pytest.raises(NotFound, match="no longer in the queue"):
        await track.queue.call(anna.queue_id, STAFF)


async def test_entry_follows_its_racers_race(track: Track) -> None:
    anna, _ = await track.add("anna", "bo")

    await track.tell(track.race("anna"), Kind.READY)
    assert track.line() == ["bo"]
    assert track.queue.get(anna.queue_id).state is QueueState.RACING
    assert [entry.username for entry in track.queue.list(track.event.event_id, "1")] == ["anna", "bo"]

    await track.tell(track.race("anna", state=RaceState.SUBMITTED), Kind.SUBMIT)
    assert track.queue.get(anna.queue_id).state is QueueState.DONE
    assert track.queue.position_of(track.ids["anna"]) == []


async def test_race_made_and_thrown_away_at_once_still_closes_the_entry(track: Track) -> None:
    (anna,) = await track.add("anna")

    track.facts.publish(RaceChanged(view=track.race("anna"), kind=Kind.READY, actor=STAFF))
    await track.tell(track.race("anna", state=RaceState.DISCARDED), Kind.DISCARD)

    assert track.queue.get(anna.queue_id).state is QueueState.DONE


async def test_racer_who_raced_can_be_put_in_line_again(track: Track) -> None:
    anna, _ = await track.add("anna", "bo")
    await track.tell(track.race("anna"), Kind.READY)
    await track.tell(track.race("anna", state=RaceState.SUBMITTED), Kind.SUBMIT)

    again = await track.queue.readd(anna.queue_id, STAFF)

    assert track.line() == ["bo", "anna"]
    assert again.queue_id != anna.queue_id


async def test_entry_added_during_the_race_waits_for_the_next_run(track: Track) -> None:
    await track.add("anna")
    await track.tell(track.race("anna"), Kind.READY)
    await track.add("anna")

    await track.tell(track.race("anna", state=RaceState.RUNNING), Kind.LAP)
    assert track.line() == ["anna"]

    await track.tell(track.race("anna", state=RaceState.SUBMITTED), Kind.SUBMIT)
    assert track.line() == ["anna"]


async def test_race_given_to_another_racer_puts_the_first_one_back_in_front(track: Track) -> None:
    await track.add("anna", "bo", "cem")
    await track.tell(track.race("anna"), Kind.READY)

    await track.tell(track.race("cem"), Kind.SET_RACER)

    assert track.line() == ["anna", "bo"]


async def test_queue_is_the_same_after_a_restart(track: Track) -> None:
    anna, bo, _ = await track.add("anna", "bo", "cem")
    await track.queue.call(bo.queue_id, STAFF)
    await track.queue.skip(anna.queue_id, STAFF)
    before = track.queue.list(track.event.event_id, "1")

    queue = Queue(track.db, Facts(), track.people, track.events)
    await queue.load()

    assert queue.list(track.event.event_id, "1") == before


async def test_restart_closes_entries_of_races_that_ended_unseen(track: Track) -> None:
    anna, _ = await track.add("anna", "bo")
    await track.tell(track.race("anna"), Kind.READY)

    queue = Queue(track.db, Facts(), track.people, track.events)
    await queue.load(live_races=[])

    assert queue.get(anna.queue_id).state is QueueState.DONE


async def test_restart_finds_the_race_made_in_the_moment_of_the_kill(track: Track) -> None:
    anna, _ = await track.add("anna", "bo")

    queue = Queue(track.db, Facts(), track.people, track.events)
    await queue.load(live_races=[track.race("anna")])

    assert queue.get(anna.queue_id).state is QueueState.RACING


async def test_presses_at_the_same_instant_keep_one_place_each(track: Track) -> None:
    names = list(track.ids)
    tries = [track.queue.add(track.event.event_id, "1", track.ids[name], STAFF) for name in names * 3]

    answers = await asyncio.gather(*tries, return_exceptions=True)

    assert sum(isinstance(answer, Conflict) for answer in answers) == 2 * len(names)
    assert sorted(track.line()) == sorted(names)


async def test_caller_who_goes_away_leaves_memory_and_disk_alike(track: Track) -> None:
    adding = asyncio.create_task(track.queue.add(track.event.event_id, "1", track.ids["anna"], STAFF))
    await asyncio.sleep(0)
    adding.cancel()
    await asyncio.gather(adding, return_exceptions=True)
    await track.queue.settle()

    again = Queue(track.db, Facts(), track.people, track.events)
    await again.load()
    assert again.list(track.event.event_id, "1") == track.queue.list(track.event.event_id, "1")
    assert track.line() == ["anna"]


async def test_merged_duplicate_gives_its_place_to_the_kept_racer(track: Track) -> None:
    await track.add("anna", "bo", "cem")

    await track.people.merge(track.ids["eli"], track.ids["bo"], STAFF)
    await track.queue.settle()

    assert track.line() == ["anna", "eli", "cem"]


async def test_merged_duplicate_does_not_stand_in_line_twice(track: Track) -> None:
    await track.add("anna", "bo", "cem")

    await track.people.merge(track.ids["anna"], track.ids["bo"], STAFF)
    await track.queue.settle()

    assert track.line() == ["anna", "cem"]


async def test_forgotten_racer_leaves_the_line(track: Track) -> None:
    await track.add("anna", "bo")

    await track.people.forget(track.ids["anna"], STAFF)
    await track.queue.settle()

    assert track.line() == ["bo"]


async def test_a_start_follows_what_the_server_could_not_when_it_was_killed(track: Track) -> None:
    await track.add("anna", "bo", "cem", "dora")
    # What a kill leaves: the people have changed, their lines have not.
    await track.db.write(lambda connection: people_changes.merge(connection, track.ids["eli"], track.ids["bo"], STAFF))
    await track.db.write(
        lambda connection: people_changes.merge(connection, track.ids["anna"], track.ids["dora"], STAFF)
    )
    await track.db.write(lambda connection: people_changes.forget(connection, track.ids["cem"], STAFF))

    people = People(track.db, Facts(), b"0123456789abcdef0123456789abcdef")
    await people.load()
    again = Queue(track.db, Facts(), people, track.events)
    await again.load()

    assert [entry.username for entry in again.next(track.event.event_id, "1")] == ["anna", "eli"]


async def test_line_of_a_removed_track_is_gone(track: Track) -> None:
    await track.add("anna", track="2")

    patch = EventPatch(tracks=[NewTrack(name="Track 1", track_id="1")])
    await track.events.patch(track.event.event_id, patch, STAFF)
    await track.queue.settle()

    assert track.queue.position_of(track.ids["anna"]) == []


async def test_every_change_is_told_once(track: Track) -> None:
    await track.add("anna")

    assert track.changes == [QueueChanged(event_id=track.event.event_id, track_id="1")]
