"""The live stream: a snapshot first, then each change once, to everybody who still reads."""

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Any

import pytest

from appliance.ids import new_id
from appliance.people import NewRacer, RacerPatch
from tests.web.conftest import ANONYMOUS, Site
from tests.web.streams import DEADLINE_S, Screen, watching
from timing.journal import Kind
from timing.structs import COMBINED, Action, BoardFormat, Event, NewRace, RaceView
from web import live
from web.live import Live
from web.live_screen import WAITING_MESSAGES

LAPS = WAITING_MESSAGES - 4
"""Few enough that not even a screen that reads none of them at first misses one."""


def live_of(site: Site) -> Live:
    """The application's own stream."""
    live: Live = site.app.state.streams.live
    return live


async def screens_are(site: Site, count: int) -> None:
    """Wait until the server has this many streams."""
    async with asyncio.timeout(DEADLINE_S):
        while live_of(site).screens != count:  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.001)


async def act(site: Site, race: RaceView, *kinds: Kind, **fields: Any) -> RaceView:
    """Actions one after the other, each durable."""
    for kind in kinds:
        race = await site.house.control.act(race.race_id, Action(action_id=new_id(), kind=kind, **fields), "test")
    return race


async def ready(site: Site, event: Event, racer_id: str | None = None, track_id: str = "1") -> RaceView:
    """A race in state ready."""
    new = NewRace(
        event_id=event.event_id, track_id=track_id, racer_id=racer_id or site.person_ids["racer"], override=True
    )
    return await site.house.control.create(new, "test")


async def test_a_stream_is_an_event_stream_that_nobody_keeps_or_compresses(site: Site, event: Event) -> None:
    async with watching(site, event.event_id) as screen:
        assert screen.head.startswith("http/1.1 200")
        assert "content-type: text/event-stream" in screen.head
        assert "cache-control: no-store" in screen.head
        assert "content-encoding" not in screen.head


async def test_the_first_message_is_everything(site: Site, event: Event) -> None:
    race = await act(site, await ready(site, event), Kind.START, Kind.LAP, Kind.END, Kind.SUBMIT)
    await act(site, await ready(site, event), Kind.START)
    await site.house.queue.add(event.event_id, "1", site.person_ids["operator"], "test")
    async with watching(site, event.event_id) as screen:
        first = await screen.next()
    assert first.name == "snapshot"
    assert set(first.data) == {"event_id", "track", "format", "version", "rows", "races", "next"}
    assert [(row["place"], row["racer_id"]) for row in first.data["rows"]] == [(1, race.racer_id)]
    assert [(one["state"], one["laps"]) for one in first.data["races"]] == [("running", 0)]
    assert first.data["next"] == [
        {"track_id": "1", "racers": [{"username": "the-operator", "country": None}]},
        {"track_id": "2", "racers": []},
    ]


async def test_known_rows_are_left_out(site: Site, event: Event) -> None:
    await act(site, await ready(site, event), Kind.START, Kind.LAP, Kind.END, Kind.SUBMIT)
    version = await site.house.boards.version(event.event_id)
    async with watching(site, event.event_id, f"?version={version}") as screen:
        assert (await screen.next()).data["rows"] is None
    async with watching(site, event.event_id, f"?version={version + 1}") as screen:
        assert len((await screen.next()).data["rows"]) == 1


async def test_each_step_of_a_race_arrives_and_a_submitted_one_moves_the_board(site: Site, event: Event) -> None:
    async with watching(site, event.event_id) as screen:
        snapshot = await screen.next()
        race = await ready(site, event)
        race = await act(site, race, Kind.START, Kind.LAP, Kind.END)
        states = [(await screen.next("race")).data for _ in range(4)]
        assert [one["state"] for one in states] == ["ready", "running", "running", "over"]
        assert states[2]["last_lap"]["source"] == "hand"
        assert states[2]["best_ms"] == race.best_ms
        await act(site, race, Kind.SUBMIT)
        assert (await screen.next("race")).data["state"] == "submitted"
        board = (await screen.next("board")).data
    assert board["previous_version"] == snapshot.data["version"]
    assert board["version"] > snapshot.data["version"]
    assert [(row["index"], row["racer_id"]) for row in board["rows"]] == [(0, race.racer_id)]
    assert board["finished"] == {"racer_id": race.racer_id, "place": 1, "previous_place": None}


