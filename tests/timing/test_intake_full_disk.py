"""A write that fails, as on a full disk: the pass is read again, and nothing behind it is lost."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import NotReady
from tests.conftest import Racing, racing_in
from tests.timing.heard import NO_LOCKOUT, Way, Ways, listening
from tests.timing.loop_time import loop_time
from tests.timing.scripted_recorder import BUTTON, SECOND_STRIP, STRIP, ScriptedRecorder
from tests.timing.two_recorders import RULES, both_at_one_line, stamps
from timing import races
from timing.journal import Entry
from timing.rules import RaceRules
from timing.signal import StripGap
from timing.signal_store import SignalStore
from timing.structs import NewEvent, NewTrack, StripLine


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[ScriptedRecorder]:
    async with ScriptedRecorder(tmp_path / "box.sock", "box", STRIP, BUTTON) as recorder:
        yield recorder


@pytest.fixture
async def pi(tmp_path: Path) -> AsyncIterator[ScriptedRecorder]:
    async with ScriptedRecorder(tmp_path / "pi.sock", "pi") as recorder:
        yield recorder


class RefusingDisk:
    """The first writes fail as on a full disk, the others do not."""

    def __init__(self, racing: Racing, monkeypatch: pytest.MonkeyPatch, fails: int = 1) -> None:
        self._write = racing.db.write
        self.left = fails
        self.refused = asyncio.Event()
        monkeypatch.setattr(racing.db, "write", self.write)

    async def write(self, job: Any) -> Any:
        if self.left:
            self.left -= 1

            def full(_: Any) -> None:
                raise NotReady("The disk is full.", "Make room.")

            try:
                return await self._write(full)
            finally:
                self.refused.set()
        return await self._write(job)


@pytest.mark.parametrize("lockout_ms", [0, 100])
async def test_a_crossing_that_was_not_stored_is_not_lost_when_the_next_one_is(
    lockout_ms: int,
    racing: Racing,
    box: ScriptedRecorder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    event = await racing.event(rules=RaceRules(lockout_ms=lockout_ms, race_ms=None))
    race = await racing.ready(event, await racing.racer("Ann"))
    async with listening(racing, box.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        box.from_now()
        disk = RefusingDisk(racing, monkeypatch)
        box.press(0)
        await disk.refused.wait()
        while "crossing_not_stored" not in caplog.text:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0)
        for number in (1, 2):
            box.press(1_000 * number)
        await heard.until(lambda: bool(heard.races) and len(heard.races[-1].laps) == 2)

    assert await stamps(racing, race) == [("box", 1), ("box", 3), ("box", 5)]


async def test_a_crossing_that_was_not_stored_is_not_lost_when_one_of_another_recorder_is(
    racing: Racing,
    box: ScriptedRecorder,
    pi: ScriptedRecorder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    race = await racing.ready(await both_at_one_line(racing), await racing.racer("Ann"))
    async with listening(racing, box.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
        await heard.until(lambda: all(state.caught_up for state in strips.recorders()))
        disk = RefusingDisk(racing, monkeypatch)
        pi.moment_ns = box.from_now()
        box.press(10)
        await disk.refused.wait()
        while "crossing_not_stored" not in caplog.text:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0)
        pi.press(5_000)
        await heard.until(lambda: bool(heard.races) and len(heard.races[-1].laps) == 1)

    assert await stamps(racing, race) == [("box", 1), ("pi", 1)]


async def test_a_crossing_that_was_not_stored_is_not_lost_when_one_on_another_track_is(
    racing: Racing, box: ScriptedRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.lines = (STRIP, SECOND_STRIP)
    tracks = [NewTrack(name=str(line), lines=[StripLine(line=line)]) for line in (17, 27)]
    event = await racing.events.create(NewEvent(name="Cup", tracks=tracks, rules=RULES), "box")
    north = await racing.ready(event, await racing.racer("Ann"), "1")
    south = await racing.ready(event, await racing.racer("Bob"), "2")
    async with listening(racing, box.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        box.from_now()
        RefusingDisk(racing, monkeypatch)
        box.press(10, 17)
        box.press(20, 27)
        await heard.until(lambda: len(heard.races) == 2)

    assert await stamps(racing, north) == [("box", 1)]
    assert await stamps(racing, south) == [("box", 3)]


async def test_strips_are_read_again_also_when_the_database_cannot_be_read_at_first(
    racing: Racing, box: ScriptedRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
    fetch_all = racing.db.fetch_all

    async def unreadable(sql: str, *more: Any) -> Any:
        if "strip_cursor" in sql:
            monkeypatch.setattr(racing.db, "fetch_all", fetch_all)
            raise NotReady("The database cannot be read.", "Look at the disk.")
        return await fetch_all(sql, *more)

    async with listening(racing, box.socket) as (strips, heard), loop_time() as time:
        await heard.until(lambda: strips.problem is None)
        monkeypatch.setattr(racing.db, "fetch_all", unreadable)
        RefusingDisk(racing, monkeypatch)
        box.from_now()
        box.press(10)
        pressed_s = time.lived_s
        await heard.until(lambda: len(heard.races) == 1)
        assert time.lived_s - pressed_s < 5

    assert await stamps(racing, race) == [("box", 1)]


async def test_a_crossing_that_its_race_can_never_store_is_asked_about_and_stops_none_behind_it(
    racing: Racing, box: ScriptedRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = await racing.ready(await racing.event(rules=RULES), await racing.racer("Ann"))
    monkeypatch.setattr("timing.intake.RETRY_S", 0.01)
    insert = races._insert_entry

    def never(connection: sqlite3.Connection, entry: Entry) -> None:
        if entry.payload.edge_seq == 1:
            raise sqlite3.IntegrityError("this one never")
        insert(connection, entry)

    monkeypatch.setattr(races, "_insert_entry", never)
    async with listening(racing, box.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        box.from_now()
        for number in range(3):
            box.press(10 + 2_000 * number)
        await heard.until(lambda: len(heard.loose) == 1 and len(heard.races) == 2)

    assert await stamps(racing, race) == [("box", 3), ("box", 5)]


async def test_a_gap_that_could_not_be_stored_is_stored_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gaps = [StripGap("box", seq, 17, 3, "lost", "boot", seq, "boot", seq, seq, seq) for seq in (1, 2)]
    async with racing_in(tmp_path) as racing:
        store = SignalStore(racing.db)
        disk = RefusingDisk(racing, monkeypatch)
        store.add(gaps[0])
        await disk.refused.wait()
        await store.settle()
        store.add(gaps[1])
        await store.settle()
        again = SignalStore(racing.db)
        await again.load()

    assert again.all() == gaps


async def test_a_position_that_could_not_be_stored_is_stored_later_and_no_stream_is_read_again(
    tmp_path: Path, box: ScriptedRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timing.intake.SAVE_AFTER_S", 0.01)
    monkeypatch.setattr("timing.intake.RETRY_S", 0.01)
    async with racing_in(tmp_path) as racing, listening(racing, box.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        asked = len(box.asked)
        disk = RefusingDisk(racing, monkeypatch, fails=2)
        box.press(10)
        async with asyncio.timeout(20):
            while await racing.db.fetch_all("SELECT seq FROM strip_cursor WHERE seq = 2") == []:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    assert (disk.left, len(box.asked)) == (0, asked)
