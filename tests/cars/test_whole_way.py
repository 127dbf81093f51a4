"""From a car in its box to a car that is given back, on every kind of car, over the API of a real box."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cars.folder_names import folder_of_bag
from tests.cars.hall import Car, needs_hall
from tests.cars.way_logs import JOURNAL, fetched_logs, recorded_on
from tests.cars.whole_way import NEW_PASSWORD, Model, Way, whole_way

pytestmark = [needs_hall, pytest.mark.timeout(400)]

KINDS = ("stock_20", "stock_20_drem", "community_20", "community_24", "pi")
PLACES = "etc home opt root usr/local/sbin var/spool"
CONSOLE_LOGIN = "opt/aws/deepracer/token.txt"
LIGHT = "opt/aws/deepracer/led_values.json"
PASSWORD = {"etc/shadow", "etc/.pwd.lock", *(f"etc/{name}-" for name in ("shadow", "gshadow", "passwd", "group"))}
"""What release does not undo: the password of the factory is not put back."""
SUDO_WAS_USED = ".sudo_as_admin_successful"
"""sudo's own note, so that a shell no longer explains it."""


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Way]:
    async with whole_way(tmp_path) as opened:
        yield opened


async def tree_of(car: Car) -> dict[str, str]:
    """Every file and folder of a car that pairing might touch: kind, mode, owner, and the MD5 of what is in it."""
    told = await car.run(f"cd / && find {PLACES} -printf '%M %u %g %p\\n'; find {PLACES} -type f -exec md5sum {{}} +")
    tree: dict[str, str] = {}
    for line in told.out.splitlines():
        about, path = (line[:32], line[34:]) if line[32:34] == "  " else line.rsplit(" ", 1)
        tree[path] = f"{tree.get(path, '')} {about}".strip()
    return tree


async def state_of(car: Car) -> dict[str, str]:
    """What is no file: services at the next start, the firewall, power saving."""
    told = {
        "services": "systemctl list-unit-files | grep -v target; systemctl is-enabled ssh",
        "firewall": "ufw status",
        "clock": "timedatectl show",
        "power save": f"iw dev {car.interface} get power_save",
    }
    return {what: (await car.run(command)).out for what, command in told.items()}


async def logs_are_fetched(way: Way, car_id: str, car: Car, model: Model, race_id: str) -> None:
    """What the car recorded of the race is on the box, byte for byte; a stock car has its journal and no bag."""
    log = await fetched_logs(way, race_id)
    assert log.files == await recorded_on(car)
    bags = sorted({name.partition("/")[0] for name in log.files} - {JOURNAL})
    assert [folder_of_bag(bag) for bag in bags] == [model.folder] * car.profile.is_community
    whose = (log.view["car_id"], log.view["race_id"], log.view["racer_id"], log.view["model_id"])
    assert whose == (car_id, race_id, way.racer_id, model.model_id)
    assert log.view["names"] == bags
    said = f"{await car.get('host_name')} deepracer-core[1]:"
    assert log.journal.splitlines() == [f"{said} Drives {model.folder}.", f"{said} Stands."]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_car_goes_the_whole_way_and_is_given_back_as_it_was(way: Way, kind: str) -> None:
    car = await way.car(kind)
    files, state = await tree_of(car), await state_of(car)
    found = await way.found(car)
    assert found["looks_like_car"]
    assert (found["clone_of"], found["claims"]) == (None, None)

    car_id = await way.paired(car, "Blue 1")
    model = await way.model()
    await way.pushed(car_id, car, model)
    assert (await car.run(f"stat -c %U:%a /opt/aws/deepracer/artifacts/{model.folder}/*")).out.split() == [
        "root:644"
    ] * 3
    race = await way.raced(car_id, car, model)
    shown = await way.ask("GET", f"/api/races/{race['race_id']}")
    assert shown["laps"] == race["laps"]
    await logs_are_fetched(way, car_id, car, model, race["race_id"])

    released = await way.ask("DELETE", f"/api/cars/{car_id}")
    assert released["released_at"] is not None
    lines = await way.history(car_id)
    assert lines[:5] == [
        ("enrolled", f"Paired as Blue 1, at {car.address}."),
        ("pushed", "A model was put on it."),
        ("command", "Light red: Its software took the colour."),
        ("command", f"Load {model.folder}: The model is loaded."),
        ("command", "Start driving: Its software took the start."),
    ]
    ended = {
        ("command", "Stop: Its software took the stop."),
        ("command", "Light white: Its software took the colour."),
    }
    assert ended <= set(lines[5:-1])
    assert lines[-1] == ("released", "Released; everything that was changed on it is undone.")
    changed = {path for path, _ in (await tree_of(car)).items() ^ files.items()}
    stays = {path for path in changed if f"/artifacts/{model.folder}" in path or f"/logs/{model.folder}-" in path}
    assert changed - stays <= {CONSOLE_LOGIN, LIGHT, *PASSWORD, f"home/{car.username}/{SUDO_WAS_USED}"}
    now = await state_of(car)
    if kind == "stock_20":  # What its console did stays until it starts anew.
        assert now.pop("services") == state.pop("services").replace("ssh.service inactive", "ssh.service active")
        assert "22/tcp" in now.pop("firewall")
        del state["firewall"]
    assert now == state


async def test_a_stock_car_is_still_there_after_it_was_switched_off_and_on(way: Way) -> None:
    car = await way.car("stock_20")
    car_id = await way.paired(car)
    await car.vanish()
    await car.come_back()
    await way.did(car_id, "battery")


async def test_ubuntu_16_is_refused_and_nothing_on_the_car_is_changed(way: Way) -> None:
    car = await way.car("stock_16")
    files, state = await tree_of(car), await state_of(car)
    view = await way.pairing(car, "Old 1", new_password=NEW_PASSWORD)
    assert (view["car_id"], view["message"], view["remedy"]) == (
        None,
        "This car still runs Ubuntu 16.04, which no tool for races works with. Nothing was changed on it.",
        "Update it to Ubuntu 20.04 with AWS's USB stick, then pair it. Cars from 2018 without the white AWS logo cannot"
        " be updated.",
    )
    assert await way.ask("GET", "/api/cars") == []
    assert {path for path, _ in (await tree_of(car)).items() ^ files.items()} == {CONSOLE_LOGIN}
    assert await state_of(car) == state