async def test_a_lap_costs_a_screen_less_than_a_kilobyte(site: Site, event: Event) -> None:
    race = await act(site, await ready(site, event), Kind.START)
    async with watching(site, event.event_id) as screen:
        await screen.next()
        await act(site, race, Kind.LAP)
        heard = await screen.next("race")
    assert heard.size_bytes < 1024


async def test_nothing_is_missed_between_the_snapshot_and_the_first_change(site: Site, event: Event) -> None:
    race = await act(site, await ready(site, event), Kind.START)

    async def reader(screen: Screen) -> list[int]:
        snapshot = (await screen.next()).data
        versions = [one["version"] for one in snapshot["races"]]
        while versions[-1] < last:
            versions.append((await screen.next("race")).data["version"])
        return versions

    async def laps() -> None:
        for number in range(LAPS):
            await site.house.control.act(race.race_id, Action(action_id=f"lap-{number}", kind=Kind.LAP), "test")
            passed[number].set()

    async def late(number: int) -> list[int]:
        await passed[number].wait()
        async with watching(site, event.event_id) as screen:
            return await reader(screen)

    last = race.version + LAPS
    passed = [asyncio.Event() for _ in range(LAPS)]
    lists = (await asyncio.gather(laps(), *(late(number) for number in range(0, LAPS, 2))))[1:]
    for versions in lists:
        assert versions is not None
        assert versions == list(range(versions[0], last + 1))
    assert len({versions[0] for versions in lists if versions}) > 1, "all screens connected at the same moment"


async def test_a_screen_of_one_track_hears_of_that_track_only(site: Site, event: Event) -> None:
    async with watching(site, event.event_id, "?track=2") as screen:
        assert [one["track_id"] for one in (await screen.next()).data["next"]] == ["2"]
        await ready(site, event, track_id="1")
        await ready(site, event, site.person_ids["operator"], track_id="2")
        assert (await screen.next()).data["track_id"] == "2"


async def test_a_race_that_moves_to_another_track_leaves_the_screens_of_the_first(site: Site, event: Event) -> None:
    race = await act(site, await ready(site, event), Kind.START, Kind.LAP, Kind.END)
    async with watching(site, event.event_id, "?track=1") as screen:
        assert len((await screen.next()).data["races"]) == 1
        await act(site, race, Kind.SET_TRACK, track_id="2")
        again = await screen.next()
    assert (again.name, again.data["races"]) == ("snapshot", [])


async def test_a_queue_change_and_a_new_name_arrive(site: Site, event: Event) -> None:
    racer = await site.house.people.register(NewRacer(username="Before", country="DE"), "test")
    await ready(site, event, racer.person_id)
    async with watching(site, event.event_id) as screen:
        await screen.next()
        await site.house.queue.add(event.event_id, "2", site.person_ids["racer"], "test")
        queue = (await screen.next("queue")).data
        assert queue == {"track_id": "2", "next": [{"username": "the-racer", "country": None}]}
        await site.house.people.update(racer.person_id, RacerPatch(username="After"), "test")
        assert (await screen.next("race")).data["username"] == "After"


async def test_an_edit_of_an_old_race_changes_the_board_and_shows_no_race(site: Site, event: Event) -> None:
    race = await act(site, await ready(site, event), Kind.START, Kind.LAP, Kind.END, Kind.SUBMIT)
    async with watching(site, event.event_id) as screen:
        await screen.next()
        await act(site, race, Kind.SET_TIME, lap=1, lap_ms=7_777)
        heard = await screen.next()
    assert heard.name == "board"
    assert heard.data["rows"][0]["best_ms"] == 7_777
    assert heard.data["finished"] is None


