"""Which track of which event: the rows, and the one most people want."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from timing.crew_structs import TrackNow
from timing.structs import RaceState
from tui.columns import Look, Row
from tui.track_rows import Choice, ChosenTrack, heading, meant, row_of

TODAY = "2026-11-22"


def choice(event: str, track: str = "1", date: str | None = None, name: str = "Cup") -> Choice:
    return Choice(ChosenTrack(event, track), name, date, f"Track {track}")


NEW = choice("new", date="2026-12-24")
LEFT, RIGHT = choice("now", "1", TODAY), choice("now", "2", TODAY)
OLD = choice("old", date="2025-05-01")
ALL = [NEW, LEFT, RIGHT, OLD]


def text_of(row: Row) -> str:
    return "".join(cell.text for cell in row)


@pytest.mark.parametrize(
    ("last", "wanted"),
    [(None, LEFT), (RIGHT.place, RIGHT), (OLD.place, OLD), (ChosenTrack("gone", "1"), LEFT), (NEW.place, NEW)],
    ids=["somebody new", "last time", "last time was long ago", "it is gone", "before its day"],
)
def test_the_place_of_last_time_is_meant_or_else_today(last: ChosenTrack | None, wanted: Choice) -> None:
    assert ALL[meant(ALL, last, TODAY)] == wanted


def test_without_an_event_today_the_newest_is_meant() -> None:
    assert meant([NEW, OLD], None, TODAY) == 0
    assert meant([], None, TODAY) == 0


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (TrackNow(track_id="1", name="", username="anna", state=RaceState.RUNNING), "► Running anna"),
        (TrackNow(track_id="1", name="", username="anna", state=RaceState.READY), "○ Ready anna"),
        (TrackNow(track_id="1", name="", username=None, state=None), "free"),
        (TrackNow(track_id="2", name="", username="anna", state=RaceState.RUNNING), ""),
        (None, ""),
    ],
    ids=["running", "ready", "free", "of another track", "nobody has said"],
)
def test_a_row_says_who_races(now: TrackNow | None, said: str) -> None:
    row = row_of(LEFT, None if now is None else {now.track_id: now}, TODAY, 76)
    assert text_of(row).split("Track 1")[1].strip() == said


@pytest.mark.parametrize(("date", "said"), [(TODAY, "today"), ("2025-05-01", "2025-05-01"), (None, "no day")])
def test_today_is_said_in_a_word(date: str | None, said: str) -> None:
    row = row_of(choice("e", date=date), None, TODAY, 76)
    assert row[0].text.strip() == said
    assert (row[0].look is Look.GOOD) == (date == TODAY)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.integers(50, 200))
def test_every_row_is_as_wide_as_the_heading(event: str, track: str, racer: str, cells: int) -> None:
    wide = cell_len(text_of(heading(cells)))
    now = {"1": TrackNow(track_id="1", name=track, username=racer, state=RaceState.OVER)}
    row = row_of(Choice(ChosenTrack("e", "1"), event, None, track), now, TODAY, cells)
    assert cell_len(text_of(row)) == wide
    assert wide <= cells
