"""docs/race.md says what the code does."""

import re

from race_drawing import PAGE, drawing, with_drawing

from timing.journal import Kind
from timing.race_table import TRANSITIONS


def test_docs_hold_the_table_of_the_code() -> None:
    page = PAGE.read_text()
    assert page == with_drawing(page), "Run: python tests/timing/race_drawing.py"


def test_drawing_holds_every_step() -> None:
    drawn = drawing()
    for state, kind in TRANSITIONS:
        assert re.search(rf"^\| {state} \| .*\b{kind}\b", drawn, re.MULTILINE), (state, kind)


def test_docs_name_every_kind_of_entry() -> None:
    page = PAGE.read_text()
    assert [kind for kind in Kind if f"`{kind}`" not in page.split("## What may happen")[0]] == []


def test_docs_number_their_invariants_as_the_tests_do() -> None:
    promises = PAGE.read_text().split("## What always holds")[1]
    assert re.findall(r"^(\d+)\. ", promises, re.MULTILINE) == [str(number) for number in range(1, 13)]
