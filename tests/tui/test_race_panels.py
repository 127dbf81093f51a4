"""What stands on the race screen, drawn from plain facts: every word in its place, for names of any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.race_samples import lap, race
from tests.tui.crew_samples import blind_spot, strip, strips, waiting
from timing.journal import Kind
from timing.queue_structs import QueueState
from timing.rules import RaceRules
from timing.structs import LapView, RaceState
from timing.trail import TrailLine
from tui.link import LinkWord
from tui.press import Press, Waiting
from tui.server_clock import Stamp
from tui.widgets.free_track import free_lines
from tui.widgets.lap_table import lap_lines, stepped
from tui.widgets.panel import Draw
from tui.widgets.queue_side import queue_lines
from tui.widgets.race_summary import clock_caption, notice_line, stats_line, who_line
from tui.widgets.strips_side import notes_line, strip_line, strip_lines, strip_rows
from tui.widgets.trail_side import trail_lines
from tui.widgets.waiting_presses import pending_words, waiting_line

S = 1_000_000_000
LONG = "日本太郎日本太郎日本太郎日本太郎日本太郎"


def text(draw: Draw, width: int = 78, height: int = 10) -> list[str]:
    """The lines as they stand on the screen."""
    return [line.plain.rstrip() for line in draw(width, height)]


def press(kind: Kind, pressed_s: float = 0, **fields: object) -> Waiting:
    """A press that waits, of 12:03:22 UTC."""
    made = Press(
        action_id="a",
        race_id="race-1",
        kind=kind,
        mono_ns=int(pressed_s * S),
        slept_ns=0,
        local_boot_id="here",
        server_boot_id="there",
        wall_ns=1_780_660_000 * S,
    )
    return Waiting(press=made, **fields)  # type: ignore[arg-type]


# ---- who races, and how it stands


def test_who_races_state_and_run_are_in_one_line() -> None:
    assert text(who_line(race())) == [" ► Running   ada (NL)  run 1 of 3"]
    assert text(who_line(race(by_proxy=True, country=None, rules=RaceRules(max_runs=None)))) == [
        " ► Running   ada  run 1  by proxy"
    ]


def test_a_press_on_its_way_is_marked_at_the_right() -> None:
    (line,) = text(who_line(race(), ("Lap", "Reset ×2")))
    assert line.startswith(" ► Running   ada (NL)")
    assert line.endswith("● Lap, Reset ×2")
    assert cell_len(line) == 78


@given(st.text(min_size=1, max_size=20), st.integers(24, 140))
def test_no_name_pushes_the_mark_of_a_press_off_the_line(name: str, width: int) -> None:
    (line,) = who_line(race(username=name, by_proxy=True), ("Lap",))(width, 1)
    assert line.plain.endswith("● Lap")
    assert cell_len(line.plain) == width


def test_best_average_laps_and_resets_are_in_one_line() -> None:
    laps = [lap(1, 9_000), lap(2, 8_000, valid=False), lap(3, 10_004)]
    (line,) = text(stats_line(race(RaceState.RUNNING, *laps, resets=2)))
    assert " ".join(line.split()) == "BEST 00:09.000 AVG 1–3 00:09.001 LAPS 2 valid, 1 not RESETS 2/3"
    (line,) = text(stats_line(race(RaceState.READY, rules=RaceRules(lap_count=5))))
    assert " ".join(line.split()) == "BEST – AVG of 3 – LAPS 0/5 valid, 0 not RESETS 0/∞"


def test_too_many_resets_are_said_in_words() -> None:
    assert text(stats_line(race(resets=4)))[0].endswith("RESETS 4/3 too many")


@pytest.mark.parametrize(
    ("state", "fields", "words"),
    [
        (RaceState.READY, {}, "Ready. The first crossing or Space starts the clocks."),
        (RaceState.RUNNING, {}, ""),
        (
            RaceState.RUNNING,
            {"time_up": True},
            " Time is up. The car may finish this lap; the next capture ends the race. ",
        ),
        (RaceState.PAUSED, {}, "Paused. Space goes on; a crossing goes on too, and begins a new lap."),
        (
            RaceState.PAUSED,
            {"time_up": True},
            " Time is up. Space goes on for one more capture, X ends the race. ",
        ),
        (RaceState.OVER, {}, "Over. ↑↓ and V change laps, then S submits. C goes back to the race."),
    ],
)
def test_the_one_thing_to_know_now_is_said(state: RaceState, fields: dict[str, object], words: str) -> None:
    assert notice_line(race(state, **fields), power_cut=False).plain == words


def test_a_power_cut_says_what_to_do() -> None:
    said = notice_line(race(RaceState.PAUSED), power_cut=True).plain
    assert said == " Paused by a power cut. All laps are kept. Put the car back, then Space. "
    assert cell_len(said) <= 78


@pytest.mark.parametrize(
    ("left_ms", "fields", "words"),
    [
        (None, {}, "RACE TIME"),
        (60_000, {}, "TIME LEFT"),
        (10_000, {}, "LAST SECONDS"),
        (0, {}, "TIME IS UP"),
        (500, {"time_up": True}, "TIME IS UP"),
    ],
)
def test_the_race_clock_says_what_it_shows(left_ms: int | None, fields: dict[str, object], words: str) -> None:
    assert clock_caption(race(**fields), left_ms) == words


# ---- laps


def test_laps_are_newest_first_with_who_took_them_and_whether_they_count() -> None:
    laps = [
        lap(1, 8_000, edited=True),
        lap(2, 9_500, resets=2, source="hand"),
        lap(3, 4_000, valid=False, suspect=True),
        lap(4, 9_000, valid=False, dnf=True),
    ]
    assert text(lap_lines(laps, 8_000, 2), width=60) == [
        "  LAP TIME      RESETS  BY     COUNTS",
        "    4 00:09.000      0  –      × DNF",
        "    3 00:04.000      0  strip  × invalid fast?",
        "►   2 00:09.500      2  hand   √ valid",
        "    1 00:08.000      0  strip  √ valid   best edited",
    ]


def test_laps_that_have_no_room_are_counted() -> None:
    lines = text(lap_lines([lap(number) for number in range(1, 21)], 8_000, None), height=5)
    assert [line.split()[0] for line in lines] == ["LAP", "20", "19", "18", "and"]
    assert lines[-1].strip() == "and 17 before"


@given(st.integers(1, 60), st.integers(3, 20), st.data())
def test_the_chosen_lap_is_always_seen(laps: int, height: int, data: st.DataObject) -> None:
    chosen = data.draw(st.integers(1, laps))
    lines = text(lap_lines([lap(number) for number in range(1, laps + 1)], None, chosen), height=height)
    assert len(lines) <= height
    assert [line.split()[1] for line in lines if line.startswith("►")] == [str(chosen)]


LAPS = [lap(number) for number in (1, 2, 4)]


@pytest.mark.parametrize(
    ("laps", "chosen", "step", "then"),
    [
        (LAPS, None, 1, 4),
        (LAPS, None, -1, None),
        (LAPS, 4, 1, 2),
        (LAPS, 4, -1, None),
        (LAPS, 1, 1, 1),
        (LAPS, 3, 1, 4),
        ([], None, 1, None),
    ],
)
def test_arrows_choose_a_lap(laps: list[LapView], chosen: int | None, step: int, then: int | None) -> None:
    assert stepped(laps, chosen, step) == then


# ---- the line


def test_the_line_has_place_name_and_run_in_columns() -> None:
    line = [waiting("ada", 1, state=QueueState.CALLED), waiting(LONG, 2, runs_done=1), waiting("bob", 3, runs_done=3)]
    assert text(queue_lines(line), width=29) == [
        "NEXT                3 in line",
        " 1! ada                   1/3",
        " 2  日本太郎日本太郎日…   2/3",
        " 3  bob                  used",
    ]


def test_a_wide_line_says_country_and_state_too() -> None:
    line = [waiting("ada", 1, state=QueueState.CALLED), waiting("bob", 2, state=QueueState.SKIPPED)]
    assert text(queue_lines(line), width=44)[1:] == [
        " 1! ada                     DE  called   1/3",
        " 2  bob                     DE  skipped  1/3",
    ]


def test_who_is_racing_does_not_stand_in_line() -> None:
    lines = text(queue_lines([waiting("ada", 0, state=QueueState.RACING)]))
    assert lines == ["NEXT", "Nobody. 2 opens the queue."]


@given(st.lists(st.text(min_size=1, max_size=20), max_size=30), st.integers(24, 60), st.integers(2, 40))
def test_no_name_breaks_the_columns_of_the_line(names: list[str], width: int, height: int) -> None:
    line = [waiting(name, place) for place, name in enumerate(names, start=1)]
    lines = queue_lines(line)(width, height)
    assert len(lines) <= height
    assert all("\n" not in one.plain and cell_len(one.plain) <= width for one in lines)
    assert all(cell_len(one.plain) == width for one in lines[1 : 1 + min(len(names), height - 2)])


# ---- strips


def test_strips_are_in_one_line_with_when_they_were_seen() -> None:
    told = strips(strip(1, "Start"), strip(2, "Finish", hits=0, age_ms=None), strip(3, "Third", silent=12))
    assert text(strip_line(told, later_ms=2_000), width=120) == [
        "STRIPS  √ Start, 5 s ago   ○ Finish, not yet   × Third: silent for 12 crossings"
    ]


def test_strips_beside_the_race_have_a_line_each() -> None:
    told = strips(strip(1, "Start"), strip(2, "Third", silent=12), simulated=True)
    assert text(strip_lines(told), width=44) == [
        "STRIPS                             simulated",
        " √ Start                    12 hits, 3 s ago",
        " × Third                silent, 12 crossings",
    ]
    assert strip_rows(told) == 3


def test_trouble_with_the_recorder_is_said_loudly_and_what_to_do() -> None:
    lost = " NO RECORDER. Time by hand with L. What it still sees comes later."
    assert text(strip_line(strips(connected=False))) == ["STRIPS  " + lost]
    assert text(strip_line(strips(strip(1, "Start"), problem="The cable is out."))) == [
        "STRIPS   The cable is out.  √ Start, 3 s ago"
    ]


def test_what_the_strips_missed_and_whose_a_crossing_was_is_said() -> None:
    assert notes_line(0, [], 0).plain == ""
    assert notes_line(2, [blind_spot()], 1).plain == (
        "Who was that? 2 crossings (web: Crossings) · Blind for 2 s: check the laps · 1 edge lost in the box"
    )


# ---- the trail, and what waits


def test_the_trail_is_newest_first_and_says_what_is_an_edit() -> None:
    lines = [
        TrailLine(
            seq=0, at="2026-06-05T12:00:00.000Z", actor="Strip", kind=Kind.CROSSING, text="Crossing", is_edit=False
        ),
        TrailLine(
            seq=1, at="2026-06-05T12:00:01.000Z", actor="[b]ann", kind=Kind.SET_TIME, text="Lap set", is_edit=True
        ),
    ]
    shown = text(trail_lines(lines), height=9)
    assert shown[0] == "WHAT HAPPENED"
    assert [line[10:] for line in shown[1:]] == ["[b]ann        Lap set  (edit)", "Strip         Crossing"]
    assert len(text(trail_lines(lines), height=1)) == 1


def test_presses_on_their_way_are_named_with_how_often() -> None:
    assert pending_words([press(Kind.LAP), press(Kind.RESET), press(Kind.RESET)]) == ("Lap", "Reset ×2")


def test_a_press_that_waits_long_is_said_loudly() -> None:
    one = press(Kind.LAP)
    assert waiting_line([one], Stamp(S // 2)).plain == ""
    assert waiting_line([one], Stamp(2 * S)).plain.startswith(" 1 press waits for the box: Lap ")
    many = [press(Kind.LAP)] * 5
    assert waiting_line(many, Stamp(0), link=LinkWord.LOST).plain.startswith(" 5 presses wait for the box: Lap ")
    assert waiting_line(many, Stamp(0), link=LinkWord.LOST).plain.endswith("… ")


def test_a_lost_link_says_that_timing_goes_on() -> None:
    said = waiting_line([], Stamp(0), link=LinkWord.LOST).plain
    assert said == " Link lost. Go on timing: presses are kept and count as of when pressed. "
    said = waiting_line([], Stamp(0), link=LinkWord.LOST, has_race=False).plain
    assert said == " Link lost. The next race can be made ready once the box answers again. "
    assert waiting_line([], Stamp(0), link=LinkWord.CONNECTING).plain == ""


def test_presses_that_cannot_be_kept_on_the_disk_are_said() -> None:
    assert waiting_line([], Stamp(0), trouble="The disk is full.").plain == " The disk is full. "


def test_a_press_that_only_a_person_can_decide_about_says_why() -> None:
    held = press(Kind.LAP, why="The box was restarted since this was pressed.", is_held=True)
    said = waiting_line([press(Kind.RESET), held], Stamp(0)).plain
    assert said.endswith(": The box was restarted since this was pressed. W decides about it. ")


# ---- no race


def test_a_free_track_says_who_is_next_and_which_key() -> None:
    lines = text(free_lines("Left", [waiting("ada", 1, runs_done=1)], by_proxy=False, may_run=True))
    assert lines[1] == "Left is free"
    assert lines[3] == "Next   ada (DE)   run 2 of 3"
    assert "  N  makes them ready" in lines


def test_a_free_track_names_those_after_the_next_one() -> None:
    line = [waiting(name, place) for place, name in enumerate(["ada", "bob", "eve", "zoe", "yan", "kim"], start=1)]
    lines = text(free_lines("Left", line, by_proxy=False, may_run=True), height=20)
    assert lines[-4:] == [
        "Then   bob (DE)   run 1 of 3",
        "       eve (DE)   run 1 of 3",
        "       zoe (DE)   run 1 of 3",
        "       and 2 more",
    ]


def test_used_up_runs_are_said_before_the_key_is_pressed() -> None:
    lines = text(free_lines("Left", [waiting("ada", 1, runs_done=3)], by_proxy=True, may_run=True))
    assert lines[3] == "Next   ada (DE)   all 3 runs used"
    assert "  N  asks whether to allow one more run" in lines
    assert lines[-1] == "Will be raced by proxy."


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RaceState.SUBMITTED, "Left is free   √ Submitted  ada (NL)  1 valid lap, best 00:08.000"),
        (RaceState.DISCARDED, "Left is free   × Discarded  ada (NL)"),
    ],
)
def test_a_free_track_says_how_the_race_before_ended(state: RaceState, words: str) -> None:
    ended = race(state, lap(1), lap(2, valid=False))
    assert text(free_lines("Left", [], by_proxy=False, may_run=True, result=ended))[1] == words


def test_an_empty_line_says_how_to_fill_it() -> None:
    lines = text(free_lines("Left", [], by_proxy=False, may_run=True))
    assert lines[-1] == "  2  opens the queue; A there adds a racer by a few letters"


def test_who_may_only_look_is_offered_no_keys() -> None:
    lines = text(free_lines("Left", [waiting("ada", 1)], by_proxy=False, may_run=False))
    assert not any("N  " in line for line in lines)
