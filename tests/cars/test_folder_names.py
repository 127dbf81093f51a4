"""The folder of a model on a car: plain, unique, never too long, and found again from a bag's name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cars.folder_names import MAX_LETTERS, folder_name, folder_of_bag

PLAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", re.ASCII)
ON_THE_CAR = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
"""What the helper on the car takes."""
NAMES = st.text(max_size=90) | st.from_regex(r"[A-Za-z0-9._#üÜ -]{1,70}", fullmatch=True)


@pytest.mark.parametrize(
    ("username", "model_name", "folder"),
    [
        ("ann", "fast", "ann-fast"),
        ("Jörg_M", "Süße Größe v1.2", "Joerg-M-Suesse-Groesse-v1-2"),
        ("o.o", "re:Invent #1", "o-o-re-Invent-1"),
        ("łukasz", "Żółw", "lukasz-Zolw"),
        (None, "Sample single cam", "box-Sample-single-cam"),
        ("日本", "模型", "racer-model"),
        ("ann", "../../etc/passwd", "ann-etc-passwd"),
        ("ann", "", "ann-model"),
        ("-rf", "--", "rf-model"),
    ],
)
def test_names_of_people_become_plain_folders(username: str | None, model_name: str, folder: str) -> None:
    assert folder_name(username, model_name, ()) == folder


@given(username=st.none() | NAMES, model_name=NAMES, taken=st.lists(NAMES, max_size=5))
def test_a_folder_is_always_one_that_console_and_helper_take(
    username: str | None, model_name: str, taken: list[str]
) -> None:
    folder = folder_name(username, model_name, taken)
    assert PLAIN.fullmatch(folder)
    assert ON_THE_CAR.fullmatch(folder)
    assert len(folder) <= MAX_LETTERS
    assert not folder.startswith("Sample_")


@given(st.lists(st.tuples(NAMES, NAMES), max_size=12))
def test_no_two_models_share_a_folder_however_large_and_small_letters_are_read(models: list[tuple[str, str]]) -> None:
    taken: list[str] = []
    for username, model_name in models:
        taken.append(folder_name(username, model_name, taken))
    assert len({name.casefold() for name in taken}) == len(models)


def test_names_that_differ_only_in_dropped_letters_get_a_number() -> None:
    first = folder_name("a.b", "fast", ())
    second = folder_name("a_b", "Fast!", [first])
    third = folder_name("a-b", "FAST", [first, second])
    assert (first, second, third) == ("a-b-fast", "a-b-Fast-2", "a-b-FAST-3")


def test_a_number_takes_the_place_of_the_last_letters_of_a_long_name() -> None:
    whole = folder_name("ann", "m" * 100, ())
    assert len(whole) == MAX_LETTERS
    assert folder_name("ann", "m" * 100, [whole]) == whole[:-2] + "-2"


@given(username=NAMES, model_name=NAMES)
def test_a_bag_leads_back_to_its_folder(username: str, model_name: str) -> None:
    folder = folder_name(username, model_name, ())
    assert folder_of_bag(f"{folder}-20261122-093015") == folder


def test_a_folder_that_looks_like_a_bag_is_still_found() -> None:
    assert folder_of_bag("ann-run-20250101-120000-20261122-093015") == "ann-run-20250101-120000"


@pytest.mark.parametrize("name", ["", "ann-fast", "20261122-093015", "-20261122-093015", "ann-20261122"])
def test_what_is_no_bag_has_no_folder(name: str) -> None:
    assert folder_of_bag(name) is None
