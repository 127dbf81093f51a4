"""Pushes to stand-in cars that were paired from their stickers: PAM, sudo, firewall and users as on real ones."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance import ssh
from cars.enrolment import enrol
from cars.push_rules import PushState
from tests.cars.hall import Car, Hall, needs_hall
from tests.cars.push_box import PushBox, push_box, sending
from tests.cars.test_enrolment import give_serial, order_for

pytestmark = needs_hall

OPT_BYTES = 400_000_000
PB = bytes(range(256)) * 20_000


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with Hall() as built:
        yield built


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[PushBox]:
    key = await asyncio.to_thread(ssh.load_key, tmp_path)
    async with push_box(tmp_path, key) as opened:
        yield opened


async def paired(box: PushBox, hall: Hall, profile: str, name: str) -> tuple[Car, str]:
    """A stand-in of this kind, paired as the crew pairs one."""
    car = await hall.car(profile, opt_bytes=OPT_BYTES)
    give_serial(car)
    known = {"password": car.password} if profile == "stock_20_drem" else {}
    found = await enrol(order_for(car, box.directory, **known), lambda _: None)
    enrolled = await box.cars.add_enrolled(
        serial=found.serial,
        name=name,
        platform=found.platform,
        username=car.username,
        host_key=found.host_key,
        address=car.address,
        actor="test",
    )
    return car, enrolled.car_id


def is_whole(car: Car, folder: str) -> bool:
    path = car.artifacts / folder
    return (
        sorted(file.name for file in path.iterdir()) == ["checksum.txt", "model.pb", "model_metadata.json"]
        and (path / "model.pb").read_bytes() == PB
    )


async def test_paired_cars_of_two_kinds_take_a_model_over_bad_wi_fi_and_again_after_a_usb_stick(
    box: PushBox, hall: Hall
) -> None:
    pairs = [await paired(box, hall, kind, kind) for kind in ("stock_20", "pi")]
    model_id = await box.model("fast", PB)
    for car, _ in pairs:
        await car.slow(kbit_s=100_000, loss_percent=1)
    push_ids = [(await box.push(car_id, model_id))[0] for _, car_id in pairs]
    for push_id, (car, _) in zip(push_ids, pairs, strict=True):
        view = await box.ended(push_id)
        assert (view.state, view.reason) == (PushState.DONE, None)
        assert is_whole(car, "ann-fast")
        assert (await car.run("stat -c %U:%a /opt/aws/deepracer/artifacts/ann-fast/*")).out.split() == ["root:644"] * 3
        assert list(car.path("/opt/aws/deepracer/.trackside").glob("[0-9a-f]*")) == []
    car, car_id = pairs[0]
    await car.usb_wipe()
    assert [model.folder for model in (await box.pushes.models_on(car_id)).models if model.model_id] == []
    (again,) = await box.push(car_id, model_id)
    assert (await box.ended(again)).state is PushState.DONE
    assert is_whole(car, "ann-fast")


@pytest.mark.faults
async def test_a_car_that_drives_out_of_reach_and_comes_back_elsewhere_goes_on(box: PushBox, hall: Hall) -> None:
    car, car_id = await paired(box, hall, "stock_20", "blue-1")
    model_id = await box.model("fast", PB)
    await car.slow(kbit_s=20_000)
    reached = box.at_first(sending, lambda: None)
    (push_id,) = await box.push(car_id, model_id)
    await reached.wait()
    await car.link_down()
    view = await box.until(push_id, lambda view: view.state is PushState.WAITING and view.reason is not None)
    assert view.reason == "blue-1 is out of reach: it stopped answering."
    await car.new_address()
    await car.link_up()
    await box.cars.seen(car_id, address=car.address)
    assert (await box.ended(push_id)).state is PushState.DONE
    assert is_whole(car, "ann-fast")


@pytest.mark.faults
async def test_a_helper_that_is_killed_between_its_renames_leaves_a_whole_model_after_the_next_push(
    box: PushBox, hall: Hall
) -> None:
    car, car_id = await paired(box, hall, "community_20", "blue-1")
    model_id = await box.model("fast", PB)
    await car.kill_at_rename(1)
    (push_id,) = await box.push(car_id, model_id)
    await box.until(push_id, lambda view: view.reason is not None or view.state is PushState.DONE)
    await car.mend_helper()
    view = await box.ended(push_id)
    if view.state is not PushState.DONE:
        (push_id,) = await box.push(car_id, model_id)
        view = await box.ended(push_id)
    assert view.state in (PushState.DONE, PushState.ALREADY_THERE)
    assert is_whole(car, "ann-fast")
