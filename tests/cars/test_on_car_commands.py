"""What the root helper of a car does besides models: light, stop, battery, software, clock, and who the car is."""

from pathlib import Path

import pytest

from tests.cars.car_tree import CarTree, needs_root

pytestmark = needs_root


def test_a_light_is_asked_for_in_the_steps_of_the_car(tree: CarTree) -> None:
    assert tree.call("light", "255", "130", "0") == {"ok": True}
    assert tree.calls == [
        "ros2 service call /servo_pkg/set_led_state deepracer_interfaces_pkg/srv/SetLedCtrlSrv"
        " {red: 9999825, green: 5097950, blue: 0}"
    ]


def test_a_car_without_its_web_server_is_stopped_by_ros(tree: CarTree) -> None:
    assert tree.call("stop") == {"ok": True, "by": "ros"}
    request = "/ctrl_pkg/enable_state deepracer_interfaces_pkg/srv/EnableStateSrv {is_active: false}"
    assert tree.calls == [f"ros2 service call {request}"]
    told = tree.call("drive-start")
    assert (told["code"], told["message"]) == (
        "no_answer",
        "The car's software does not answer. Restart it, then try again.",
    )


def test_a_model_that_is_not_there_is_not_loaded(tree: CarTree) -> None:
    told = tree.call("load-model", "anna")
    assert (told["code"], told["message"]) == ("no_model", "anna is not on this car.")


def test_an_error_of_the_cars_software_is_no_success(tree: CarTree) -> None:
    tree.tells("ros2", "response:\nEnableStateSrv_Response(error=1)\n")
    told = tree.call("stop")
    assert (told["code"], told["message"]) == ("ros_failed", "The car's software refused: error 1.")


def test_a_car_whose_software_hangs_is_told_so(tmp_path: Path) -> None:
    tree = CarTree(tmp_path / "car", {"ROS_S = 15": "ROS_S = 0.2"})
    (tree.shims / "ros2.hangs").touch()
    told = tree.call("stop")
    assert (told["code"], told["message"]) == (
        "no_answer",
        "The car's software does not answer. Restart it, then try again.",
    )


def test_the_battery_is_a_number(tree: CarTree) -> None:
    tree.tells("ros2", "response:\nBatteryLevelSrv_Response(level=-1)\n")
    assert tree.call("battery") == {"ok": True, "level": -1}


def test_a_restart_stops_first_and_comes_once_in_30_seconds(tree: CarTree) -> None:
    assert tree.call("restart-core")["is_stopped"]
    assert [call.split(" ")[:3] for call in tree.calls] == [
        ["ros2", "service", "call"],
        ["systemctl", "reset-failed", "deepracer-core"],
        ["systemctl", "restart", "deepracer-core"],
        ["systemctl", "is-active", "deepracer-core"],
    ]
    assert tree.call("restart-core")["code"] == "too_soon"
    assert len(tree.calls) == 4


def test_the_clock_is_set_by_the_cars_own_programs(tree: CarTree) -> None:
    told = tree.call("set-time", "1700000000123456789")
    assert (told["is_step"], told["is_kept"]) == (True, True)
    assert tree.calls == ["date -u +%s%N", "date -u -s @1700000000.123456789", "hwclock -w"]


def test_facts_tell_what_the_car_is(tree: CarTree) -> None:
    told = tree.call("facts")
    assert (told["serial"], told["core_version"], told["os_version"]) == ("AMSS-1234", "2.1.2.7", "20.04")
    assert told["host_keys"] == {"ed25519": "ssh-ed25519 AAAAC3Nza"}
    assert told["macs"] == {"mlan0": "00:11:22:33:44:55"}
    assert told["has_avahi"]
    assert told["has_timesyncd"]
    assert told["enrolled"] == []


@pytest.mark.parametrize("nothing", ["", "Default string", "To Be Filled By O.E.M.", "None", "0000000000000000"])
def test_a_serial_that_is_none_is_not_taken(tree: CarTree, nothing: str) -> None:
    tree.put("sys/class/dmi/id/chassis_serial", nothing)
    tree.put("sys/firmware/devicetree/base/serial-number", "10000000a1b2c3d4\0")
    assert tree.call("facts")["serial"] == "10000000A1B2C3D4"


def test_another_car_does_nothing_and_says_who_it_is(tree: CarTree) -> None:
    told = tree.call("for", "AMSS-9999", "delete", "anna-fast")
    assert (told["code"], told["message"]) == (
        "other_car",
        "What answers is AMSS-1234, not AMSS-9999: nothing was done.",
    )
    assert tree.call("for", "AMSS-1234", "delete", "anna-fast")["ok"]
    assert tree.call("for", "AMSS-1234", "exec", "id")["code"] == "unknown_verb"
    assert tree.call("for", "$(id)", "facts")["code"] == "bad_argument"
    assert tree.call("for", "AMSS-1234")["code"] == "unknown_verb"
