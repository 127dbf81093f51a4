"""The strip check as a page: without script, its stream, its guided test, and what it says when something is wrong."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance import clock
from appliance.facts import Facts
from tests.timing.floor import recorder
from tests.timing.recorder_process import RecorderProcess
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import act, add_racer, start_race
from timing.crossings import EdgeSeen
from timing.facts import EdgeHeard, StripsChanged
from timing.journal import Kind
from timing.signal import StripGap
from timing.stream import Line, LineRole
from timing.strip_check import StripCheck
from timing.strip_health import RecorderState
from timing.structs import NewEvent, NewTrack, StripLine
from web.house import House

PAGE = "/staff/strips"
HTMX = {"hx-request": "true"}
DEADLINE_S = 20


@pytest.fixture
def states(house: House) -> list[RecorderState]:
    """The recorders that the house believes in; tests change the list."""
    listed = [recorder()]
    house.strip_check.stop()
    object.__setattr__(house, "strip_check", StripCheck(house.facts, lambda: listed))
    return listed


def edge(facts: Facts, line: int, active: bool, at_ms: int, recorder_id: str = "pi") -> None:
    at_ns = at_ms * 1_000_000
    facts.publish(EdgeHeard(edge=EdgeSeen(recorder_id, "boot", at_ms, line, active, at_ns, at_ns)))


def press(facts: Facts, line: int, at_ms: int, contact_ms: int = 42) -> None:
    edge(facts, line, active=True, at_ms=at_ms)
    edge(facts, line, active=False, at_ms=at_ms + contact_ms)


class Panels:
    """The stream of the page, message by message."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.head = ""

    async def next(self) -> str:
        """The next panel; beats are passed over."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                text = await self._message()
                if not text.startswith("event: beat"):
                    return text

    async def until(self, sought: str) -> str:
        """The next panel that shows this."""
        while sought not in (text := await self.next()):
            pass
        return text

    async def ended(self) -> bool:
        async with asyncio.timeout(DEADLINE_S):
            try:
                while True:
                    await self._message()
            except EOFError:
                return True

    async def _message(self) -> str:
        text = b""
        while not text.endswith(b"\n\n"):
            size = int(await self._reader.readline() or b"0", 16)
            text += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
            if size == 0:
                raise EOFError
        return text.decode()


@asynccontextmanager
async def looking(site: Site, role: str = "operator") -> AsyncIterator[Panels]:
    """A device with the page open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    cookie = f"trackside={site.tokens[role]}"
    writer.write(f"GET {PAGE}/stream HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
    panels = Panels(reader)
    panels.head = (await reader.readuntil(b"\r\n\r\n")).decode()
    try:
        yield panels
    finally:
        writer.close()


async def test_each_line_is_on_the_page_without_script(site: Site, states: list[RecorderState]) -> None:
    press(site.house.facts, 17, 1_000)
    edge(site.house.facts, 27, active=True, at_ms=2_000)
    async with Crew(site, "operator") as crew:
        text = words(await crew.get(PAGE))
    assert "strip 1 line 17 Just now hits 1 last on it 42 ms bounces 0" in text
    assert "strip 2 line 27 Pressed hits 1 last on it … bounces 0" in text
    assert "Start the test" in text


async def test_tracks_are_named_where_there_are_several(site: Site, states: list[RecorderState]) -> None:
    tracks = [
        NewTrack(name="Left", lines=[StripLine(recorder_id="pi", line=17)]),
        NewTrack(name="Right", lines=[StripLine(recorder_id="pi", line=27)]),
    ]
    await site.house.events.create(NewEvent(name="Cup", tracks=tracks), "test")
    async with Crew(site, "operator") as crew:
        text = words(await crew.get(PAGE))
    assert "strip 1 line 17 · Left" in text
    assert "strip 2 line 27 · Right" in text


async def test_guided_test_by_plain_forms_is_seen_by_all_and_put_away(site: Site, states: list[RecorderState]) -> None:
    address = f"{PAGE}/pi/test"
    async with Crew(site, "operator") as crew, Crew(site, "admin") as other:
        await crew.get(PAGE)
        assert "Keep off the strips" in words(await crew.send(address, do="start"))
        assert "Strip 1 of 2 Tap strip 1 three times" in words(await crew.send(address, do="skip"))
        assert "Tap strip 1 three times" in words(await other.get(PAGE))
        for at_ms in (10_000, 11_000):
            press(site.house.facts, 17, at_ms)
        assert "● ● ○" in words(await crew.get(PAGE))
        await crew.send(address, do="skip", line="17")
        assert "Tap strip 2 three times" in words(await crew.send(address, do="skip", line="17"))
        text = words(await crew.send(address, do="skip", line="27"))
        assert "✗ 2 of 2 strips need a hand" in text
        assert "✗ Not tested. It was left out. Test it before the first race." in text
        assert "Start the test" in words(await crew.send(address, do="end"))


async def test_a_wrong_button_and_a_recorder_that_is_gone_are_refused(site: Site, states: list[RecorderState]) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get(PAGE)
        assert (await crew.send(f"{PAGE}/pi/test", do="explode")).status_code == 400
        assert (await crew.send(f"{PAGE}/nobody/test", do="start")).status_code == 404
        assert (await crew.send(f"{PAGE}/pi/hits")).status_code == 400
        states[0] = recorder(connected=False)
        refused = await crew.send(f"{PAGE}/pi/test", do="start")
    assert refused.status_code == 503
    assert "this box is not connected. Wait until it is back, then start the test." in words(refused)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"strips": "disabled", "lines": []}, 'No strips are set up In trackside.toml , set strips = "gpio" and'),
        ({"problem": "The disk is full."}, "The disk is full."),
        ({"note": "lgpio is in use: lost edges cannot be noticed."}, "lgpio is in use: lost edges cannot be noticed."),
        ({"connected": False, "problem": "No answer."}, "No answer. It is tried again all the time."),
        ({"clock_difference_ms": -61_000}, "Its clock is 61 s behind. Laps are right all the same."),
        ({"lines": [Line(line=5, name="start", role=LineRole.BUTTON)]}, "No strips are set up"),
    ],
)
async def test_what_is_wrong_is_said(
    site: Site, states: list[RecorderState], changed: dict[str, object], said: str
) -> None:
    states[0] = recorder(**changed)
    async with Crew(site, "operator") as crew:
        assert said in words(await crew.get(PAGE))


