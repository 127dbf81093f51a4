"""What pairing sets up on a car as root, what the car says of it afterwards, and that release undoes all of it."""

import json
import shutil

import pytest

from tests.cars.car_tree import SYSTEMS, UPDATES, CarTree, needs_root

pytestmark = needs_root


def test_everything_that_was_set_up_is_undone_by_release(tree: CarTree) -> None:
    notice = tree.put("opt/aws/deepracer/software_update_status.json", '{"update_completed": false}')
    before = _files(tree)
    for arguments in (
        ("setup-firewall", "192.168.7.0/24"),
        ("setup-ssh",),
        ("setup-time",),
        ("setup-quiet",),
        ("setup-avahi",),
    ):
        assert tree.call(*arguments)["ok"]
        assert tree.call(*arguments)["ok"], "a second time changes nothing"
    assert tree.calls.count("systemctl mask sleep.target suspend.target hibernate.target hybrid-sleep.target") == 2
    assert "ENABLE_PERIODIC_SOFTWARE_UPDATE = False" in (tree.root / UPDATES).read_text()
    assert notice.read_text() == '{"update_completed": true}'
    assert not (tree.root / "etc/systemd/timesyncd.conf.d").exists(), "no box answers there"
    assert (
        "<txt-record>serial=AMSS-1234</txt-record>"
        in (tree.root / "etc/avahi/services/trackside-car.service").read_text()
    )
    tree.put("etc/sudoers.d/trackside-car", "x")
    told = tree.call("release")
    assert told["undone"] == ["avahi", "power_save", "sleep", "updates", "notice", "ssh", "firewall"]
    assert tree.calls[-7:].count("iw dev mlan0 set power_save on") == 1
    assert tree.calls[-7:].count("systemctl disable ssh") == 1
    assert "ufw delete allow from 192.168.7.0/24 to any port 22 proto tcp" in tree.calls
    before.pop("usr/local/sbin/trackside-car")
    assert _files(tree) == before


def test_ssh_that_starts_with_the_car_is_left_as_it_is(tree: CarTree) -> None:
    tree.tells("systemctl", "enabled\n")
    assert tree.call("setup-ssh")["state"] == "on"
    assert "systemctl enable ssh" not in tree.calls
    assert tree.call("facts")["enrolled"] == []


def test_a_car_whose_software_is_gone_is_still_released(tree: CarTree) -> None:
    shutil.rmtree(tree.home)
    assert tree.call("release") == {"ok": True, "undone": [], "problems": []}
    assert not tree.helper.exists()


def test_what_was_off_before_is_left_off_by_release(tree: CarTree) -> None:
    tree.tells("iw", "Power save: off\n")
    off = tree.put(f"{SYSTEMS}/another_module/other_config.py", "ENABLE_PERIODIC_SOFTWARE_UPDATE = False\n")
    assert tree.call("setup-quiet")["updates_off"] == ["software_update_config.py"]
    assert tree.call("setup-quiet")["updates_off"] == []
    assert tree.call("release")["ok"]
    assert "iw dev mlan0 set power_save on" not in tree.calls
    assert off.read_text() == "ENABLE_PERIODIC_SOFTWARE_UPDATE = False\n"
    assert "ENABLE_PERIODIC_SOFTWARE_UPDATE = True" in (tree.root / UPDATES).read_text()


def test_updates_that_an_older_helper_switched_off_come_back_on_release(tree: CarTree) -> None:
    """It noted no names."""
    was_true = (tree.root / UPDATES).read_text()
    tree.put(UPDATES, was_true.replace("True", "False"))
    tree.put("opt/aws/deepracer/.trackside/.enrolled", '{"updates": true}')
    assert tree.call("setup-quiet")["ok"]
    assert tree.call("release")["ok"]
    assert (tree.root / UPDATES).read_text() == was_true


@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        ("Power save: off\n", 0, ([], [])),
        ("Power save: on\n", 0, (["mlan0"], [])),
        ("command failed: Operation not supported (-95)\n", 161, ([], ["mlan0"])),
    ],
)
def test_power_saving_is_off_only_where_the_car_says_so(
    tree: CarTree, said: str, status: int, told: tuple[list[str], list[str]]
) -> None:
    tree.tells("iw", said, status)
    quiet = tree.call("setup-quiet")
    assert (quiet["still_saving"], quiet["untold"]) == told
    asked = [call for call in tree.calls if call.startswith("iw ")]
    assert asked[-1] == "iw dev mlan0 get power_save", "read back after it was set"


@pytest.mark.parametrize("verb", ["setup-time", "release"])
@pytest.mark.parametrize("was_off", [True, False])
def test_a_box_that_an_older_helper_had_it_ask_for_the_time_is_not_asked_any_more(
    tree: CarTree, verb: str, was_off: bool
) -> None:
    conf = tree.put("etc/systemd/timesyncd.conf.d/trackside.conf", "[Time]\nNTP=192.168.7.1\n")
    before = {"was_off": was_off, "is_folder_ours": True}
    tree.put("opt/aws/deepracer/.trackside/.enrolled", json.dumps({"time": before, "ssh": True}))
    assert tree.call(verb)["ok"]
    assert not conf.parent.exists()
    undone = "timedatectl set-ntp false" if was_off else "systemctl try-restart systemd-timesyncd"
    assert tree.calls.count(undone) == 1
    if verb == "setup-time":
        assert tree.call("facts")["enrolled"] == ["ssh"]
        assert tree.call("setup-time") == {"ok": True, "state": "none"}


def test_a_time_service_that_does_not_listen_is_not_said_to_be_set(tree: CarTree) -> None:
    tree.put("opt/aws/deepracer/.trackside/.enrolled", '{"time": {"was_off": false}}')
    tree.tells("systemctl", "Job failed.\n", 1)
    told = tree.call("setup-time")
    assert (told["code"], told["message"]) == ("command_failed", "systemctl failed on the car: Job failed.")
    assert tree.call("facts")["enrolled"] == ["time"], "it is tried again"


def test_a_release_that_cannot_undo_all_keeps_the_way_to_try_again(tree: CarTree) -> None:
    tree.call("setup-firewall", "192.168.7.0/24")
    tree.tells("ufw", "ERROR: problem running\n", 1)
    told = tree.call("release")
    assert (told["code"], told["message"]) == (
        "not_undone",
        "Not everything could be undone. firewall: ufw failed on the car: ERROR: problem running.",
    )
    assert tree.helper.exists()
    assert tree.call("release", "--anyway")["ok"]
    assert not tree.helper.exists()


def test_a_car_without_firewall_or_avahi_is_left_without(tree: CarTree) -> None:
    (tree.shims / "ufw").unlink()
    tree.tells("systemctl", "inactive\n", 3)
    assert tree.call("setup-firewall", "192.168.7.0/24")["state"] == "none"
    assert tree.call("setup-time")["state"] == "none"
    assert tree.call("setup-avahi")["state"] == "none"
    assert tree.call("facts")["enrolled"] == []


def _files(tree: CarTree) -> dict[str, str]:
    return {
        str(path.relative_to(tree.root)): path.read_text()
        for path in tree.root.rglob("*")
        if path.is_file() and "shims" not in path.parts
    }
