"""The strip check in the terminal: simulated strips of a real recorder, hit by key, and the verdict."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from appliance.permissions import Role
from tests.timing.heard import Way, Ways
from tests.timing.recorder_process import RecorderProcess
from tests.tui.seated import LARGE, PATIENCE_S, Terminal, seated
from tests.web.conftest import Site
from tests.web.racing_day import add_racer, start_race
from timing.strip_picture import LinePicture
from timing.structs import Event, NewEvent, NewTrack
from tui.columns import Row
from tui.row_list import RowList
from tui.screens.base import RoomScreen
from tui.screens.board import BoardScreen
from tui.screens.help import HelpScreen
from tui.screens.strips import StripsScreen
from tui.screens.system import SystemScreen
from tui.sounds import Sound

ROOMS: dict[str, type[RoomScreen]] = {"strips": StripsScreen}
POLL_S = 0.02
APART_MS = 200
"""A strip that has been quiet for 150 ms is ready for another hit."""
TAP = "▀█▀ ▄▀▄ █▀▄    ▄▀▀ ▀█▀ █▀▄ █ █▀▄"
"""The upper third of TAP STRIP."""


@pytest.fixture
async def site(site: Site) -> Site:
    await site.add(Role.COMMENTATOR)
    return site


@pytest.fixture
async def event(site: Site) -> Event:
    return await site.house.events.create(NewEvent(name="Cup", tracks=[NewTrack(name="Left")]), "test")


@pytest.fixture
async def recorder(site: Site, tmp_path: Path) -> AsyncIterator[RecorderProcess]:
    process = RecorderProcess(tmp_path, data=tmp_path / "edges")
    process.socket = site.house.settings.recorder_socket
    async with process:
        async with asyncio.timeout(PATIENCE_S):
            while not all(state.connected and state.caught_up for state in site.house.strips.recorders()):  # noqa: ASYNC110  the connection has no event
                await asyncio.sleep(POLL_S)
        yield process


def lines(site: Site) -> list[LinePicture]:
    return [line for of in site.house.strip_check.pictures() for line in of.lines]


def row_of(terminal: Terminal, name: str) -> str:
    """The row of a strip, with single spaces."""
    found = [row for row in terminal.text().splitlines() if name in row]
    assert found, terminal.text()
    return " ".join(found[0].split())


def silence(terminal: Terminal) -> int:
    """For how many seconds strip 2 says that it is silent."""
    found = re.search(r"silent for (\d+) s", row_of(terminal, "strip 2"))
    return int(found[1]) if found else 0


def noted(terminal: Terminal) -> list[str]:
    """All rows that the list is given from now on: some of their words stand for a second only."""
    rows, seen = terminal.app.room.query_one(RowList), list[str]()  # type: ignore[union-attr]
    give = rows.set_rows

    def note(heading: Row, given: Sequence[Row]) -> None:
        seen.extend("".join(cell.text for cell in row) for row in given)
        give(heading, given)

    rows.set_rows = note  # type: ignore[method-assign]
    return seen


async def hit(site: Site, terminal: Terminal, place: int, bounces: int = 0) -> None:
    """The key H on this strip, or a bad strip's hit; then until it may be hit anew."""
    hits = lines(site)[place - 1].hits
    if bounces:
        await site.house.strips.hit((17, 27)[place - 1], hold_ms=80, bounces=bounces)
    else:
        await terminal.keys("home", *["down"] * place, "h")
    await terminal.until(lambda: _is_done(lines(site)[place - 1], hits))


def _is_done(line: LinePicture, hits: int) -> bool:
    return line.hits > hits and not line.pressed and (line.silent_ms or 0) >= APART_MS


async def test_a_strip_hit_by_key_is_counted_and_measured(site: Site, event: Event, recorder: RecorderProcess) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("√ connected, simulated strips", "►   strip 1", "not heard yet", "t Test", "h Hit")
        assert "t Track" not in terminal.text()
        told = noted(terminal)
        await hit(site, terminal, 2)
        await terminal.until(lambda: any("• just now" in row for row in told))
        await terminal.until(lambda: row_of(terminal, "strip 2").endswith(" ms 0"))
        assert row_of(terminal, "strip 1") == "strip 1 17 not heard yet 0 – –"


