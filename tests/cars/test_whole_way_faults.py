"""
The whole way under everything that goes wrong at a track: what is said is exact, nothing is said to be done that is
not, and once the fault is mended it succeeds, by itself or by what the box said to do.
"""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.host_keys import fingerprint
from tests.cars.hall import needs_hall
from tests.cars.hall_faults import ARTIFACTS
from tests.cars.whole_way import WHITE, Json, Way, held_by, whole_way

pytestmark = [needs_hall, pytest.mark.faults, pytest.mark.timeout(400)]

BIG = 4_000_000
BLUE = [0, 0, 9_999_825]
NO_SSH = "Blue 1 is on, but its SSH does not answer."


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Way]:
    async with whole_way(tmp_path) as opened:
        yield opened


def is_sending(push: Json) -> bool:
    return bool(push["state"] == "sending" and 0 < push["sent_bytes"] < push["size_bytes"])


def waits(push: Json) -> bool:
    return bool(push["state"] == "waiting" and push["reason"])


@pytest.mark.parametrize(("kbit_s", "loss_percent"), [(50_000, 2), (4_000, 0)], ids=["loss", "rate limit"])
async def test_bad_wifi_delays_everything_and_spoils_nothing(way: Way, kbit_s: int, loss_percent: float) -> None:
    car = await way.car("stock_20")
    await car.slow(kbit_s=kbit_s, loss_percent=loss_percent)
    car_id, model = await way.paired(car), await way.model()
    await way.pushed(car_id, car, model)
    await way.raced(car_id, car, model)


async def test_a_car_that_drives_out_of_reach_in_mid_transfer_goes_on_where_it_was(way: Way) -> None:
    car = await way.car("community_24")
    car_id, model = await way.paired(car), await way.model(pb_bytes=BIG)
    await car.slow(kbit_s=8_000)
    push_id = await way.push(car_id, model)
    await way.push_that(push_id, is_sending)
    await car.link_down()
    push = await way.push_that(push_id, waits)
    # By the try that is looked at: the line that was lost, or a new one that leads nowhere.
    why = {"it stopped answering", "no route to host", "it does not answer"}
    assert push["reason"] in {f"Blue 1 is out of reach: {reason}." for reason in why}
    assert push["remedy"] == "It is tried again by itself. Is it on, and in the Wi-Fi?"
    assert held_by(car, model) is None
    await car.slow()
    await car.link_up()
    push = await way.ended(push_id)
    assert (push["state"], push["tries"] > 1) == ("done", True)
    await way.holds(car_id, car, model)
    await way.raced(car_id, car, model)


async def test_a_car_out_of_reach_at_the_end_of_its_race_is_not_said_to_stand(way: Way) -> None:
    car = await way.car("community_20")
    car_id, model = await way.paired(car), await way.model()
    await way.pushed(car_id, car, model)
    race = await way.race(car_id, model)
    await way.told(car_id, "Light red")
    await way.did(car_id, "load_model", folder=model.folder)
    await way.did(car_id, "start_driving")
    await car.link_down()
    race = await way.act(race, "start", "lap", "end", "submit")
    assert race["state"] == "submitted", "no race waits for a car"
    stop = await way.tell(car_id, "stop")
    # Whichever is noticed first: that nothing answers, or that the connection is dead.
    silent = "Blue 1 did not answer within 20 s.", "Look whether it is on and in reach of the Wi-Fi, then ask again."
    broken = "The connection to Blue 1 broke.", "Try again once it is there."
    assert stop["state"] == "failed"
    assert (stop["answer"], stop["remedy"]) in {silent, broken}
    assert await car.get("is_driving")
    await car.link_up()
    await way.is_online(car_id)
    await way.did(car_id, "stop")
    assert not await car.get("is_driving")


async def test_a_car_with_a_new_address_is_found_there_and_goes_on(way: Way) -> None:
    car = await way.car("stock_20")
    car_id, model = await way.paired(car), await way.model()
    address = await car.new_address()
    await way.ask("POST", "/api/cars/look", {}, status=202)
    await way.is_online(car_id, at=address)
    await way.pushed(car_id, car, model)
    await way.raced(car_id, car, model)


async def test_two_cars_of_one_name_are_two_cars(way: Way) -> None:
    one, other = await way.car("community_20"), await way.car("community_20")
    await other.same_name_as(one)
    one_id, other_id = await way.paired(one, ""), await way.paired(other, "")
    names = [car["name"] for car in await way.ask("GET", "/api/cars")]
    assert names == ["deepracer", "deepracer 2"]
    mine, theirs = await way.model(1), await way.model(2)
    await way.pushed(one_id, one, mine)
    await way.pushed(other_id, other, theirs)
    assert (held_by(one, theirs), held_by(other, mine)) == (None, None)
    await way.raced(one_id, one, mine)
    assert await other.get("light") == BLUE
    await way.raced(other_id, other, theirs)