async def test_box_whose_recorder_never_answered_says_so(site: Site) -> None:
    async with Crew(site, "operator") as crew:
        text = words(await crew.get(PAGE))
    assert "no recorder" in text
    assert "It is tried again all the time." in text


async def test_what_a_recorder_did_not_see_lately_is_said(site: Site, states: list[RecorderState]) -> None:
    now_ns = clock.wall_ns()
    for seq, ago_s in ((1, 60), (2, 3 * 3600)):
        at_ns = now_ns - ago_s * 1_000_000_000
        site.house.strips._signal.add(StripGap("pi", seq, 17, 40, "lost", "boot", 5, "boot", 5, at_ns, at_ns))
    async with Crew(site, "operator") as crew:
        text = words(await crew.get(PAGE))
    assert text.count("40 edges were lost on ") == 1


async def test_an_open_race_is_warned_of_as_taps_are_crossings(site: Site, states: list[RecorderState]) -> None:
    lines = [StripLine(recorder_id="pi", line=17)]
    cup = await site.house.events.create(NewEvent(name="Cup", tracks=[NewTrack(name="Left", lines=lines)]), "test")
    async with looking(site) as panels:
        assert "A race is open" not in await panels.next()
        race = await start_race(site.house, cup, await add_racer(site.house, "anna"))
        assert "A race is open on Left." in await panels.until("A race is open")
        await act(site.house, race, Kind.PAUSE)
        await act(site.house, race, Kind.DISCARD)
        while "A race is open" in await panels.next():
            pass


async def test_real_strips_have_no_tap_button(site: Site, states: list[RecorderState]) -> None:
    async with Crew(site, "operator") as crew:
        assert "Tap strip 1" in words(await crew.get(PAGE))
        states[0] = recorder(strips="gpio")
        assert "Tap strip 1" not in words(await crew.get(PAGE))


async def test_stream_shows_a_press_and_then_its_release(site: Site, states: list[RecorderState]) -> None:
    async with looking(site) as panels:
        assert "200" in panels.head.splitlines()[0]
        assert 'data-hits="0"' in await panels.next()
        edge(site.house.facts, 17, active=True, at_ms=1_000)
        assert ">Pressed<" in await panels.until('data-hits="1"')
        edge(site.house.facts, 17, active=False, at_ms=1_042)
        assert "42 ms" in await panels.until("Just now")


async def test_two_devices_get_the_same_bytes_and_a_chattering_strip_floods_neither(
    site: Site, states: list[RecorderState]
) -> None:
    loop = asyncio.get_running_loop()
    async with looking(site) as one, looking(site, "admin") as other:
        assert re.sub(r'data-stamp="\d+"', "", await one.next()) == re.sub(r'data-stamp="\d+"', "", await other.next())
        begun_s = loop.time()
        for burst in range(4):
            for at_ms in range(500):
                edge(site.house.facts, 17, active=at_ms % 2 == 0, at_ms=burst * 500 + at_ms)
            panel = await one.next()
            assert await other.next() == panel
        assert loop.time() - begun_s >= 3 * 0.2


async def test_stream_ends_with_the_session(site: Site, states: list[RecorderState]) -> None:
    async with looking(site) as panels:
        await panels.next()
        await site.house.sessions.end_all(site.person_ids["operator"])
        assert await panels.ended()


async def test_nothing_is_rendered_while_nobody_looks(
    site: Site, states: list[RecorderState], monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[House] = []
    monkeypatch.setattr("web.strip_live.panel", lambda house: rendered.append(house) or "<p>strips</p>")
    site.house.facts.publish(StripsChanged())
    press(site.house.facts, 17, 1_000)
    assert rendered == []
    async with looking(site) as panels:
        await panels.next()
        assert rendered


async def test_tap_of_a_simulated_strip_of_a_real_recorder(site: Site, tmp_path: Path) -> None:
    socket = site.house.settings.recorder_socket
    process = RecorderProcess(tmp_path, data=tmp_path / "edges")
    process.socket = socket
    async with process, looking(site) as panels:
        await panels.until("strip 2")
        (state,) = site.house.strips.recorders()
        async with Crew(site, "operator") as crew:
            await crew.get(PAGE)
            answer = await crew.send(f"{PAGE}/{state.recorder_id}/hits", headers=HTMX, line="27")
        assert (answer.status_code, answer.text) == (204, "")
        assert 'data-figure="contact">80 ms' in await panels.until("80 ms")