async def test_a_strip_is_told_pressed_and_then_counts_its_silence(
    site: Site, event: Event, recorder: RecorderProcess
) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("strip 2")
        told = noted(terminal)
        await site.house.strips.hit(27, hold_ms=4_000)
        await terminal.until(lambda: any("■ PRESSED" in row for row in told))
        await terminal.shows("4000 ms")
        await terminal.until(lambda: silence(terminal) >= 2)
        before = silence(terminal)
        await terminal.until(lambda: silence(terminal) > before)


async def test_three_taps_each_and_every_terminal_sees_that_all_strips_are_good(
    site: Site, event: Event, recorder: RecorderProcess
) -> None:
    async with seated(site, event.event_id, ROOMS) as one, seated(site, event.event_id, ROOMS) as other:
        heard: list[Sound] = []
        one.app.sounds.play = heard.append  # type: ignore[method-assign]
        await one.shows("Press T to test")
        await one.keys("t")
        await other.shows("k Skip")
        for place in (1, 2):
            await one.shows(TAP, "◄ ○ ○ ○", f"strip {place} of 2")
            for dots in ("◄ ■ ○ ○", "◄ ■ ■ ○"):
                await hit(site, one, place)
                await one.shows(dots)
                await other.shows(dots)
            await hit(site, one, place)
        for terminal in (one, other):
            await terminal.shows("√ strip 1: Good. 3 taps felt, ", "√ strip 2: Good. 3 taps felt, ")
            assert row_of(terminal, "strip 1 ").endswith("√ Good")
        of_strips = [sound for sound in heard if sound not in (Sound.LINK_LOST, Sound.LINK_BACK)]
        # One message may tell of the last tap and of the verdict: then the verdict is heard.
        assert of_strips[:5] == [Sound.LAP] * 5
        assert of_strips[5:] in ([Sound.LAP, Sound.BEST], [Sound.BEST])
        await one.shows(" Put away")
        await one.keys("escape")
        await other.shows("Press T to test")


async def test_a_chattering_strip_a_wrong_tap_and_a_skip_are_told(
    site: Site, event: Event, recorder: RecorderProcess
) -> None:
    async with seated(site, event.event_id, ROOMS, size=LARGE) as terminal:
        await terminal.shows("Press T to test")
        await terminal.keys("t")
        await terminal.shows("strip 1 of 2")
        await hit(site, terminal, 2)
        await terminal.shows("That was strip 2. Tap strip 1.")
        for _ in range(3):
            await hit(site, terminal, 1, bounces=12)
        await terminal.shows("× strip 1: Chattering. 12 bounces in one tap. Look for a loose plug or a torn foil")
        await terminal.shows("strip 2 of 2")
        await terminal.keys("k")
        await terminal.shows("× strip 2: Not tested. It was left out. Test it before the first race.")
        assert row_of(terminal, "strip 1 ").endswith("× Chattering")


async def test_a_recorder_that_goes_and_comes_back_is_told_loudly(
    site: Site, event: Event, recorder: RecorderProcess
) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("Press T to test")
        await terminal.keys("t")
        await terminal.shows("k Skip")
        await recorder.end(signal.SIGKILL)
        await terminal.shows("× NO RECORDER", "? not known", "It is tried again all the time.")
        await terminal.shows("Take laps by hand until then.", "The test was ended: the recorder went away.")
        await terminal.until(lambda: "h Hit" not in terminal.text())
        await terminal.keys("t")
        await terminal.shows("Wait until it is back, then start the test.")
        assert await recorder.start(), recorder.stderr
        await terminal.shows("√ connected, simulated strips", "h Hit")


async def test_on_a_small_terminal_what_to_do_is_read_on_page_by_page(
    site: Site, event: Event, recorder: RecorderProcess
) -> None:
    async with seated(site, event.event_id, ROOMS, size=(60, 12)) as terminal:
        await terminal.shows("Press T to test")
        await terminal.keys("t")
        await terminal.shows("T A P   S T R I P   1")
        await terminal.keys("k")
        await terminal.shows("T A P   S T R I P   2")
        await terminal.keys("k")
        await terminal.shows("2   O F   2   S T R I P S", "PgDn Read on")
        for _ in range(6):
            await terminal.keys("pagedown")
        await terminal.shows("Not tested. It was left out.")
        await terminal.keys("escape")
        await terminal.until(lambda: "PgDn" not in terminal.text())


