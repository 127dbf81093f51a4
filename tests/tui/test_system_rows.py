"""How the box and the way to it are, as rows: every check with a word, what to do, and the clocks with their error."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from timing.clock_offset import Offset
from timing.crew_structs import ClockReading, Connections, CrewSeat
from tui.columns import Look, Row
from tui.errors import BoxAway
from tui.link import LinkState, LinkWord
from tui.server_clock import ServerClock, Stamp
from tui.system_rows import (
    BAD_CLOCK,
    UNMEASURED,
    Clock,
    Moment,
    check_rows,
    clock_rows,
    link_rows,
    press_rows,
    seat_rows,
    summary,
    wrapped,
)
from tui.wire import Check, HealthReport

CELLS = 60
MS = 1_000_000
NOW = Moment(100_000 * MS, datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC))
FINE = Check(ok=True, message="Reading and writing work.")
WARNED = Check(ok=True, message="300 MB are free.", remedy="Free some space.")
BROKEN = Check(
    ok=False, message="The recorder does not answer.", remedy="Take laps by hand meanwhile; it is started again."
)


def text(rows: list[Row]) -> list[str]:
    return ["".join(cell.text for cell in row).rstrip() for row in rows]


def report(**checks: Check) -> HealthReport:
    return HealthReport(status="ok" if all(check.ok for check in checks.values()) else "trouble", checks=checks)


def test_every_check_has_a_word_and_says_what_to_do() -> None:
    rows = check_rows(report(disk=WARNED, database=FINE, recorder=BROKEN, shiny_new=FINE), CELLS)
    assert text(rows) == [
        "recorder  × PROBLEM The recorder does not answer.",
        "                    Take laps by hand meanwhile; it is",
        "                    started again.",
        "database  √ ok      Reading and writing work.",
        "disk      ! look    300 MB are free.",
        "                    Free some space.",
        "shiny new √ ok      Reading and writing work.",
    ]
    assert rows[0][1].look is Look.BAD


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (report(disk=WARNED), "√ All is well"),
        (report(disk=WARNED, recorder=BROKEN), "× 1 thing needs a hand"),
        (report(database=BROKEN, recorder=BROKEN), "× 2 things need a hand"),
        (HealthReport(status="trouble"), "× Something needs a hand"),
    ],
)
def test_the_summary_counts_what_needs_a_hand(of: HealthReport, said: str) -> None:
    assert summary(of).text == said


def test_who_may_not_see_the_checks_is_told_where_to_go() -> None:
    assert text(check_rows(HealthReport(status="trouble"), CELLS)) == [
        "box       × PROBLEM The box says that something needs a",
        "                    hand.",
        "                    What is behind it is shown to operators:",
        "                    press O to sign in as one.",
    ]


@given(st.text(max_size=80), st.text(max_size=80), st.integers(40, 140))
def test_no_words_of_a_box_break_the_rows(message: str, remedy: str, cells: int) -> None:
    rows = check_rows(report(recorder=Check(ok=False, message=message, remedy=remedy)), cells)
    assert all("\x1b" not in row and "\n" not in row for row in text(rows))


def test_a_live_link_says_since_when() -> None:
    state = LinkState(LinkWord.LIVE, 88_000 * MS)
    assert text(link_rows(state, NOW, 80)) == ["link      √ live    What is shown is true, since 14:04:57 (12 s)"]


def test_a_lost_link_says_why_and_what_to_do() -> None:
    state = LinkState(LinkWord.LOST, 0, BoxAway("The box does not answer.", "Check that it is on."))
    assert text(link_rows(state, NOW, 80)) == [
        "link      × LOST    Nothing heard of the box since 14:03:29 (100 s)",
        "                    The box does not answer. Check that it is on.",
    ]


def test_the_clocks_are_compared_with_their_error() -> None:
    clock = Clock(Offset(-4_500 * MS, 800_000), 12, 1_600_000)
    assert text(clock_rows(clock, 120)) == [
        "clock     √ ok      The box's is -4.500 s ±0.8 ms against this one"
        " (round trip 1.6 ms, 12 answers in a minute)."
    ]


def test_a_clock_that_is_badly_known_is_told() -> None:
    slow = text(clock_rows(Clock(Offset(300_000, 80 * MS), 1, 160 * MS), 120))
    assert slow[0].startswith("clock     ! look    The box's is +0.3 ms ±80.0 ms")
    assert slow[1].strip() == BAD_CLOCK
    assert text(clock_rows(Clock(None, 0, None), 120)) == [f"clock     ! look    {UNMEASURED}"]


def test_the_clock_says_how_many_answers_it_rests_on() -> None:
    clock = ServerClock()
    assert clock.basis(Stamp(0)) == (0, None)
    for at_ms, trip_ms in ((0, 4), (1_000, 2), (2_000, 9)):
        reading = ClockReading(mono_ns=at_ms * MS, wall_ns=0, boot_id="one")
        clock.add(reading, sent=Stamp(at_ms * MS), received=Stamp((at_ms + trip_ms) * MS))
    assert clock.basis(Stamp(3_000 * MS)) == (3, 2 * MS)
    assert clock.basis(Stamp(61_001 * MS)) == (2, 2 * MS)


def test_presses_that_wait_are_told() -> None:
    assert press_rows(0, None, CELLS) == []
    assert text(press_rows(2, None, 100)) == [
        "presses   ! look    2 presses wait to be sent, in order; each counts when it was made."
    ]
    assert text(press_rows(2, "The disk of this machine is full.", 100)) == [
        "presses   × PROBLEM The disk of this machine is full."
    ]


def test_who_is_connected_is_told_with_track_and_time() -> None:
    def seat(username: str, event_id: str, since: datetime, address: str = "10.0.0.7") -> CrewSeat:
        return CrewSeat(username=username, event_id=event_id, track_id="1", since=since.isoformat(), address=address)

    at = datetime(2026, 11, 22, 14, 5, tzinfo=UTC).astimezone()
    seats = [seat("山田太郎", "cup", at + timedelta(minutes=3)), seat("tina", "other", at, "fe80::1234:5678:9abc:def0")]
    rows = seat_rows(Connections(screens=14, seats=seats, pages=1), {("cup", "1"): "Left"}, 96)
    assert text(rows) == [
        "Connected: 2 terminals, 1 crew page, 14 hall screens",
        f"tina                     another event            since {at:%H:%M} fe80::1234:5678:9abc:def0",
        f"山田太郎                 Left                     since {at + timedelta(minutes=3):%H:%M} 10.0.0.7",
    ]
    assert {cell_len("".join(cell.text for cell in row)) for row in rows} == {96}


def test_a_sentence_is_wrapped() -> None:
    assert text(wrapped("one two three", 8)) == ["one two", "three"]
