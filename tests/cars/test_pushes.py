"""Models on their way to real sshds with the real helper: proven, gone on with, cancelled, and what people are told."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import asyncssh
import pytest

from appliance.errors import Conflict
from cars.car_history import CarNote
from cars.facts import PushesChanged
from cars.push_link import has_aes
from cars.push_rules import PushState
from cars.push_wire import NEWS
from cars.worker_wire import Beat
from tests.cars.push_box import METADATA_BYTES, MODEL_BYTES, PushBox, digest, push_box, sending
from tests.cars.small_car import BAD_WIFI, SmallCar
from tests.timing.sshd import needs_root, needs_sshd

pytestmark = [needs_root, needs_sshd, pytest.mark.xdist_group("pushes")]

PB = os.urandom(MODEL_BYTES)
LONG_AGO = "2001-01-01T00:00:00.000Z"


def is_whole(car: SmallCar, folder: str, pb: bytes = PB) -> bool:
    held = car.held(folder) or {}
    checksum = held.pop("checksum.txt", b"").strip().decode()
    return held == {"model.pb": pb, "model_metadata.json": METADATA_BYTES} and checksum == digest("md5", pb)


async def test_a_model_is_done_when_the_car_has_read_it_back(
    box: PushBox, car: SmallCar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cars.cars.now_iso", lambda: LONG_AGO)
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    await box.cars.missed(car_id)
    (push_id,) = await box.push(car_id, model_id)
    view = await box.ended(push_id)
    assert (view.state, view.reason) == (PushState.DONE, None)
    assert box.cars.get(car_id).is_online
    assert (view.folder, view.sent_bytes, view.tries) == ("ann-fast", view.size_bytes, 1)
    assert view.size_bytes == MODEL_BYTES + len(METADATA_BYTES)
    assert is_whole(car, "ann-fast")
    assert car.staged() == {}
    (line, *_) = await box.cars.history(car_id)
    assert (line.kind, line.details) == (CarNote.PUSHED, "A model was put on it.")
    assert line.at != LONG_AGO
    put_on = await box.pushes.put_on(car_id, line.at, line.at)
    assert {at: one.push_id for at, one in put_on.items()} == {line.at: push_id}


async def test_what_is_there_already_is_not_sent_again(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    (first,) = await box.push(car_id, model_id)
    await box.ended(first)
    installed = (car.artifacts / "ann-fast").stat().st_ino
    (car.artifacts / "ann-fast/model.xml").write_text("made by the car when it loaded it")
    (second,) = await box.push(car_id, model_id)
    view = await box.ended(second)
    assert (view.state, view.sent_bytes) == (PushState.ALREADY_THERE, 0)
    assert second != first
    assert (car.artifacts / "ann-fast").stat().st_ino == installed
    assert car.staged() == {}


async def test_a_model_whose_checksum_lies_is_sent_again(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    (first,) = await box.push(car_id, model_id)
    await box.ended(first)
    with (car.artifacts / "ann-fast/model.pb").open("r+b") as pb:
        pb.write(b"other")
    (second,) = await box.push(car_id, model_id)
    assert (await box.ended(second)).state is PushState.DONE
    assert is_whole(car, "ann-fast")


async def test_the_same_model_asked_for_twice_is_on_its_way_once(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    one, other = await asyncio.gather(box.push(car_id, model_id, model_id), box.push(car_id, model_id))
    assert one == other
    assert len(one) == 1
    await box.ended(one[0])


async def test_two_models_for_one_car_go_one_after_the_other(box: PushBox, car: SmallCar) -> None:
    car_id = await box.car(car)
    models = [await box.model("fast", PB), await box.model("slow", b"slow")]
    running: list[tuple[bool, ...]] = []
    push_ids: list[str] = []
    box.facts.subscribe(
        PushesChanged,
        lambda _: running.append(
            tuple((now := box.pushes.now(one)) is not None and now.is_ordered for one in push_ids)
        ),
    )
    push_ids += await box.push(car_id, *models)
    for push_id in push_ids:
        assert (await box.ended(push_id)).state is PushState.DONE
    assert {(True, False), (False, True)} <= set(running)
    assert (True, True) not in running
    assert is_whole(car, "ann-fast")
    assert is_whole(car, "ann-slow", b"slow")


async def test_a_killed_worker_costs_no_more_than_what_was_in_flight(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    car.limit(BAD_WIFI)
    frozen = box.at_first(lambda push: sending(push) and push.sent_bytes > MODEL_BYTES // 4, car.freeze)
    (push_id,) = await box.push(car_id, model_id)
    await frozen.wait()
    held = max(car.staged().values())
    started_at: list[int] = []
    box.at_first(
        lambda push: push.tries == 2 and (sending(push) or push.state is PushState.VERIFYING),
        lambda: started_at.append(now_sent(box, push_id)),
    )
    assert box.pushes.worker.pid is not None
    os.kill(box.pushes.worker.pid, 9)
    await box.until(push_id, lambda view: view.state is PushState.WAITING)
    car.thaw()
    view = await box.ended(push_id)
    assert (view.state, view.tries) == (PushState.DONE, 2)
    assert is_whole(car, "ann-fast")
    assert started_at[0] >= held > MODEL_BYTES // 4


def now_sent(box: PushBox, push_id: str) -> int:
    push = box.pushes.now(push_id)
    assert push is not None
    return push.sent_bytes


async def test_a_box_that_starts_again_goes_on_with_what_had_not_ended(
    tmp_path: Path, key: asyncssh.SSHKey, car: SmallCar
) -> None:
    async with push_box(tmp_path, key) as box:
        car_id, model_id = await box.car(car), await box.model("fast", PB)
        car.limit(BAD_WIFI)
        frozen = box.at_first(sending, car.freeze)
        (push_id,) = await box.push(car_id, model_id)
        await frozen.wait()
    car.thaw()
    assert car.staged()
    async with push_box(tmp_path, key) as box:
        assert (await box.ended(push_id)).state is PushState.DONE
    assert is_whole(car, "ann-fast")
    assert car.staged() == {}


async def test_a_car_whose_sshd_restarts_is_tried_again(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    car.limit(BAD_WIFI)
    killed = box.at_first(sending, car.kill)
    (push_id,) = await box.push(car_id, model_id)
    await killed.wait()
    view = await box.until(push_id, lambda view: view.state is PushState.WAITING and view.reason is not None)
    assert (view.reason or "").startswith("blue-1 is out of reach: ")
    assert view.remedy == "It is tried again by itself. Is it on, and in the Wi-Fi?"
    await asyncio.to_thread(car.start)
    view = await box.ended(push_id)
    assert view.state is PushState.DONE
    assert view.tries >= 2


async def test_a_car_that_never_comes_back_is_given_up(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", b"pb")
    await asyncio.to_thread(car.kill)
    (push_id,) = await box.push(car_id, model_id)
    await box.until(push_id, lambda view: view.reason is not None)
    box.later_ns = 600_000_000_000
    view = await box.ended(push_id)
    assert view.state is PushState.FAILED
    assert view.reason == "blue-1 is out of reach: connection refused. Given up after 10 minutes."
    assert view.remedy == "When the car is back, push again: it goes on where it stopped."


async def test_what_lies_wrong_in_the_stage_is_sent_again_from_the_beginning(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    car.limit(BAD_WIFI)
    frozen = box.at_first(sending, car.freeze)
    (push_id,) = await box.push(car_id, model_id)
    await frozen.wait()
    (staged,) = car.stages.glob("*/model.pb")
    with staged.open("r+b") as file:
        file.write(b"power cut")
    assert box.pushes.worker.pid is not None
    os.kill(box.pushes.worker.pid, 9)
    await box.until(push_id, lambda view: view.state is PushState.WAITING)
    car.thaw()
    assert (await box.ended(push_id)).state is PushState.DONE
    assert is_whole(car, "ann-fast")


async def test_a_full_car_is_told_before_the_first_byte(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    car.fill_disk(50_003_968)
    (push_id,) = await box.push(car_id, model_id)
    view = await box.ended(push_id)
    assert (view.state, view.sent_bytes) == (PushState.FAILED, 0)
    assert view.reason == "The disk of blue-1 is too full: 50 MB are free, 217 MB are needed."
    assert view.remedy == "Delete models and logs on blue-1, then push again."
    assert car.staged() == {}


async def test_a_disk_that_fills_up_on_the_way_is_called_full(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    car.limit(BAD_WIFI)

    def fill() -> None:
        car.freeze()
        car.fill_disk(0)
        car.thaw()

    box.at_first(sending, fill)
    (push_id,) = await box.push(car_id, model_id)
    view = await box.ended(push_id)
    assert view.state is PushState.FAILED
    assert (view.reason or "").startswith(("The disk of blue-1 is full.", "The disk of blue-1 is too full: "))
    assert view.remedy == "Delete models and logs on blue-1, then push again."
    assert car.staged() == {}
    assert car.held("ann-fast") is None


async def test_a_push_that_is_cancelled_leaves_nothing_on_the_car(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    for state in (PushState.CONNECTING, PushState.CHECKING, PushState.SENDING, PushState.VERIFYING):
        reached = box.at_first(lambda push, state=state: push.state is state, lambda: None)  # type: ignore[misc]
        (push_id,) = await box.push(car_id, model_id)
        await reached.wait()
        with contextlib.suppress(Conflict):  # It was quicker than the cancel.
            await box.pushes.cancel(push_id, "crew")
        view = await box.ended(push_id)
        if view.state is not PushState.DONE:
            assert view.state is PushState.CANCELLED
            assert car.held("ann-fast") is None
        assert view.state is PushState.CANCELLED or state in (PushState.SENDING, PushState.VERIFYING)
        assert car.staged() == {}
        shutil.rmtree(car.artifacts / "ann-fast", ignore_errors=True)


async def test_what_is_being_installed_is_finished_and_said_so(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    held = car.hold_installs()
    (push_id,) = await box.push(car_id, model_id)
    await box.until(push_id, lambda view: view.state is PushState.INSTALLING)
    await box.pushes.cancel(push_id, "crew")
    held.unlink()
    assert (await box.ended(push_id)).state is PushState.DONE
    assert is_whole(car, "ann-fast")


async def test_a_push_that_waits_is_cancelled_at_once(box: PushBox, car: SmallCar) -> None:
    car_id = await box.car(car)
    await asyncio.to_thread(car.kill)
    (push_id,) = await box.push(car_id, await box.model("fast", b"pb"))
    await box.until(push_id, lambda view: view.reason is not None)
    await box.pushes.cancel(push_id, "crew")
    view = await box.ended(push_id)
    assert (view.state, view.reason) == (PushState.CANCELLED, None)


async def test_what_a_cancelled_push_left_on_a_lost_car_goes_when_it_is_back(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    car.limit(BAD_WIFI)
    killed = box.at_first(sending, car.kill)
    (push_id,) = await box.push(car_id, model_id)
    await killed.wait()
    await box.until(push_id, lambda view: view.state is PushState.WAITING)
    await box.pushes.cancel(push_id, "crew")
    assert (await box.ended(push_id)).state is PushState.CANCELLED
    assert car.staged()
    await asyncio.to_thread(car.start)
    await box.cars.missed(car_id)
    await box.cars.seen(car_id)
    async with asyncio.timeout(60):
        while car.staged():  # noqa: ASYNC110  the car's disk tells nobody
            await asyncio.sleep(0.05)


async def test_a_car_that_says_no_is_sent_nothing_and_told_to_be_paired_again(
    box: PushBox, car: SmallCar, key: asyncssh.SSHKey
) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", b"pb")

    async def told() -> tuple[str | None, str | None]:
        (push_id,) = await box.push(car_id, model_id)
        view = await box.ended(push_id)
        assert (view.state, car.held("ann-fast")) == (PushState.FAILED, None)
        return view.reason, view.remedy

    car.helper.unlink()
    assert await told() == (
        "blue-1 lets the box in, but not install anything.",
        "Pair it again under Cars.",
    )
    car.authorize()
    assert await told() == ("blue-1 does not let the box in.", "Pair it again under Cars.")
    await box.car(car, host_key=" ".join(key.export_public_key().decode().split()[:2]))
    assert await told() == (
        f"What answers at {car.host} shows another host key than blue-1 had: nothing was sent.",
        "If blue-1 was flashed anew, pair it again under Cars.",
    )


async def test_a_model_that_changed_on_the_box_is_never_installed(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", PB)
    (await box.models.files(model_id)).pb.write_bytes(PB[::-1])
    (push_id,) = await box.push(car_id, model_id)
    view = await box.ended(push_id)
    assert view.state is PushState.FAILED
    assert view.reason == "The model arrived damaged on blue-1, twice."
    assert car.held("ann-fast") is None
    assert car.staged() == {}


async def test_a_model_that_is_deleted_while_it_waits_is_not_sent(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", b"pb")
    await asyncio.to_thread(car.kill)
    (push_id,) = await box.push(car_id, model_id)
    await box.until(push_id, lambda view: view.reason is not None)
    await box.models.delete(model_id, "ann")
    await asyncio.to_thread(car.start)
    view = await box.ended(push_id)
    assert (view.state, view.reason) == (PushState.FAILED, "fast was deleted.")


async def test_the_inventory_is_read_from_the_car(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", b"pb")
    (car.artifacts / "Sample_single_cam").mkdir()
    (push_id,) = await box.push(car_id, model_id)
    await box.ended(push_id)
    held = await box.pushes.models_on(car_id)
    assert [(model.folder, model.model_id, model.is_sample) for model in held.models] == [
        ("Sample_single_cam", None, True),
        ("ann-fast", model_id, False),
    ]
    assert held.models[1].checksum == digest("md5", b"pb")
    (car.artifacts / "ann-fast").rename(car.artifacts / "other")
    assert [model.folder for model in (await box.pushes.models_on(car_id)).models] == ["Sample_single_cam", "other"]


async def test_the_folder_of_a_forgotten_racer_goes_with_their_name(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car), await box.model("fast", b"pb")
    (push_id,) = await box.push(car_id, model_id)
    racer_id = (await box.ended(push_id)).racer_id
    assert racer_id is not None
    await box.people.forget(racer_id, "test")
    await box.pushes.stop()
    view = await box.pushes.get(push_id)
    assert (view.folder, view.model_name) == (None, "model")


@pytest.mark.parametrize(
    ("cpu_info", "has"),
    [
        ("model name\t: Intel(R) Atom(TM)\nflags\t\t: fpu sse2 aes avx\n", True),
        ("processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 cpuid\n", True),
        ("processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\n", False),
        ("model name\t: one that talks of aes\nflags\t\t: fpu\n", False),
    ],
)
def test_gcm_comes_first_only_where_the_cpu_has_aes(tmp_path: Path, cpu_info: str, has: bool) -> None:
    (tmp_path / "cpuinfo").write_text(cpu_info)
    assert has_aes(tmp_path / "cpuinfo") is has
    assert not has_aes(tmp_path / "no such file")


def test_a_worker_whose_server_is_gone_ends(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "cars.push_worker", "--data", str(tmp_path)]
    with subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno()) as worker:
        theirs.close()
        with ours.makefile("rb") as news:
            assert isinstance(NEWS.decode(news.readline()), Beat)
        ours.close()
        assert worker.wait(60) == 0
