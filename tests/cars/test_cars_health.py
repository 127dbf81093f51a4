"""What the report says of cars, pushes and room: in words, with what to do."""

from datetime import UTC, datetime, timedelta

from appliance.health import Check
from cars.cars_health import check_keys, check_pushes, check_room
from cars.push_rules import PushState
from cars.push_structs import PushView

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANSWERS = Check(ok=True, message="All 3 cars answer.")


def push(state: PushState, minutes_ago: int, car: str = "Blue 1") -> PushView:
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    is_failed = state is PushState.FAILED
    return PushView(
        push_id=f"{car}-{minutes_ago}",
        car_id=car,
        car_name=car,
        model_id="m",
        model_name="fast",
        racer_id=None,
        folder=None,
        state=state,
        size_bytes=1,
        sent_bytes=0,
        bytes_per_s=0,
        tries=1,
        reason="Its disk is full." if is_failed else None,
        remedy="Delete models on it." if is_failed else None,
        actor="crew",
        created_at=at,
        started_at=at,
        ended_at=at,
        is_cancelling=False,
    )


def test_cars_that_show_the_keys_they_were_paired_with_are_no_news() -> None:
    assert check_keys(ANSWERS, []) is ANSWERS


def test_a_new_host_key_is_named_with_what_to_do() -> None:
    check = check_keys(ANSWERS, ["Blue 1"])
    assert check.ok
    assert check.message == "All 3 cars answer. Blue 1 shows another host key than it did when paired."
    assert check.remedy.startswith("Open it under Cars: if it was flashed, trust its new key there;")


def test_one_failed_push_is_a_warning_with_its_own_remedy() -> None:
    ended = [push(PushState.DONE, 1), push(PushState.FAILED, 2), push(PushState.DONE, 3)]
    check = check_pushes(ended, NOW)
    assert check == Check(
        ok=True,
        message="1 of 3 pushes failed in the last half hour: to Blue 1.",
        remedy="Its disk is full. Delete models on it.",
    )


def test_three_in_a_row_need_a_hand() -> None:
    ended = [push(PushState.FAILED, minutes, f"Blue {minutes}") for minutes in (1, 2, 3)]
    check = check_pushes([*ended, push(PushState.DONE, 4)], NOW)
    assert not check.ok
    assert check.message == "The last 3 pushes failed, 3 in the last half hour: to Blue 1, Blue 2, Blue 3."


def test_what_was_cancelled_or_long_ago_does_not_count() -> None:
    ended = [push(PushState.CANCELLED, 1), push(PushState.DONE, 2), push(PushState.FAILED, 31)]
    assert check_pushes(ended, NOW).message == "No push failed in the last half hour."


def test_room_for_models_is_told_before_it_ends() -> None:
    assert check_room(50_000_000_000) == Check(ok=True, message="Models and logs may take 50000 MB more.")
    assert check_room(500_000_000).remedy == "Delete old models, logs or backups."
    full = check_room(-1)
    assert (full.ok, full.message) == (
        True,
        "There is no room for models and logs any more: what is left belongs to the timing.",
    )
