"""
A stand-in car's state: its services, firewall, clock, battery and light, and who may change them.

It answers the tools of the car (systemctl, ros2, ufw …) and asks its ground (`Effects`) for what must really happen.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cars.standin.firewall import Firewall
from cars.standin.profiles import Profile

BURST = 5
BURST_S = 100.0
"""deepracer-core: five starts in 100 s, then it stays failed (its unit file)."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool somebody started on the car; `argv[0]` is its name."""

    argv: tuple[str, ...]
    uid: int
    say: Callable[[str], None] = lambda _: None
    """Prints while the tool goes on."""
    is_gone: Callable[[], bool] = lambda: False
    """Whoever started it has ended it."""

    @property
    def is_root(self) -> bool:
        return self.uid == 0

    @property
    def words(self) -> tuple[str, ...]:
        """What follows the name, without the options."""
        return tuple(word for word in self.argv[1:] if not word.startswith("-"))

    def has(self, *options: str) -> bool:
        return any(option in self.argv for option in options)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tool prints and ends with; `become`: it goes on as this program."""

    out: str = ""
    err: str = ""
    code: int = 0
    become: tuple[str, ...] = ()


class Effects(Protocol):
    """What a stand-in's ground does for it."""

    def start_unit(self, name: str) -> None: ...

    def stop_unit(self, name: str) -> None: ...

    def apply_firewall(self, firewall: Firewall) -> None: ...

    def set_host_name(self, name: str) -> None: ...

    def reboot(self) -> None: ...

    def power_off(self) -> None: ...

    def is_password(self, user: str, password: str) -> bool: ...

    def change_password(self, user: str, old: str, new: str) -> bool: ...


@dataclass(slots=True)
class Unit:
    """One service as systemd sees it."""

    is_active: bool = False
    is_enabled: bool = False
    is_masked: bool = False
    is_failed: bool = False
    started_at_s: list[float] = field(default_factory=list)


