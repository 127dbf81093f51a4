"""A stand-in's services, firewall and packages as their tools tell them: no network needed."""

from pathlib import Path

import pytest

from cars.standin.firewall import Firewall, ruleset
from cars.standin.machine import Answer, Call, Machine
from cars.standin.profiles import PROFILES, STOCK_20
from cars.standin.tools import TOOLS, answered
from cars.standin.tree import lay_out


class Ground:
    """Remembers what it was asked to do."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def start_unit(self, name: str) -> None:
        self.did.append(f"start {name}")

    def stop_unit(self, name: str) -> None:
        self.did.append(f"stop {name}")

    def apply_firewall(self, firewall: Firewall) -> None:
        self.did.append("firewall")

    def set_host_name(self, name: str) -> None:
        self.did.append(f"name {name}")

    def reboot(self) -> None:
        self.did.append("reboot")

    def power_off(self) -> None:
        self.did.append("power off")

    def is_password(self, user: str, password: str) -> bool:
        return password == "deepracer"

    def change_password(self, user: str, old: str, new: str) -> bool:
        return True


def machine_of(root: Path, profile: str = "stock_20_drem") -> Machine:
    """A car that has started, its files below `root`."""
    ground = Ground()
    machine = Machine(
        PROFILES[profile], serial="AMSS-0001", asset_tag="tag", host_name="blue-3", root=root, effects=ground
    )
    lay_out(machine)
    machine.boot()
    ground.did.clear()
    return machine


def told(machine: Machine, command: str, *, uid: int = 0) -> Answer:
    """What a tool says, to root unless somebody else asks."""
    return answered(machine, Call(tuple(command.split()), uid))


@pytest.mark.parametrize("tool", ["systemctl restart deepracer-core", "reboot", "poweroff", "ufw status", "hwclock -w"])
def test_what_needs_root_changes_nothing_for_the_user(tmp_path: Path, tool: str) -> None:
    machine = machine_of(tmp_path)
    refused = told(machine, tool, uid=1000)
    assert refused.code != 0
    assert refused.err
    assert isinstance(machine.effects, Ground)
    assert machine.effects.did == []


def test_the_sixth_start_of_the_core_within_100_s_fails_until_it_is_reset(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    codes = [told(machine, "systemctl restart deepracer-core").code for _ in range(5)]
    assert codes == [0, 0, 0, 0, 1]  # the boot was the first start
    assert told(machine, "systemctl is-active deepracer-core") == Answer("failed\n", code=3)
    assert told(machine, "systemctl start deepracer-core").code == 1
    assert told(machine, "systemctl reset-failed deepracer-core") == Answer()
    assert told(machine, "systemctl start deepracer-core") == Answer()


def test_a_stock_core_restarts_sshd_whenever_it_starts(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    told(machine, "systemctl restart deepracer-core")
    assert isinstance(machine.effects, Ground)
    assert machine.effects.did == ["stop deepracer-core", "start deepracer-core", "stop ssh", "start ssh"]


def test_a_stock_core_names_the_car_after_its_serial_unless_its_own_file_says_no(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "stock_20")
    told(machine, "hostnamectl set-hostname blue-3")
    told(machine, "systemctl restart deepracer-core")
    assert machine.host_name == "amss-0001"
    config = next(tmp_path.rglob("network_config.py"))
    config.write_text(config.read_text().replace("= True", "= False"))
    told(machine, "hostnamectl set-hostname blue-3")
    told(machine, "systemctl restart deepracer-core")
    assert machine.host_name == "blue-3"


def test_ssh_switched_on_by_the_console_is_off_again_after_a_reboot(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "stock_20")
    told(machine, "service ssh start")
    assert told(machine, "systemctl is-active ssh").out == "active\n"
    machine.boot()
    assert told(machine, "systemctl is-active ssh").out == "inactive\n"
    told(machine, "systemctl enable --now ssh")
    machine.boot()
    assert told(machine, "systemctl is-active ssh").out == "active\n"


def test_a_masked_unit_does_not_start(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    told(machine, "systemctl mask sleep.target")
    assert told(machine, "systemctl is-enabled sleep.target") == Answer("masked\n", code=1)
    assert told(machine, "systemctl start sleep.target") == Answer(
        err="Failed to start sleep.target: Unit sleep.target is masked.\n", code=1
    )


def test_the_clock_is_not_set_by_hand_while_it_follows_the_network(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    assert told(machine, "timedatectl set-time 2027-01-01") == Answer(
        err="Failed to set time: Automatic time synchronization is enabled\n", code=1
    )
    told(machine, "timedatectl set-ntp false")
    assert told(machine, "timedatectl set-time 2027-01-01") == Answer()
    assert abs(machine.now_s() - 1_798_761_600) < 60


def test_a_firewall_rule_is_told_as_ufw_tells_it(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "stock_20")
    assert told(machine, "ufw allow ssh") == Answer("Rule added\n")
    assert told(machine, "ufw allow ssh") == Answer("Skipping adding existing rule\n")
    told(machine, "ufw allow from 10.1.2.0/24 to any port 22 proto tcp")
    assert told(machine, "ufw status").out == (
        "Status: active\n\n"
        "To                         Action      From\n"
        "--                         ------      ----\n"
        "Nginx Full                 ALLOW       Anywhere\n"
        "22/tcp                     ALLOW       Anywhere\n"
        "22/tcp                     ALLOW       10.1.2.0/24\n\n"
    )
    assert told(machine, "ufw delete allow from 10.1.2.0/24 to any port 22 proto tcp") == Answer("Rule deleted\n")
    assert "10.1.2.0/24" not in told(machine, "ufw status").out


def test_a_firewall_that_is_off_lets_everything_in() -> None:
    firewall = Firewall()
    firewall.allow("22/tcp")
    assert "tcp dport { 22 } accept" in ruleset(firewall, "mlan0")
    firewall.is_active = False
    assert "dport { 22 } accept" not in ruleset(firewall, "mlan0")
    assert "\n    accept\n" in ruleset(firewall, "mlan0")


def test_dpkg_query_tells_what_is_asked_of_what_there_is(tmp_path: Path) -> None:
    machine = machine_of(tmp_path, "community_24")
    call = Call(("dpkg-query", "-W", "-f=${Package} ${Version}\\n", "aws-deepracer-c*"), 1000)
    assert answered(machine, call).out == (
        "aws-deepracer-community-device-console 2.1.9.2\naws-deepracer-core 2.1.9.9+community\n"
    )
    assert told(machine, "dpkg-query -W avahi-daemon") == Answer(
        err="dpkg-query: no packages found matching avahi-daemon\n", code=1
    )


def test_a_light_out_of_range_is_an_error_in_the_answer_and_no_error_of_the_tool(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    said: list[str] = []
    argv = ("ros2", "service", "call", "/servo_pkg/set_led_state", "deepracer_interfaces_pkg/srv/SetLedCtrlSrv")
    answer = answered(machine, Call((*argv, "{red: 10000001, green: 0, blue: 0}"), 0, say=said.append))
    assert answer == Answer("response:\ndeepracer_interfaces_pkg.srv.SetLedCtrlSrv_Response(error=1)\n\n")
    assert said[0] == "waiting for service to become available...\n"
    assert machine.light == (0, 0, 9_999_825)


def test_ros2_waits_for_ever_while_the_core_is_down_until_its_caller_has_gone(tmp_path: Path) -> None:
    machine = machine_of(tmp_path)
    machine.stop("deepracer-core")
    argv = ("ros2", "service", "call", "/i2c_pkg/battery_level", "deepracer_interfaces_pkg/srv/BatteryLevelSrv", "{}")
    asked: list[None] = []

    def is_gone() -> bool:
        asked.append(None)
        return len(asked) > 2

    assert answered(machine, Call(argv, 0, is_gone=is_gone)) == Answer(code=1)
    assert len(asked) > 2


def test_every_kind_has_its_tools_and_files(tmp_path: Path) -> None:
    for name, profile in PROFILES.items():
        machine = machine_of(tmp_path / name, name)
        assert told(machine, "systemctl is-active deepracer-core").out == "active\n"
        assert told(machine, "lsb_release -rs").out == f"{profile.os_version}\n"
        samples = {path.name for path in (machine.root / "opt/aws/deepracer/artifacts").iterdir()}
        assert samples == {"Sample_single_cam", "Sample_stereo_cam", "Sample_lidar_stereo_cam"}
    assert STOCK_20.password_expired
    assert len(TOOLS) == 17
