"""The wizard's steps: which one is next, and how the address holds the answers."""

import pytest

from cars.push_rules import PushState
from timing.structs import RaceState
from web.pages.staff.wizard_flow import NONE, Asked, Step, step_of

WHOLE = Asked(racer_id="r", car_id="c", model_id="m", push_id="p")


@pytest.mark.parametrize(
    ("asked", "push", "step"),
    [
        (Asked(), None, Step.RACER),
        (Asked(racer_id="r"), None, Step.CAR),
        (Asked(racer_id="r", car_id=NONE), None, Step.MODEL),
        (Asked(racer_id="r", car_id=NONE, model_id=NONE), None, Step.RACE),
        (Asked(racer_id="r", car_id=NONE, model_id="m"), None, Step.RACE),
        (Asked(racer_id="r", car_id="c", model_id=NONE), None, Step.RACE),
        (Asked(racer_id="r", car_id="c", model_id="m"), None, Step.PUSH),
        (Asked(car_id="c", model_id="m"), None, Step.RACER),
        (WHOLE, PushState.SENDING, Step.PUSH),
        (WHOLE, PushState.FAILED, Step.PUSH),
        (WHOLE, PushState.CANCELLED, Step.PUSH),
        (WHOLE, PushState.DONE, Step.RACE),
        (WHOLE, PushState.ALREADY_THERE, Step.RACE),
        (Asked(racer_id="r", car_id="c", model_id="m", go="1"), PushState.SENDING, Step.RACE),
    ],
)
def test_the_first_step_without_an_answer_is_next(asked: Asked, push: PushState | None, step: Step) -> None:
    assert step_of(asked, push, None) is step


@pytest.mark.parametrize(
    ("wanted", "step"),
    [("racer", Step.RACER), ("car", Step.CAR), ("push", Step.PUSH), ("submit", Step.RACE), ("nonsense", Step.RACE)],
)
def test_one_may_go_back_to_any_step_and_ahead_to_none(wanted: str, step: Step) -> None:
    asked = Asked(racer_id="r", car_id="c", model_id="m", push_id="p", step=wanted)
    assert step_of(asked, PushState.DONE, None) is step


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (RaceState.READY, Step.RACE),
        (RaceState.RUNNING, Step.RACE),
        (RaceState.PAUSED, Step.RACE),
        (RaceState.OVER, Step.SUBMIT),
        (RaceState.SUBMITTED, Step.SUBMIT),
        (RaceState.DISCARDED, Step.SUBMIT),
    ],
)
def test_once_the_race_is_made_it_says_where_the_flow_stands(state: RaceState, step: Step) -> None:
    assert step_of(Asked(racer_id="r", step="car"), None, state) is step


def test_an_address_says_what_it_was_made_of_and_passes_over_the_rest() -> None:
    asked = Asked.of({"racer_id": " r ", "car_id": "x" * 500, "theme": "dark"})
    assert asked == Asked(racer_id="r", car_id="x" * 64)
    assert Asked(racer_id="a b", new="1").link(go="1") == "?racer_id=a+b&go=1&new=1"
    assert Asked(racer_id="r").link(racer_id="") == ""
    assert Asked(racer_id="r", step="car", new="1").fields("step") == [("racer_id", "r"), ("new", "1")]