async def test_a_reader_that_stopped_holds_nobody_up_and_gets_a_snapshot_when_it_reads_again(
    site: Site, event: Event
) -> None:
    race = await act(site, await ready(site, event), Kind.START)
    stopped = socket.socket()
    stopped.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    stopped.connect(("127.0.0.1", site.port))
    stopped.send(f"GET /api/events/{event.event_id}/live HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    async with watching(site, event.event_id) as screen:
        await screen.next()
        await screens_are(site, 2)
        [watch] = live_of(site)._watches.values()
        laps = 0
        while not any(one.has_missed for one in watch.screens):
            race = await act(site, race, Kind.RESET, Kind.UNDO_RESET)
            assert (await screen.next("race")).data["version"] == race.version - 1
            assert (await screen.next("race")).data["version"] == race.version
            # Fills the buffers of the sockets in between, which hold megabytes on this kernel.
            live_of(site)._publish(b"event: beat\ndata: {}" + b" " * 100_000 + b"\n\n", [watch])
            laps += 1
            assert laps < 2_000
        assert max(one.qsize for one in watch.screens) <= WAITING_MESSAGES
        race = await act(site, race, Kind.LAP)
        assert (await screen.next("race")).data["laps"] == 1
        reader, writer = await asyncio.open_connection(sock=stopped)
        again = Screen(reader, writer)
        await reader.readuntil(b"\r\n\r\n")
        assert (await again.next("snapshot")).data["races"][0]["laps"] == 0
        second = await again.next("snapshot")
        assert (second.data["races"][0]["version"], second.data["races"][0]["laps"]) == (race.version, 1)
        await act(site, race, Kind.LAP)
        assert (await again.next("race")).data["laps"] == 2
        writer.close()


async def test_screens_that_leave_are_forgotten(site: Site, event: Event) -> None:
    for _ in range(3):
        screens = []
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(f"GET /api/events/{event.event_id}/live HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            screens.append((reader, writer))
        for reader, _ in screens:
            await reader.readuntil(b"event: snapshot")
        assert live_of(site).screens == 20
        for _, writer in screens:
            writer.transport.abort()
        await screens_are(site, 0)
        async with asyncio.timeout(DEADLINE_S):
            while any(live_of(site).channels._channels.values()):  # noqa: ASYNC110  they leave one after the other
                await asyncio.sleep(0.001)


async def test_a_quiet_stream_beats(site: Site, event: Event) -> None:
    async with watching(site, event.event_id) as screen:
        await screen.next()
        beat = await screen.next("beat")
    assert beat.data == {}


async def test_stopping_the_box_ends_every_stream_and_takes_no_new_one(site: Site, event: Event) -> None:
    async with watching(site, event.event_id) as screen:
        await screen.next()
        live_of(site).close()
        assert await screen.ended()
    refused = await site.send(ANONYMOUS, "GET", f"/api/events/{event.event_id}/live")
    assert refused.status_code == 503
    assert refused.json() == {"message": "Trackside is stopping.", "remedy": "Try again in a moment."}


async def test_one_screen_too_many_is_told_so(site: Site, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_SCREENS", 1)
    async with watching(site, event.event_id) as screen:
        await screen.next()
        refused = await site.send(ANONYMOUS, "GET", f"/api/events/{event.event_id}/live")
    assert refused.status_code == 503
    assert refused.json() == {
        "message": "1 screens are connected, and that is as many as this box carries.",
        "remedy": "The board still works without live times: reload the page to see the latest.",
    }


async def test_who_holds_the_most_screens_makes_room_for_somebody_else(
    site: Site, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_SCREENS", 3)
    async with AsyncExitStack() as stack:
        greedy = [await stack.enter_async_context(watching(site, event.event_id)) for _ in range(3)]
        for screen in greedy:
            await screen.next("snapshot")
        key = (event.event_id, COMBINED, BoardFormat.FASTEST)
        other = await live_of(site).open(key, None, "192.0.2.7")
        assert b"event: snapshot" in await anext(other)
        ends = [asyncio.create_task(screen.ended()) for screen in greedy]
        done, going_on = await asyncio.wait(ends, timeout=DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
        assert (len(done), len(going_on)) == (1, 2)
        for end in going_on:
            end.cancel()
        await other.aclose()  # type: ignore[attr-defined]


async def test_an_event_that_goes_ends_its_streams(site: Site, event: Event) -> None:
    async with watching(site, event.event_id) as screen:
        await screen.next()
        await site.house.events.delete(event.event_id, "test")
        assert await screen.ended()
    gone = await site.send(ANONYMOUS, "GET", f"/api/events/{event.event_id}/live")
    assert gone.status_code == 404


async def test_a_track_that_is_not_there_is_refused(site: Site, event: Event) -> None:
    answer = await site.send(ANONYMOUS, "GET", f"/api/events/{event.event_id}/live?track=9")
    assert answer.status_code == 404
    assert answer.json() == {
        "message": "Rehearsal has no track 9.",
        "remedy": "Choose one of its tracks, or combined.",
    }


async def test_the_stream_tells_nothing_that_is_not_public(site: Site, event: Event) -> None:
    race = await act(site, await ready(site, event), Kind.START, Kind.LAP)
    async with watching(site, event.event_id) as screen:
        snapshot = (await screen.next()).data
        await act(site, race, Kind.LAP)
        message = (await screen.next("race")).data
    shown = set(snapshot["races"][0]) | set(message)
    assert shown == set(message)
    assert not shown & {"car_id", "model_id", "rules", "actor", "created_at"}