async def test_a_test_belongs_to_the_recorder_that_was_chosen(
    site: Site, event: Event, recorder: RecorderProcess, tmp_path: Path
) -> None:
    (tmp_path / "pi").mkdir()
    async with RecorderProcess(tmp_path / "pi", "--strips", "simulated", "--lines", "5,6") as pi:
        site.house.strips.follow(Ways(Way("pi", "山の.pi", pi.socket)))
        async with seated(site, event.event_id, ROOMS) as terminal:
            await terminal.until(lambda: terminal.text().count("√ connected, simulated strips") == 2)
            await terminal.keys("end", "h")
            await terminal.shows("This strip is not the box's.")
            await terminal.keys("t")
            await terminal.shows("山の.pi", "◄ ○ ○ ○", "strip 1 of 2")
            own, remote = site.house.strip_check.pictures()
            assert own.test is None
            assert remote.test is not None
            assert remote.test.asked == 5
            await pi.end(signal.SIGKILL)
            await terminal.shows("× NO RECORDER", "√ connected, simulated strips", "Take laps by hand until then.")
            await terminal.keys("home")
            await terminal.shows("Press T to test")


async def test_an_open_race_is_told_before_somebody_taps(site: Site, event: Event, recorder: RecorderProcess) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("Press T to test")
        await start_race(site.house, event, await add_racer(site.house, "anna"))
        await terminal.shows("! A race is open on Left. Taps are crossings like any other:")


async def test_a_commentator_looks_and_changes_nothing(site: Site, event: Event, recorder: RecorderProcess) -> None:
    async with seated(site, event.event_id, ROOMS, role="commentator") as terminal:
        await terminal.shows("Press T to test")
        await terminal.keys("t", "h")
        await terminal.shows("You may look, not change.")
        assert [of.test for of in site.house.strip_check.pictures()] == [None]
        assert [line.hits for line in lines(site)] == [0, 0]


async def test_a_lost_box_is_told_and_nothing_is_said_of_strips_that_nobody_hears(
    site: Site, event: Event, recorder: RecorderProcess
) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        told = noted(terminal)
        await hit(site, terminal, 1)
        await terminal.until(lambda: any("• just now" in row for row in told))
        terminal.seat.move_to("http://127.0.0.1:9")
        await terminal.shows("× NOT LIVE: what the strips do now is not known.", "? not known")
        terminal.seat.move_to(site.url)
        await terminal.until(lambda: "silent for " in (text := terminal.text()) and "NOT LIVE" not in text)


async def test_the_check_is_followed_only_while_it_is_in_sight(
    site: Site, event: Event, recorder: RecorderProcess
) -> None:
    rooms: dict[str, type[RoomScreen]] = {"strips": StripsScreen, "system": SystemScreen}
    async with seated(site, event.event_id, rooms) as terminal:
        await terminal.shows("Press T to test")
        await terminal.keys("question_mark")
        await terminal.opens(HelpScreen)
        hits, told = lines(site)[1].hits, noted(terminal)
        await site.house.strips.hit(27)
        await terminal.until(lambda: lines(site)[1].hits > hits and any("just now" in row for row in told))
        await terminal.keys("escape", "2")
        await terminal.shows("database")
        await terminal.until(lambda: not followed(terminal))
        await terminal.keys("1")
        await terminal.until(lambda: followed(terminal))


async def test_screens_may_be_changed_as_fast_as_anybody_types(
    site: Site, event: Event, recorder: RecorderProcess
) -> None:
    rooms: dict[str, type[RoomScreen]] = {"strips": StripsScreen, "board": BoardScreen, "system": SystemScreen}
    async with seated(site, event.event_id, rooms) as terminal:
        for key in "231231312" * 4:
            terminal.app.simulate_key(key)
        await terminal.keys("1")
        await terminal.shows("Press T to test")
        await terminal.until(lambda: followed(terminal))
        await terminal.keys("3")
        await terminal.shows("database")
        await terminal.until(lambda: not followed(terminal))


def followed(terminal: Terminal) -> bool:
    return any(worker.group == "strips" and not worker.is_finished for worker in terminal.app.workers)


async def test_a_box_without_a_recorder_says_so(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("× NO RECORDER", "Take laps by hand until then.")
