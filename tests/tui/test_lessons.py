"""The lessons of the practice: what counts as done, that a course only goes forward, and that every word fits."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from timing.structs import RaceState
from tui.practice.coach import CUT_S, ROUND_S, TO_THE_LINE_S, Coach
from tui.practice.hint_panel import WELCOME
from tui.practice.lessons import (
    AT_END,
    FIRST,
    KEY_WORDS,
    LESSONS,
    Course,
    Facts,
    after,
    pressed,
    restarted,
    skipped,
)
from tui.screens.race_keys import KINDS

IN_80_COLUMNS = 78
SMALL = st.integers(0, 3)
FACTS = st.builds(
    Facts,
    race_id=st.sampled_from([None, "a", "b"]),
    state=st.sampled_from([None, *RaceState]),
    strip_laps=SMALL,
    hand_laps=SMALL,
    dnf_laps=SMALL,
    invalid_laps=SMALL,
    resets=SMALL,
    waiting_laps=SMALL,
    waiting=SMALL,
    is_live=st.booleans(),
    room=st.sampled_from(["race", "queue", "board"]),
    help_open=st.booleans(),
)
RUNNING = Facts(race_id="a", state=RaceState.RUNNING, room="race")
OVER = replace(RUNNING, state=RaceState.OVER, strip_laps=2, hand_laps=1, dnf_laps=1, invalid_laps=1)
DONE: list[tuple[str, Facts, Facts]] = [
    ("Press N", Facts(), replace(RUNNING, state=RaceState.READY)),
    ("Press Space to start", replace(RUNNING, state=RaceState.READY), RUNNING),
    ("Press nothing: the car", RUNNING, replace(RUNNING, strip_laps=1)),
    ("The car is off the track", RUNNING, replace(RUNNING, resets=1)),
    ("It was on the track", replace(RUNNING, resets=1), RUNNING),
    ("The car has just crossed", RUNNING, replace(RUNNING, hand_laps=1)),
    ("No, that was a shadow", replace(RUNNING, hand_laps=1), RUNNING),
    ("A child runs", RUNNING, replace(RUNNING, state=RaceState.PAUSED)),
    ("The track is clear", replace(RUNNING, state=RaceState.PAUSED), RUNNING),
    ("The car has broken down", RUNNING, replace(RUNNING, state=RaceState.PAUSED, dnf_laps=1)),
    ("The car is mended", replace(RUNNING, state=RaceState.PAUSED), RUNNING),
    ("The network is cut", RUNNING, replace(RUNNING, waiting=1, waiting_laps=1)),
    ("Press nothing: in some", replace(RUNNING, waiting=1, waiting_laps=1, is_live=False), RUNNING),
    ("The racer has had enough", RUNNING, OVER),
    ("In the newest lap", OVER, replace(OVER, invalid_laps=2)),
    ("All is right", OVER, Facts()),
    ("Press 4", Facts(room="race"), Facts(room="board")),
    ("Press ?", Facts(room="board"), Facts(room="board", help_open=True)),
]


def at(index: int, facts: Facts) -> Course:
    return Course(index=index, facts=facts)


@pytest.mark.parametrize(("number", "before", "now"), [(n, b, f) for n, (_, b, f) in enumerate(DONE)])
def test_each_lesson_is_done_by_what_it_asks_for_and_not_before(number: int, before: Facts, now: Facts) -> None:
    assert len(DONE) == len(LESSONS)
    assert LESSONS[number].do.startswith(DONE[number][0])
    course = at(number, before)
    assert course.can_be_done
    assert after(course, before).index == number
    assert after(course, now).index == number + 1
    assert after(course, now).said == f"√ {LESSONS[number].said}"


@given(st.lists(st.one_of(FACTS, st.sampled_from(["skip", "key r", "key escape"])), max_size=60))
def test_a_course_never_goes_back_whatever_is_seen(seen: list[Facts | str]) -> None:
    course = Course()
    for one in seen:
        index = course.index
        if isinstance(one, Facts):
            course = after(course, one)
        else:
            course = skipped(course) if one == "skip" else pressed(course, one.removeprefix("key "))
        assert course.index in {index, index + 1}
        assert course.index <= len(LESSONS)
        assert course.do


def test_the_end_is_said_and_the_lessons_can_begin_again() -> None:
    course = at(len(LESSONS), Facts())
    assert course.do == AT_END
    assert after(course, RUNNING).index == skipped(course).index == len(LESSONS)
    assert restarted(course).index == 0


def test_what_another_race_counted_is_no_lap_of_this_one() -> None:
    course = at(2, replace(RUNNING, race_id="b"))
    assert after(course, replace(RUNNING, strip_laps=4)).index == 2


@pytest.mark.parametrize("state", [None, RaceState.READY, RaceState.PAUSED, RaceState.OVER])
def test_where_a_lesson_makes_no_sense_the_way_back_is_said(state: RaceState | None) -> None:
    course = at(3, Facts(state=state))
    assert course.do == FIRST[state]


def test_a_key_of_another_lesson_is_told_apart_in_words() -> None:
    course = pressed(at(3, RUNNING), "D")
    assert course.wrong == "D is for did not finish. It is not asked for just now."
    assert pressed(course, "r").wrong == ""
    assert after(course, replace(RUNNING, resets=1)).wrong == ""


def test_every_key_of_the_race_screen_has_words_in_practice() -> None:
    assert set(KINDS) - {"ctrl+x"} <= set(KEY_WORDS)


@pytest.mark.parametrize(
    "text",
    [
        WELCOME,
        *(f"► {text}" for text in (*FIRST.values(), AT_END)),
        *(f"► {lesson.do}" for lesson in LESSONS),
        *(f"√ {lesson.said}" for lesson in LESSONS),
        *(f"{words}. It is not asked for just now." for words in KEY_WORDS.values()),
    ],
)
def test_every_sentence_fits_into_80_columns(text: str) -> None:
    assert cell_len(text) <= IN_80_COLUMNS


def test_the_car_crosses_every_8_to_12_seconds_while_it_drives_and_never_while_it_stands() -> None:
    coach = Coach(seed=1)
    coach.course = at(2, RUNNING)
    crossed = [second / 4 for second in range(4 * 120) if coach.look(RUNNING, second / 4).bounces is not None]
    gaps = [later - earlier for earlier, later in pairwise(crossed)]
    assert len(gaps) >= 9
    assert all(ROUND_S[0] <= gap <= ROUND_S[1] + 0.25 for gap in gaps)
    coach.course = at(3, RUNNING)
    assert all(coach.look(RUNNING, second).bounces is None for second in range(120, 240))


def test_a_car_that_is_ready_goes_to_the_line_by_itself() -> None:
    coach, ready = Coach(seed=1), replace(RUNNING, state=RaceState.READY)
    assert coach.look(ready, 0.0).bounces is None
    assert coach.look(ready, TO_THE_LINE_S - 0.1).bounces is None
    assert coach.look(ready, TO_THE_LINE_S).bounces is not None


def test_the_same_seed_drives_the_same_race_and_a_quick_one_is_quicker() -> None:
    def crossings(coach: Coach, steps_per_s: int) -> list[int]:
        coach.course = at(2, RUNNING)
        looks = ((step, coach.look(RUNNING, step / steps_per_s).bounces) for step in range(100 * 20))
        return [step for step, bounces in looks if bounces is not None]

    assert crossings(Coach(seed=5), 20) == crossings(Coach(seed=5), 20) != crossings(Coach(seed=6), 20)
    assert crossings(Coach(seed=5, speed=10), 200)[:5] == crossings(Coach(seed=5), 20)[:5]


def test_the_network_is_cut_until_the_press_and_four_seconds_longer() -> None:
    coach = Coach()
    coach.course = at(11, RUNNING)
    assert coach.look(RUNNING, 0.0).is_cut
    assert coach.look(replace(RUNNING, is_live=False), 60.0).is_cut
    waits = replace(RUNNING, is_live=False, waiting=1, waiting_laps=1)
    assert coach.look(waits, 61.0).is_cut
    assert coach.look(waits, 61.0 + CUT_S - 0.1).is_cut
    assert not coach.look(waits, 61.0 + CUT_S).is_cut
    coach.restart()
    assert not coach.look(waits, 62.0).is_cut


def test_skipping_the_cut_gives_the_network_back() -> None:
    coach = Coach()
    coach.course = at(11, RUNNING)
    assert coach.look(RUNNING, 0.0).is_cut
    coach.skip()
    assert coach.course.index == 12
    assert not coach.look(replace(RUNNING), 1.0).is_cut
