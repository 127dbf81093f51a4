"""Which recordings belong to a race, whatever the car's clock says, and which logs go first."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cars.log_rules import AFTER_S, BEFORE_S, checked, chosen, file_name, journal_span, pause_s, span_on_car, too_many
from cars.log_wire import Found, Sought

RACE = Sought(from_s=1_000_000, to_s=1_000_180, folder="anna-fast")
names = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=20)


def drive(name: str, began_s: int | None, changed_s: int) -> Found:
    return Found(name=name, size_bytes=1, began_at_s=began_s, changed_at_s=changed_s)


OWN = drive("anna-fast-20260101-120000", 999_990, 1_000_190)


@pytest.mark.parametrize("clock_off_s", [0, 7_200, -63_000_000])
def test_the_drive_of_the_race_is_found_by_any_clock(clock_off_s: int) -> None:
    race = Sought(from_s=100_000_000, to_s=100_000_180, folder="anna-fast")
    at_s = 100_000_000 + clock_off_s
    own = drive("anna-fast-20260101-120000", at_s - 10, at_s + 190)
    before = drive("anna-fast-20260101-110000", at_s - 900, at_s - 700)
    after = drive("anna-fast-20260101-130000", at_s + 400, at_s + 600)
    assert chosen([after, own, before], race, clock_off_s) == [own]


def test_the_drive_of_another_model_in_the_same_minutes_is_not_it() -> None:
    before = drive("ben-slow-20260101-115500", 999_700, 1_000_001)
    assert chosen([before, OWN], RACE, 0) == [OWN]


def test_large_and_small_letters_are_one_folder() -> None:
    own = drive("Anna-Fast-20260101-120000", 999_990, 1_000_190)
    assert chosen([own], RACE, 0) == [own]


def test_a_model_under_another_name_is_found_by_when_it_drove() -> None:
    before = drive("ben-slow-20260101-115500", 999_700, 1_000_001)
    by_hand = drive("usb-stick-20260101-120000", 999_995, 1_000_100)
    assert chosen([before, by_hand], RACE, 0) == [by_hand]


def test_without_a_model_all_that_drove_meanwhile_is_taken() -> None:
    other = drive("ben-slow-20260101-115500", 999_700, 1_000_001)
    race = Sought(from_s=RACE.from_s, to_s=RACE.to_s)
    assert chosen([OWN, other], race, 0) == [other, OWN]


def test_a_recording_that_is_asked_for_by_name_is_that_one() -> None:
    race = Sought(from_s=5, to_s=5, recording="old")
    assert chosen([OWN, drive("old", None, 7)], race, 0) == [drive("old", None, 7)]
    assert chosen([OWN], race, 0) == []


def test_the_journal_is_of_the_race_or_of_the_recording() -> None:
    assert journal_span([OWN], RACE, 100) == span_on_car(RACE, 100) == (999_980, 1_000_310)
    one = Sought(from_s=5, to_s=5, recording=OWN.name)
    assert journal_span([OWN], one, 100) == (999_960, 1_000_220)


@given(st.lists(st.tuples(names, st.integers(0, 1_000)), unique_by=lambda one: one[0]), st.integers(0, 3_000))
def test_the_oldest_go_until_the_others_fit_and_no_more(stored: list[tuple[str, int]], keep_bytes: int) -> None:
    gone = too_many(stored, keep_bytes)
    assert gone == [log_id for log_id, _ in stored[: len(gone)]]
    left = stored[len(gone) :]
    assert sum(size for _, size in left) <= keep_bytes or len(left) == 1
    if gone:
        assert left
        assert sum(size for _, size in stored[len(gone) - 1 :]) > keep_bytes


@given(
    st.lists(st.builds(Found, name=st.text(max_size=200), size_bytes=st.integers(), changed_at_s=st.integers(),
                       began_at_s=st.none() | st.integers())),
    st.integers(-(10**10), 10**10),
)  # fmt: skip
def test_whatever_a_car_says_nothing_but_plain_names_is_chosen(found: list[Found], clock_off_s: int) -> None:
    for one in chosen(checked(found), Sought(from_s=1, to_s=10**10), clock_off_s):
        assert "/" not in one.name
        assert one.name.isascii()
        assert not one.name.startswith(".")
        assert one.size_bytes >= 0


@pytest.mark.parametrize("name", ["../etc", "a/b", ".hidden", "", "a b", "a\n", "ä", "-x" * 100, "a\0"])
def test_a_name_that_no_recording_has_is_left_on_the_car(name: str) -> None:
    assert checked([drive(name, None, 1)]) == []


@given(st.text(max_size=60), st.text(max_size=40))
def test_a_download_is_called_by_nothing_that_a_header_or_a_disk_would_mind(car_name: str, at: str) -> None:
    made = file_name(car_name, at)
    assert set(made) <= set(string.ascii_letters + string.digits + "-.")
    assert made.endswith(".tar")
    assert len(made) < 80


def test_a_download_says_whose_and_when() -> None:
    assert file_name("Grüner Blitz 3", "2026-11-23T12:34:56.789Z") == "logs-Gruener-Blitz-3-20261123T123456.tar"


def test_pauses_grow_and_end() -> None:
    assert [pause_s(tries) for tries in (1, 2, 5, 50)] == [10, 30, 300, 300]
    assert BEFORE_S > AFTER_S
