"""Who sits at the crew's live stream: all get the same, nobody holds another up, and each stream has its end."""

import asyncio
import contextlib
import socket
from contextlib import AsyncExitStack

import msgspec
import pytest

from appliance import clock
from appliance.permissions import Role
from appliance.sessions import Viewer
from tests.web.conftest import Site
from tests.web.crew_hub import hub_of, seats_are
from tests.web.panels import stream
from tests.web.racing_day import act, start_race
from tests.web.streams import DEADLINE_S, Screen, watching
from tests.web.terminals import Terminal, path_of, seated
from timing.crew_structs import Connections, CrewSnapshot
from timing.journal import Kind
from timing.structs import Event, EventPatch, NewTrack
from web import crew_live
from web.api.crew import THIS_MACHINE
from web.app import end_streams


async def test_every_seat_gets_the_same_bytes_and_with_nobody_there_nothing_is_computed(
    site: Site, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = []
    render = crew_live.RENDER[crew_live.Part.RACE]

    async def counted(*arguments: object) -> object:
        rendered.append(arguments)
        return await render(*arguments)  # type: ignore[arg-type]

    monkeypatch.setitem(crew_live.RENDER, crew_live.Part.RACE, counted)
    race = await start_race(site.house, event, site.person_ids["racer"])
    assert rendered == []
    async with seated(site, event) as one, seated(site, event, "admin") as other:
        race = await act(site.house, race, Kind.LAP)
        for terminal in (one, other):
            await terminal.until(lambda terminal=terminal: len(terminal.laps) == 1)  # type: ignore[misc]
        assert len(rendered) == 1
        [first, second] = hub_of(site)._seats
        assert first.key == second.key == (event.event_id, "1")
    await seats_are(site, 0)
    await act(site.house, race, Kind.LAP)
    assert len(rendered) == 1
    assert not hub_of(site)._quick._stale


async def holds(unread: socket.socket, text: bytes) -> None:
    """Wait until it stands in what has come and nobody has read."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with contextlib.suppress(BlockingIOError):
                if text in unread.recv(65_536, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    return
            await asyncio.sleep(0.01)


async def test_a_reader_that_stopped_holds_nobody_up_and_starts_again_from_a_snapshot(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, site.person_ids["racer"])
    stopped = socket.socket()
    stopped.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    stopped.connect(("127.0.0.1", site.port))
    token = site.tokens["operator"]
    stopped.send(f"GET {path_of(event)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    await seats_are(site, 1)
    await holds(stopped, b"event: snapshot")
    [seat] = hub_of(site)._seats
    async with seated(site, event, "admin") as terminal:
        for _ in range(2_000):
            # Fills the buffers of the sockets in between, which hold megabytes on this kernel.
            seat.put(b'event: board\ndata: {"board_version":0}' + b" " * 100_000 + b"\n\n")
            await asyncio.sleep(0)
            if seat.missed:
                break
        assert seat.missed
        await act(site.house, race, Kind.LAP)
        await terminal.until(lambda: len(terminal.laps) == 1)
    reader, writer = await asyncio.open_connection(sock=stopped)
    await reader.readuntil(b"\r\n\r\n")
    again = Terminal(Screen(reader, writer))
    await again.hear()
    assert again.laps == []
    await again.until(lambda: again.names.count("snapshot") == 2)
    assert len(again.laps) == 1
    writer.close()


async def test_whoever_is_signed_out_hears_no_more(site: Site, event: Event) -> None:
    async with seated(site, event) as mine, seated(site, event, "admin") as other:
        assert (await site.send("operator", "DELETE", "/api/session")).status_code == 204
        assert await mine.screen.ended()
        await other.beat()
        await site.house.people.set_roles(site.person_ids["admin"], [Role.ADMIN], "test")
        await site.house.sessions.end_all(site.person_ids["admin"])
        assert await other.screen.ended()


async def test_an_event_that_goes_ends_its_streams(site: Site, event: Event) -> None:
    async with seated(site, event) as terminal:
        await site.house.events.delete(event.event_id, "test")
        assert await terminal.screen.ended()
    assert (await site.send("operator", "GET", path_of(event))).status_code == 404


async def test_a_track_that_goes_before_its_snapshot_ends_the_stream_quietly(site: Site, event: Event) -> None:
    viewer = Viewer(person_id=site.person_ids["operator"], username="the-operator", roles=[Role.OPERATOR])
    messages = await hub_of(site).open((event.event_id, "2"), viewer, site.tokens["operator"], "192.0.2.7")
    await site.house.events.delete(event.event_id, "test")
    assert [message async for message in messages] == []
    assert hub_of(site).connections().seats == []


async def test_a_track_that_goes_ends_its_streams_and_shows_in_the_others(site: Site, event: Event) -> None:
    async with seated(site, event) as left, seated(site, event, track_id="2") as right:
        patch = EventPatch(tracks=[NewTrack(name="Left", track_id="1")])
        await site.house.events.patch(event.event_id, patch, "test")
        assert await right.screen.ended()
        await left.until(lambda: len(left.tracks) == 1)


async def test_a_track_that_is_not_there_is_refused(site: Site, event: Event) -> None:
    answer = await site.send("operator", "GET", path_of(event, "9"))
    assert answer.status_code == 404
    assert answer.json() == {"message": "Rehearsal has no such track.", "remedy": "Choose one of the event's tracks."}


@pytest.mark.parametrize("role", ["registration", "racer"])
async def test_who_is_not_crew_is_refused(site: Site, event: Event, role: str) -> None:
    assert (await site.send(role, "GET", path_of(event))).status_code == 403
    assert (await site.send(role, "GET", "/api/connections")).status_code == 403


async def test_stopping_the_box_ends_every_stream_and_takes_no_new_one(site: Site, event: Event) -> None:
    async with seated(site, event) as terminal:
        end_streams(site.app)
        assert await terminal.screen.ended()
    assert (await site.send("operator", "GET", path_of(event))).status_code == 503


async def test_one_person_has_so_many_seats_and_the_oldest_is_given_up(
    site: Site, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_of(site)._seats, "_per_person", 2)
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(seated(site, event, "admin"))
        mine = [await stack.enter_async_context(seated(site, event)) for _ in range(4)]
        assert await mine[0].screen.ended()
        assert await mine[1].screen.ended()
        for terminal in (other, *mine[2:]):
            await terminal.beat()
        await seats_are(site, 3)


async def test_who_is_connected_is_told(site: Site, event: Event) -> None:
    async with (
        seated(site, event) as _,
        seated(site, event, "commentator", track_id="2") as _,
        watching(site, event.event_id) as screen,
        stream(site, event) as panels,
    ):
        await screen.next()
        await panels.next()
        answer = await site.send("admin", "GET", "/api/connections")
    assert answer.status_code == 200
    told = msgspec.json.decode(answer.content, type=Connections)
    assert (told.screens, told.pages) == (1, 1)
    assert [(seat.username, seat.event_id, seat.track_id, seat.address) for seat in told.seats] == [
        ("the-operator", event.event_id, "1", "127.0.0.1"),
        ("the-commentator", event.event_id, "2", "127.0.0.1"),
    ]
    assert told.seats[0].since <= told.seats[1].since <= clock.now_iso()


async def test_somebody_whom_the_connection_signed_in_stays_as_long_as_it_lasts(site: Site, event: Event) -> None:
    viewer = Viewer(person_id="unix:ann", username="ann", roles=[Role.OPERATOR])
    messages = await hub_of(site).open((event.event_id, "1"), viewer, None, THIS_MACHINE)
    first = await anext(messages)
    snapshot = msgspec.json.decode(first.partition(b"data: ")[2], type=CrewSnapshot)
    assert (snapshot.you, snapshot.may_run) == ("ann", True)
    for _ in range(2):
        assert (await anext(messages)).startswith(b"event: beat\n")
    [seat] = hub_of(site).connections().seats
    assert (seat.username, seat.address) == ("ann", "this machine")
    await messages.aclose()  # type: ignore[attr-defined]


async def test_who_left_is_no_longer_connected(site: Site, event: Event) -> None:
    async with seated(site, event):
        await seats_are(site, 1)
    await seats_are(site, 0)
