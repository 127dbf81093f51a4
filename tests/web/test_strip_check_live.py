"""The strip check as JSON: simulated strips of a real recorder, seen and tested through the API alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tests.web.conftest import Site
from tests.web.recorded import recorded
from tests.web.streams import Screen, listening
from timing.crew_structs import Beat
from timing.strip_check import GONE
from timing.strip_picture import LinePicture, RecorderPicture, StripCheckNow, TestPicture
from timing.strip_words import Verdict
from web.app import end_streams

CHECK = "/api/strips/check"
PATIENCE_S = 20
APART_MS = 200
"""A strip that has been quiet for 150 ms is ready for another hit."""


class Terminal:
    """One stream; `recorder` is the box's own as it was told last."""

    recorder: RecorderPicture

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    @property
    def test(self) -> TestPicture:
        assert self.recorder.test is not None
        return self.recorder.test

    def line(self, place: int) -> LinePicture:
        return self.recorder.lines[place - 1]

    async def hear(self) -> StripCheckNow | Beat:
        """The next message, which has exactly the shape that its name promises."""
        heard = await self.screen.next("check", "beat")
        shape = StripCheckNow if heard.name == "check" else Beat
        message: StripCheckNow | Beat = msgspec.convert(heard.data, shape, strict=True)
        assert msgspec.json.decode(msgspec.json.encode(message)) == heard.data
        if isinstance(message, StripCheckNow):
            self.recorder = message.recorders[0]
        return message

    async def until(self, holds: Callable[[], bool]) -> None:
        """Listen until it is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await self.hear()

    async def says(self, say: str) -> None:
        """Listen until the test says this."""
        await self.until(lambda: self.recorder.test is not None and self.test.say == say)


@asynccontextmanager
async def watching(site: Site, role: str = "operator") -> AsyncIterator[Terminal]:
    """A terminal that has been told everything once."""
    async with listening(site, CHECK, role) as screen:
        terminal = Terminal(screen)
        assert isinstance(await terminal.hear(), StripCheckNow)
        yield terminal


async def press(site: Site, method: str, terminal: Terminal, verb: str = "", **body: object) -> int:
    """A key that starts, skips or ends the test."""
    address = f"{CHECK}/{terminal.recorder.recorder.recorder_id}{verb}"
    return (await site.send("operator", method, address, json=body if verb else None)).status_code


async def tap(site: Site, terminal: Terminal, place: int) -> None:
    """Through the API; then until the strip may be hit anew."""
    hits = terminal.line(place).hits
    answer = await site.send("operator", "POST", f"/api/strips/{terminal.line(place).line}/hit", json={"hold_ms": 80})
    assert answer.status_code == 204
    await terminal.until(lambda: terminal.line(place).hits == hits + 1 and not terminal.line(place).pressed)
    async with asyncio.timeout(PATIENCE_S):
        while (own_line(site, place).silent_ms or 0) < APART_MS:  # noqa: ASYNC110  silence has no event
            await asyncio.sleep(0.01)


def own_line(site: Site, place: int) -> LinePicture:
    return site.house.strip_check.pictures()[0].lines[place - 1]


async def test_each_strip_is_seen_pressed_and_counted_by_everybody(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (site, _), watching(site) as one, watching(site, "commentator") as other:
        assert one.recorder.recorder.caught_up
        assert [(line.name, line.hits, line.silent_ms) for line in one.recorder.lines] == [
            ("strip 1", 0, None),
            ("strip 2", 0, None),
        ]
        await site.house.strips.hit(27, hold_ms=1_000, bounces=2)
        for terminal in (one, other):
            await terminal.until(lambda terminal=terminal: terminal.line(2).pressed)  # type: ignore[misc]
            await terminal.until(lambda terminal=terminal: not terminal.line(2).pressed)  # type: ignore[misc]
            assert (terminal.line(2).hits, terminal.line(2).bounces) == (1, 2)
            assert terminal.line(1).hits == 0


async def test_a_whole_test_is_made_with_keys_and_taps(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (site, _), watching(site) as terminal:
        assert await press(site, "POST", terminal) == 204
        await terminal.says("Tap strip 1 three times")
        for taps in (1, 2, 3):
            await tap(site, terminal, 1)
            await terminal.until(lambda taps=taps: terminal.test.place == 2 or terminal.test.taps == taps)  # type: ignore[misc]
        await terminal.says("Tap strip 2 three times")
        assert await press(site, "POST", terminal, "/skip", line=17) == 204  # Of a strip that is no longer asked for.
        assert await press(site, "POST", terminal, "/skip", line=27) == 204
        await terminal.until(lambda: not terminal.test.running)
        assert [verdict.verdict for verdict in terminal.test.verdicts] == [Verdict.GOOD, Verdict.SKIPPED]
        assert not terminal.test.passed
        assert await press(site, "DELETE", terminal) == 204
        await terminal.until(lambda: terminal.recorder.test is None)


async def test_a_recorder_that_goes_ends_the_test_and_says_why(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (site, recorder), watching(site) as terminal:
        await press(site, "POST", terminal)
        await terminal.says("Keep off the strips")
        await recorder.end()
        await terminal.until(lambda: terminal.recorder.ended == GONE)
        assert not terminal.recorder.recorder.connected
        refused = await site.send("operator", "POST", f"{CHECK}/{terminal.recorder.recorder.recorder_id}")
    assert refused.status_code == 503
    assert refused.json() == {
        "message": "this box is not connected.",
        "remedy": "Wait until it is back, then start the test.",
    }


async def test_a_recorder_that_is_not_there_is_refused(site: Site) -> None:
    answer = await site.send("operator", "POST", f"{CHECK}/nowhere")
    assert answer.status_code == 404
    assert answer.json() == {
        "message": "There is no such recorder.",
        "remedy": "Reload the page: it may have been replaced.",
    }


async def test_it_beats_and_ends_with_the_session_and_with_the_box(site: Site) -> None:
    async with watching(site) as mine, watching(site, "admin") as other:
        assert isinstance(await mine.hear(), Beat)
        await site.house.sessions.end_all(site.person_ids["operator"])
        assert await mine.screen.ended()
        assert isinstance(await other.hear(), Beat)
        end_streams(site.app)
        assert await other.screen.ended()


async def test_asking_for_its_head_ends(site: Site) -> None:
    answer = await site.send("operator", "HEAD", CHECK)
    assert answer.status_code == 405
