"""When the strips saw nothing: the words, and where they are shown."""

import signal
from pathlib import Path

import pytest

from tests.timing.recorder_process import RecorderProcess
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.panels import stream
from tests.web.racing_day import add_racer, finish_race, start_race
from tests.web.recorded import an_event, recorded
from timing.signal import BlindSpot
from web.formats import second
from web.pages.staff.blind import duration, unseen

FROM, TO = "2026-11-22T14:03:02.100Z", "2026-11-22T14:03:04.000Z"
NAMES = {("this box", 17): "strip 1", ("Pi Süd", 4): "Streifen 4"}


def spot(**changes: object) -> BlindSpot:
    fields: dict[str, object] = {
        "from_at": FROM,
        "to_at": TO,
        "missing_ms": 1_900,
        "lost": 0,
        "reason": "",
        "line": None,
        "recorder_name": "this box",
    }
    return BlindSpot(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("blind", "said"),
    [
        (spot(), f"The recorder was not running from {second(FROM)} to {second(TO)} (1.9 s)."),
        (spot(reason="killed", to_at=FROM, missing_ms=160), f"running at {second(FROM)} (0.2 s). It was killed, or"),
        (spot(reason="power", missing_ms=None), f"to {second(TO)}. Its machine was off."),
        (spot(recorder_name="Pi Süd"), "The recorder Pi Süd was not running from"),
        (spot(line=17, lost=3), f"3 edges were lost on strip 1 at {second(TO)}."),
        (spot(line=17, lost=1), f"1 edge was lost on strip 1 at {second(TO)}."),
        (spot(line=4, lost=2, recorder_name="Pi Süd"), "2 edges were lost on Streifen 4 of Pi Süd at"),
        (spot(line=22, lost=2), "2 edges were lost on line 22 at"),
    ],
)
def test_blind_spot_is_said_in_words(blind: BlindSpot, said: str) -> None:
    assert said in unseen([blind], NAMES)[0].said


def test_remedy_says_what_to_do() -> None:
    assert unseen([spot()], {})[0].remedy == (
        "A crossing in that time is missing: correct the lap, or take it by hand."
    )


def test_newest_comes_first() -> None:
    later = spot(from_at="2026-11-22T15:00:00.000Z", lost=1, line=17)
    assert [one.said[:6] for one in unseen([spot(), later], NAMES)] == ["1 edge", "The re"]


@pytest.mark.parametrize(("ms", "text"), [(160, "0.2 s"), (59_900, "59.9 s"), (75_000, "75 s"), (600_000, "10 min")])
def test_how_long_it_was(ms: int, text: str) -> None:
    assert duration(ms) == text


async def test_killed_recorder_is_said_on_the_timekeepers_page_the_stream_and_the_race(
    tmp_path: Path,
) -> None:
    async with recorded(tmp_path) as (site, recorder):
        await killed_recorder_is_said(site, recorder)


async def killed_recorder_is_said(site: Site, recorder: RecorderProcess) -> None:
    house = site.house
    event = await an_event(house)
    race = await start_race(house, event, await add_racer(house, "anna"))
    base = f"/staff/events/{event.event_id}/tracks/1"
    async with Crew(site, "operator") as crew:
        assert "not running" not in words(await crew.get(f"{base}/timekeeper"))
        async with stream(site, event, parts="blind") as panels:
            assert "not running" not in await panels.next()
            await recorder.end(signal.SIGKILL)
            await recorder.start()
            told = await panels.until("not running")
        page = words(await crew.get(f"{base}/timekeeper"))
        await finish_race(house, race, [])
        details = words(await crew.get(f"/staff/races/{race.race_id}"))
        free = words(await crew.get(f"{base}/timekeeper"))

    assert 'hx-target="#blind"' in told
    for text in (page, details):
        assert "The recorder was not running" in text
        assert "A crossing in that time is missing: correct the lap, or take it by hand." in text
    assert "not running" not in free
