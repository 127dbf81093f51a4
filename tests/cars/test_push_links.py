"""Lines to cars that are kept after a push: used again, not trusted blindly, and never one to another car."""

import asyncio

import pytest

from cars.push_rules import PushState
from tests.cars.push_box import PushBox, digest
from tests.cars.small_car import SmallCar
from tests.timing.sshd import needs_root, needs_sshd

pytestmark = [needs_root, needs_sshd, pytest.mark.xdist_group("pushes")]

PB = b"a frozen graph" * 10_000


def signed_in(car: SmallCar) -> int:
    return car.log.count("Accepted publickey")


async def test_the_next_push_goes_over_the_line_of_the_last(box: PushBox, car: SmallCar) -> None:
    car_id = await box.car(car)
    for name, pb in (("fast", PB), ("slow", PB[::-1]), ("fast", PB)):
        (push_id,) = await box.push(car_id, await box.model(name, pb))
        assert (await box.ended(push_id)).state is not PushState.FAILED
    assert signed_in(car) == 1
    assert (car.held("ann-fast") or {})["model.pb"] == PB


async def test_a_model_that_was_touched_is_sent_again_over_the_same_line(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    for state in (PushState.DONE, PushState.ALREADY_THERE):
        (push_id,) = await box.push(car_id, model_id)
        assert (await box.ended(push_id)).state is state
    with (car.artifacts / "ann-fast/model.pb").open("r+b") as pb:
        pb.write(b"other")
    (push_id,) = await box.push(car_id, model_id)
    assert (await box.ended(push_id)).state is PushState.DONE
    assert digest("md5", (car.held("ann-fast") or {})["model.pb"]) == digest("md5", PB)
    assert signed_in(car) == 1


async def test_a_line_that_broke_meanwhile_costs_no_try(box: PushBox, car: SmallCar) -> None:
    car_id = await box.car(car)
    (first,) = await box.push(car_id, await box.model("fast", PB))
    assert (await box.ended(first)).state is PushState.DONE
    await asyncio.to_thread(car.kill)
    await asyncio.to_thread(car.start)
    (second,) = await box.push(car_id, await box.model("slow", PB[::-1]))
    view = await box.ended(second)
    assert (view.state, view.tries, signed_in(car)) == (PushState.DONE, 1, 2)


async def test_a_helper_that_was_renewed_is_not_asked_over_the_old_line(box: PushBox, car: SmallCar) -> None:
    car_id = await box.car(car)
    (first,) = await box.push(car_id, await box.model("fast", PB))
    assert (await box.ended(first)).state is PushState.DONE
    text = car.helper.read_bytes()
    car.helper.unlink()
    car.helper.write_bytes(text)
    car.helper.chmod(0o755)
    (second,) = await box.push(car_id, await box.model("slow", PB[::-1]))
    view = await box.ended(second)
    assert (view.state, view.tries, signed_in(car)) == (PushState.DONE, 1, 2)


async def test_a_car_with_a_copied_host_key_is_sent_nothing(box: PushBox, car: SmallCar) -> None:
    car_id = await box.car(car, serial="AMSS-ELSE")
    (push_id,) = await box.push(car_id, await box.model("fast", PB))
    view = await box.ended(push_id)
    assert (view.state, view.sent_bytes) == (PushState.FAILED, 0)
    assert view.reason == f"Another car answers at {car.host}, with the host key of blue-1: nothing was sent."
    assert view.remedy == (
        "Cars that were flashed from one copied image show one key. Flash one of them anew, then pair it again."
    )
    assert car.held("ann-fast") is None
    assert car.staged() == {}