class Machine:
    """One car's state; every method may be called from any thread."""

    def __init__(
        self, profile: Profile, *, serial: str, asset_tag: str, host_name: str, root: Path, effects: Effects
    ) -> None:
        self.profile = profile
        self.serial = serial
        self.asset_tag = asset_tag
        self.host_name = host_name
        self.effects = effects
        self.root = root
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.units: dict[str, Unit] = {}
        self.firewall = Firewall()
        self.clock_offset_s = 0.0
        self.ntp_is_on = True
        self.battery = profile.battery
        self.light = (0, 0, 255)
        self.is_driving, self.drive_began_s = False, 0.0
        self.wifi_power_save = True
        self.address = "0.0.0.0"  # noqa: S104  nothing listens there: it is what the console shows
        self.drive_mode, self.max_throttle = "manual", 0.0
        self.loading, self.drives, self.folder = "loaded", "", ""
        self.ssh_gap_s = 0.0
        self.journal: list[str] = []
        self.ros_start_s = 0.0
        """What `ros2` takes to start: 2 to 4 s on an Atom."""
        self.real_date = "/usr/lib/standin/date"
        self.calls: list[tuple[str, ...]] = []
        """Every tool that was started, oldest first: what a test asks."""
        for rule in profile.open_ports:
            self.firewall.allow(rule)
        for name in profile.units:
            self.units[name] = Unit(is_enabled=True)
        self.units["ssh"] = Unit(is_enabled=profile.ssh_on and not profile.ssh_socket)
        if profile.ssh_socket:
            self.units["ssh.socket"] = Unit(is_enabled=True)

    def boot(self) -> None:
        """Every enabled service starts."""
        with self.lock:
            self.effects.apply_firewall(self.firewall)
            for unit in self.units.values():
                unit.is_active = unit.is_failed = False
                unit.started_at_s.clear()
            for name in [name for name, unit in self.units.items() if unit.is_enabled and not unit.is_masked]:
                self.start(name)

    def unit(self, name: str) -> Unit | None:
        return self.units.get(unit_name(name))

    @property
    def core_is_up(self) -> bool:
        return self.units["deepracer-core"].is_active

    def start(self, name: str) -> bool:
        """Start a service; False when systemd would refuse."""
        name = unit_name(name)
        with self.changed:
            unit = self.units.setdefault(name, Unit())
            if unit.is_masked or (name == "deepracer-core" and not self._may_start(unit)):
                return False
            if not unit.is_active:
                self.effects.start_unit(name)
                unit.is_active, unit.is_failed = True, False
            if name == "deepracer-core":
                self._core_started()
            self.changed.notify_all()
            return True

    def stop(self, name: str) -> None:
        name = unit_name(name)
        with self.changed:
            unit = self.units.setdefault(name, Unit())
            if unit.is_active:
                self.effects.stop_unit(name)
                unit.is_active = False
            self.changed.notify_all()

    def restart(self, name: str) -> bool:
        self.stop(name)
        return self.start(name)

    def wait_for_core(self, gone: Callable[[], bool]) -> bool:
        """As `ros2 service call` does: for ever. False when `gone` says that nobody waits any more."""
        with self.changed:
            while not self.core_is_up:
                if gone():
                    return False
                self.changed.wait(0.2)
        return True

    def wait_until_gone(self, gone: Callable[[], bool]) -> bool:
        """One step of waiting for something that never comes; True once nobody waits any more."""
        with self.changed:
            self.changed.wait(0.2)
        return gone()

    def reload(self, name: str) -> None:
        """A service reads its configuration again."""
        self.journal.append(f"{self.host_name} {unit_name(name)}[1]: Reloaded.")

    def set_host_name(self, name: str) -> None:
        """The kernel's and /etc/hostname; avahi follows when it starts again."""
        self.host_name = name
        (self.root / "etc/hostname").write_text(f"{name}\n")
        self.effects.set_host_name(name)

    def set_light(self, red: int, green: int, blue: int) -> None:
        """0 to 10,000,000 each, as the core drives its LED; kept for the next start."""
        self.light = (red, green, blue)
        values = json.dumps({"red": red, "green": green, "blue": blue})
        (self.root / "opt/aws/deepracer/led_values.json").write_text(values)

    def packages(self) -> dict[str, str]:
        """What is installed, as dpkg says it."""
        installed = dict(self.profile.packages) | {"openssh-server": "1:8.2p1-4ubuntu0.11", "ufw": "0.36-6"}
        if self.profile.has_avahi:
            installed["avahi-daemon"] = "0.7-4ubuntu7.1"
        return installed

    def now_s(self) -> float:
        """The car's own wall clock."""
        return time.time() + self.clock_offset_s

    def set_clock(self, epoch_s: float) -> None:
        self.clock_offset_s = epoch_s - time.time()

    def _may_start(self, unit: Unit) -> bool:
        now = time.monotonic()
        unit.started_at_s = [moment for moment in unit.started_at_s if now - moment < BURST_S]
        if len(unit.started_at_s) >= BURST:
            unit.is_failed = True
            return False
        unit.started_at_s.append(now)
        return True

    def _core_started(self) -> None:
        """Stock: its setup.py configures openssh-server anew at each start, and names the machine after its serial."""
        if not self.profile.is_community and self.units.get("ssh", Unit()).is_active:
            self._restart_ssh()
        if self._sets_host_name():
            self.host_name = host_name_of(self.serial)
            self.effects.set_host_name(self.host_name)

    def _restart_ssh(self) -> None:
        """In the background, as the core does it while it starts."""
        self.stop("ssh")
        if self.ssh_gap_s:
            threading.Timer(self.ssh_gap_s, self.start, ["ssh"]).start()
        else:
            self.start("ssh")

    def _sets_host_name(self) -> bool:
        """As its own network_config.py says it: a crew may have changed the flag."""
        path = self.root / tree_path(self.profile, "network_monitor_module/network_config.py")
        return path.exists() and "SET_HOSTNAME_TO_CHASSIS_SERIAL_NUMBER = True" in path.read_text()


def unit_name(name: str) -> str:
    """As systemctl reads it: .service is understood, sshd is an alias."""
    name = name.removesuffix(".service")
    return "ssh" if name == "sshd" else name


def tree_path(profile: Profile, module: str) -> str:
    """Where the core keeps a Python file of its systems package."""
    python = {"20.04": "3.8", "24.04": "3.12"}.get(profile.os_version, "2.7")
    package = f"lib/deepracer_systems_pkg/lib/python{python}/site-packages/deepracer_systems_pkg"
    return f"opt/aws/deepracer/{package}/{module}"


def host_name_of(serial: str) -> str:
    """As the stock core makes it (network_config.py)."""
    return serial.lower().replace(" ", "-")