async def test_a_flashed_car_gets_nothing_before_somebody_trusts_its_new_key(way: Way) -> None:
    car = await way.car("community_20")
    car_id, model = await way.paired(car), await way.model()
    await way.pushed(car_id, car, model)
    known = car.host_key
    await car.reflash()
    push = await way.ended(await way.push(car_id, model))
    assert push["state"] == "failed"
    assert held_by(car, model) is None
    light = await way.tell(car_id, "light", light="red")
    assert light["state"] == "failed"
    assert await car.get("light") == BLUE

    view = await way.pairing(car, "Blue 1")
    assert (view["car_id"], view["message"]) == (None, None)
    shown = {"known": fingerprint(known), "shown": fingerprint(car.host_key)}
    assert view["asks"] == {"car_id": car_id, "name": "Blue 1", "serial": car.serial, **shown}
    assert (await way.tell(car_id, "stop"))["state"] == "failed"
    view = await way.ask("POST", f"/api/cars/pairings/{view['pairing_id']}/trust")
    assert view["car_id"] == car_id
    await way.pushed(car_id, car, model)
    await way.raced(car_id, car, model)
    told = f"Its new host key is trusted: {shown['shown']} instead of {shown['known']}."
    assert ("reflashed", told) in await way.history(car_id)


async def test_new_keys_on_a_car_that_still_knows_the_box_are_trusted_with_one_tap(way: Way) -> None:
    car = await way.car("stock_20_drem")
    car_id, model = await way.paired(car), await way.model()
    await car.call("new_host_keys")
    await car.call("restart_sshd")
    push = await way.ended(await way.push(car_id, model))
    assert push["state"] == "failed"
    trusted = await way.ask("PUT", f"/api/cars/{car_id}/host-key", {"host_key": car.host_key})
    assert (trusted["car_id"], trusted["host_key"], trusted["is_online"]) == (car_id, car.host_key, True)
    await way.pushed(car_id, car, model)
    await way.raced(car_id, car, model)


async def test_a_copied_image_is_warned_of_and_the_other_car_at_the_address_does_nothing(way: Way) -> None:
    one, other = await way.car("community_24"), await way.car("community_24")
    await other.clone_host_key(one)
    one_id = await way.paired(one, "Blue 1")
    view = await way.pairing(other, "Blue 2")
    assert view["steps"][-1]["text"] == (
        "As Blue 2. Warning: Blue 1 shows the same host key, as cars from one copied image do."
    )
    assert ("cloned", f"Blue 2 ({other.serial}) shows its host key.") in await way.history(one_id)
    assert ("cloned", f"Shows the host key of Blue 1 ({one.serial}).") in await way.history(view["car_id"])
    model = await way.model()
    await one.vanish()
    away = await other.new_address(one.address)
    await way.hall.tell("ip", "neigh", "flush", "dev", way.hall.name)
    light = await told_by_somebody(way, one_id)
    assert (light["state"], light["answer"]) == (
        "failed",
        f"What answers is {other.serial}, not {one.serial}: nothing was done.",
    )
    assert light["remedy"] == (
        "Two cars show one host key, as copies of one image do. Flash one of them anew, then pair it again."
    )
    assert await other.get("light") == BLUE
    push = await way.ended(await way.push(one_id, model))
    assert push["state"] == "failed"
    assert held_by(other, model) is None

    await other.new_address()
    await one.come_back()
    await way.hall.tell("ip", "neigh", "flush", "dev", way.hall.name)
    assert one.address == away
    while (await told_by_somebody(way, one_id))["state"] != "done":
        pass
    await way.pushed(one_id, one, model)
    await way.raced(one_id, one, model)


async def told_by_somebody(way: Way, car_id: str) -> Json:
    """Light it, until somebody there says yes or no."""
    while True:
        light = await way.tell(car_id, "light", light="red")
        if light["state"] == "done" or light["answer"].startswith("What answers"):
            return light


