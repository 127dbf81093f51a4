"""Which model a racer races with, and the words where there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cars.model_choice import meant_for, to_race
from cars.model_structs import ModelStatus, ModelView

FIT = ModelStatus.AVAILABLE


def model(
    name: str,
    status: ModelStatus = FIT,
    *,
    model_id: str | None = None,
    chosen_at: str | None = None,
    is_box: bool = False,
    reason: str | None = None,
) -> ModelView:
    return ModelView(
        model_id=model_id or name,
        racer_id=None if is_box else "ann",
        username=None if is_box else "ann",
        name=name,
        file_name=f"{name}.tar.gz",
        status=status,
        size_bytes=1,
        archive_sha256="0" * 64,
        uploaded_at="then",
        reason=reason,
        remedy="Train it with a camera." if reason else None,
        facts=None,
        chosen_at=chosen_at,
    )


models = st.lists(
    st.builds(
        model,
        st.sampled_from("abc"),
        st.sampled_from(ModelStatus),
        model_id=st.uuids().map(str),
        chosen_at=st.none() | st.sampled_from(["2026-01-01", "2026-01-02"]),
    ),
    max_size=6,
)


def test_the_newest_is_meant_until_one_is_chosen() -> None:
    old, new = model("old", model_id="1"), model("new", model_id="2")
    chosen = model("old", model_id="1", chosen_at="2026-01-01")

    assert to_race([new, old]) == new
    assert to_race([new, chosen]) == chosen


def test_of_two_choices_after_a_merge_the_later_counts() -> None:
    first, second = model("a", chosen_at="2026-01-01"), model("b", chosen_at="2026-01-02")

    assert to_race([first, second]) == to_race([second, first]) == second


def test_a_choice_that_no_car_could_drive_any_more_does_not_count() -> None:
    gone = model("gone", ModelStatus.QUARANTINED, chosen_at="2026-01-02")

    assert to_race([gone, model("fit")]) == model("fit")


@given(models)
def test_only_what_a_car_could_drive_is_meant_and_always_if_there_is_any(all_of_them: list[ModelView]) -> None:
    meant = to_race(all_of_them)

    assert (meant is None) == all(one.status is not FIT for one in all_of_them)
    assert meant is None or (meant in all_of_them and meant.status is FIT)


def test_who_has_no_model_gets_one_of_the_box() -> None:
    box = model("default", is_box=True)

    assert meant_for([], [box]).model == box
    assert meant_for([model("own")], [box]).model == model("own")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            [],
            "No model yet, and the box has none for walk-ups."
            " Upload one under Models, or let the racer do it under My models.",
        ),
        (
            [model("new", ModelStatus.UPLOADED), model("z", ModelStatus.NOT_VALID, reason="No camera.")],
            "new is still being looked into. Wait some seconds.",
        ),
        (
            [model("lidar", ModelStatus.NOT_VALID, reason="No camera.")],
            "lidar cannot be used: No camera."
            " Its page under Models says what to do. Until then choose a model of the box by hand.",
        ),
    ],
    ids=["none", "checking", "not-valid"],
)
def test_without_a_model_it_is_said_why_and_what_to_do(own: list[ModelView], said: str) -> None:
    boxes = [model("default", is_box=True)] if own else []

    meant = meant_for(own, boxes)

    assert meant.model is None
    assert f"{meant.why} {meant.remedy}" == said
