"""A slice of the fuzzing (tests/cars/fuzz_archives.py runs millions), and that it would notice."""

import os

import pytest

from cars.inspection import Unfit
from tests.cars import fuzz_archives
from tests.cars.archive_mutants import mutant, seeds
from tests.cars.fuzz_archives import fuzz


def test_mutants_are_taken_or_refused_in_words() -> None:
    tally = fuzz(20_261_122, 2_000)
    assert tally.finds == []
    assert tally.mutants == 2_000
    assert tally.fit > 100
    assert len(tally.reasons) > 30


def test_a_mutant_is_the_same_each_time() -> None:
    pool = seeds()
    assert [mutant(1, number, pool) for number in range(50)] == [mutant(1, number, pool) for number in range(50)]
    assert len({mutant(1, number, pool) for number in range(50)}) > 40


@pytest.mark.parametrize(
    ("fault", "find"),
    [
        (lambda *_: 1 / 0, "crash: ZeroDivisionError('division by zero')"),
        (
            lambda *_: os.listdir("/") and (_ for _ in ()).throw(Unfit("This is long enough.", "So is this one.")),
            "touch",
        ),
        (lambda *_: all(iter(lambda: True, False)), "hang"),
        (lambda *_: (_ for _ in ()).throw(Unfit("no", "So is this one.")), "words: 'no'"),
    ],
)
def test_the_fuzzing_notices_what_it_looks_for(monkeypatch: pytest.MonkeyPatch, fault: object, find: str) -> None:
    monkeypatch.setattr(fuzz_archives, "look_into", fault)
    monkeypatch.setattr(fuzz_archives, "HANG_S", 0.5)
    ((number, found),) = fuzz(1, 1).finds
    assert number == 0
    assert found.startswith(find)