async def test_a_clock_two_years_behind_is_set_and_one_that_jumps_is_set_again(way: Way) -> None:
    car = await way.car("community_20", clock_off_s=-63_000_000)
    view = await way.pairing(car, "Blue 1")
    steps = {step["step"]: step["text"] for step in view["steps"]}
    assert steps["time"] == "Set; from now on this box sets it whenever the car comes back."
    car_id, model = view["car_id"], await way.model()
    await way.pushed(car_id, car, model)
    await car.clock_off(86_400)
    assert (await way.tell(car_id, "set_time"))["answer"] == "Its clock was wrong and is set."
    assert (await way.tell(car_id, "set_time"))["answer"] == "Its clock was right."
    await car.vanish()
    await way.is_online(car_id, is_so=False)
    await car.clock_off(-86_400)
    await car.come_back()

    async def is_set_without_a_press() -> bool | None:
        lines = await way.history(car_id)
        return True if ("command", "Its clock was 24 hours behind and is set.") in lines else None

    await way.until(is_set_without_a_press)
    assert abs(int((await car.run("date +%s")).out) - time.time()) < 60
    await way.raced(car_id, car, model)


async def test_a_full_disk_is_named_and_what_the_box_says_to_do_helps(way: Way) -> None:
    car = await way.car("community_24")
    car_id, model = await way.paired(car), await way.model()
    await car.fill_disk(leave=100_000_000)
    push = await way.ended(await way.push(car_id, model))
    assert push["state"] == "failed"
    # The helper needs some of its own: the last megabyte is not to be told.
    assert re.fullmatch(r"The disk of Blue 1 is too full: (99|100) MB are free, 201 MB are needed\.", push["reason"])
    assert push["remedy"] == "Delete models and logs on Blue 1, then push again."
    assert held_by(car, model) is None
    await way.did(car_id, "delete_models", logs=True)
    await way.pushed(car_id, car, model)
    await way.raced(car_id, car, model)


async def test_a_power_cut_between_the_two_renames_leaves_a_whole_model(way: Way) -> None:
    car = await way.car("stock_20_drem")
    car_id, model = await way.paired(car), await way.model()
    await way.pushed(car_id, car, model)
    (car.artifacts / model.folder / "model.pb").write_bytes(b"other bytes")
    await car.kill_at_rename(1, below=ARTIFACTS)
    push_id = await way.push(car_id, model)
    push = await way.push_that(push_id, lambda push: waits(push) or push["ended_at"] is not None)
    assert push["state"] == "waiting", "what was killed is not done"
    await car.mend_helper()
    push = await way.ended(push_id)
    assert (push["state"], push["reason"]) in {("done", None), ("already_there", None)}
    await way.holds(car_id, car, model)
    await way.raced(car_id, car, model)


async def test_a_stick_that_wiped_the_models_is_noticed_where_one_is_wanted(way: Way) -> None:
    car = await way.car("stock_20")
    car_id, model = await way.paired(car), await way.model()
    await way.pushed(car_id, car, model)
    await car.usb_wipe()
    load = await way.tell(car_id, "load_model", folder=model.folder)
    assert (load["state"], load["answer"], load["remedy"]) == (
        "failed",
        f"{model.folder} is not on this car.",
        "Push it first.",
    )
    assert [one for one in (await way.ask("GET", f"/api/cars/{car_id}/models"))["models"] if one["model_id"]] == []
    await way.pushed(car_id, car, model)
    await way.raced(car_id, car, model)


async def test_five_wrong_passwords_shut_the_box_out_for_ten_minutes_and_it_says_so(way: Way) -> None:
    car = await way.car("stock_20_drem")
    for _ in range(5):
        view = await way.pairing(car, password="mistyped")
        assert (view["message"], view["field"]) == (
            f"{car.address} does not take this password for deepracer.",
            "password",
        )
    view = await way.pairing(car)
    assert view["message"] == f"The console of {car.address} says that SSH is on, but it does not answer this box."
    assert (
        view["remedy"] == "After five wrong passwords a car answers nobody for ten minutes: wait, then try once more."
    )
    await car.unban()
    car_id, model = await way.paired(car), await way.model()
    await car.ban()
    push_id = await way.push(car_id, model)
    push = await way.push_that(push_id, waits)
    # As fail2ban has it: SSH is refused to this box, and the console is not.
    assert push["reason"] == NO_SSH
    await car.unban()
    assert (await way.ended(push_id))["state"] == "done"
    await way.holds(car_id, car, model)
    await way.raced(car_id, car, model)


async def test_ssh_that_is_refused_while_a_stock_car_starts_its_software_is_waited_for(way: Way) -> None:
    car = await way.car("stock_20")
    car_id, model = await way.paired(car), await way.model()
    await car.refuse_ssh_at_core_restart(1000)
    restart = await way.tell(car_id, "restart_core")
    assert restart["answer"] == "Stopped, then restarted: active."
    push_id = await way.push(car_id, model)
    push = await way.push_that(push_id, waits)
    assert push["reason"] == NO_SSH
    await car.call("start", "ssh")
    assert (await way.ended(push_id))["state"] == "done"
    await way.holds(car_id, car, model)
    await way.raced(car_id, car, model)
    assert await car.get("light") == WHITE
