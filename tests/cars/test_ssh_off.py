"""
A car that is on while its SSH is not: what the push and the command say, and what brings them on.

A stock car that was flashed anew has SSH off until it is paired again; its console answers from the first start.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.errors import NotReady
from cars.command_rules import Ask
from cars.lines import Lines
from cars.push_rules import PushState
from cars.push_structs import PushView
from tests.cars.hall import needs_hall
from tests.cars.push_box import PushBox
from tests.cars.small_car import SmallCar
from tests.cars.whole_way import Json, whole_way
from tests.timing.sshd import needs_root, needs_sshd

pytestmark = [needs_root, needs_sshd, pytest.mark.xdist_group("pushes")]

PB = b"a frozen graph" * 10_000
NO_SSH = "Blue 1 is on, but its SSH does not answer."
TRIED = "It is tried again by itself. If it was flashed anew, pair it again under Cars."
ASK_AGAIN = "Ask again in a moment. If it was flashed anew, pair it again under Cars."
ON_THE_OLD_LINE = "Blue 1 did not answer within 20 s."
"""As long as nobody has noticed that the line from before is dead; over one that broke a stop is asked once more."""


@contextmanager
def web_server(car: SmallCar, name: str = "deepracer.io") -> Iterator[None]:
    """Something on the car answers at 443, with a certificate of this name: every car's console has deepracer.io."""
    own_key, certificate = car.directory / "web.key", car.directory / "web.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}"]
    made = ["openssl", "req", "-x509", *kind, "-keyout", str(own_key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    served = ["openssl", "s_server", "-accept", "443", "-key", str(own_key), "-cert", str(certificate)]
    command = [*car.cable.over_there, *served]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        assert server.stdout is not None
        try:
            assert any(line.strip() == b"ACCEPT" for line in server.stdout), "it listens once it says so"
            yield
        finally:
            server.kill()


def waits(view: PushView) -> bool:
    return view.state is PushState.WAITING and view.reason is not None


async def test_a_push_says_that_the_car_is_on_and_is_done_once_ssh_answers(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car, "Blue 1"), await box.model("fast", PB)
    await asyncio.to_thread(car.kill)
    with web_server(car):
        (push_id,) = await box.push(car_id, model_id)
        view = await box.until(push_id, waits)
        assert (view.reason, view.remedy) == (NO_SSH, TRIED)
        await asyncio.to_thread(car.start)
        view = await box.ended(push_id)
    assert (view.state, view.reason, view.tries > 1) == (PushState.DONE, None, True)
    assert (car.held("ann-fast") or {})["model.pb"] == PB


async def test_it_is_given_up_like_any_other_that_does_not_answer(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car, "Blue 1"), await box.model("fast", PB)
    await asyncio.to_thread(car.kill)
    with web_server(car):
        (push_id,) = await box.push(car_id, model_id)
        await box.until(push_id, waits)
        box.later_ns = 600_000_000_000
        view = await box.ended(push_id)
    assert (view.state, view.reason) == (PushState.FAILED, f"{NO_SSH} Given up after 10 minutes.")


async def test_another_machine_with_a_web_server_is_not_taken_for_the_car(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car, "Blue 1"), await box.model("fast", PB)
    await asyncio.to_thread(car.kill)
    with web_server(car, "printer.example"):
        (push_id,) = await box.push(car_id, model_id)
        view = await box.until(push_id, waits)
    assert view.reason == "Blue 1 is out of reach: connection refused."


async def test_the_new_key_of_a_car_that_is_being_paired_again_is_waited_for(box: PushBox, car: SmallCar) -> None:
    car_id, model_id = await box.car(car, "Blue 1"), await box.model("fast", PB)
    await asyncio.to_thread(car.kill)
    with web_server(car):
        (push_id,) = await box.push(car_id, model_id)
        await box.until(push_id, waits)
        car.new_host_key()
        await asyncio.to_thread(car.start)
        view = await box.until(push_id, lambda view: waits(view) and view.reason != NO_SSH)
    assert view.reason == f"What answers at {car.host} shows another host key than Blue 1 had: nothing was sent."
    assert view.remedy == "If Blue 1 was flashed anew, pair it again under Cars: then this goes on by itself."
    assert car.held("ann-fast") is None
    assert await box.car(car, "Blue 1") == car_id, "paired again: the same car with its new key"
    view = await box.ended(push_id)
    assert (view.state, view.reason) == (PushState.DONE, None)
    assert (car.held("ann-fast") or {})["model.pb"] == PB


async def test_a_command_says_that_the_car_is_on(box: PushBox, car: SmallCar) -> None:
    car_id = await box.car(car, "Blue 1")
    lines = Lines(box.facts, box.cars, box.directory)
    await asyncio.to_thread(car.kill)
    try:
        with web_server(car), pytest.raises(NotReady) as told:
            await lines.call(box.cars.get(car_id), Ask(verb="battery"))
    finally:
        await lines.stop()
    assert (told.value.message, told.value.remedy) == (NO_SSH, ASK_AGAIN)


@needs_hall
@pytest.mark.faults
@pytest.mark.timeout(400)
async def test_a_flashed_stock_car_is_said_to_be_on_and_gets_its_push_once_it_is_paired_again(tmp_path: Path) -> None:
    async with whole_way(tmp_path) as way:
        car = await way.car("stock_20")
        car_id, model = await way.paired(car), await way.model()
        await car.reflash()
        push_id = await way.push(car_id, model)

        def is_waiting(push: Json) -> bool:
            return bool(push["state"] == "waiting" and push["reason"])

        push = await way.push_that(push_id, is_waiting)
        assert (push["reason"], push["remedy"]) == (NO_SSH, TRIED)
        while (stop := await way.tell(car_id, "stop"))["answer"] != NO_SSH:
            assert stop["answer"] == ON_THE_OLD_LINE
        assert (stop["state"], stop["remedy"]) == ("failed", ASK_AGAIN)
        view = await way.pairing(car, "Blue 1")
        assert view["asks"]["car_id"] == car_id, view
        assert (await way.ask("GET", f"/api/pushes/{push_id}"))["ended_at"] is None
        await way.ask("POST", f"/api/cars/pairings/{view['pairing_id']}/trust")
        push = await way.ended(push_id)
        assert (push["state"], push["reason"]) == ("done", None)
        await way.holds(car_id, car, model)
