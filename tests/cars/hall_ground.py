"""What really happens on a faithful stand-in: its network, its files, its services, its power."""

import contextlib
import encodings.idna  # noqa: F401  its file is out of reach once the car has its own root
import os
import signal
import socket
import subprocess
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from cars.standin.console import Console
from cars.standin.firewall import Firewall, ruleset
from cars.standin.machine import Machine
from cars.standin.profiles import PROFILES
from cars.standin.tools import ToolSocket, place_tools
from cars.standin.tree import firmware, lay_out
from tests.cars.hall_log import SystemLog
from tests.cars.hall_mounts import drop_clock_and_boot, enter_root, mount
from tests.cars.hall_people import UID, write_accounts

SSHD_CONFIG = """\
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding no
PrintMotd no
AcceptEnv LANG LC_*
UseDNS no
MaxStartups 10:30:100
Subsystem sftp /usr/lib/openssh/sftp-server
"""
AVAHI = """\
[server]
use-ipv4=yes
use-ipv6=no
enable-dbus=no
ratelimit-interval-usec=1000000
ratelimit-burst=1000
[publish]
publish-hinfo=no
publish-workstation=no
"""
SSHD = "/usr/sbin/sshd"
CERTIFICATE = Path("/etc/ssl/deepracer.pem")
DEADLINE_S = 20.0
ANSWER_S = 0.2
"""From the end of a call to its answer on the air: systemd takes longer to come to the network."""


class Ground:
    """What really happens when a service of the car starts or stops."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.profile = replace(PROFILES[settings["profile"]], **settings["changes"])
        self.interface = self.profile.interface
        self.banned: tuple[str, ...] = ()
        self.firewall: Firewall | None = None
        self.is_off = False
        self.machine: Machine | None = None
        self._services: dict[str, subprocess.Popen[bytes]] = {}
        self._console: Console | None = None

    def build(self) -> Machine:
        """The car, up to the moment before its services start."""
        settings = self.settings
        self._join_network()
        enter_root(settings["opt_bytes"])
        drop_clock_and_boot()
        machine = Machine(
            self.profile,
            serial=settings["serial"],
            asset_tag=settings["asset_tag"],
            host_name=settings["host_name"],
            root=Path("/"),
            effects=self,
        )
        machine.set_clock(time.time() + settings["clock_off_s"])
        self.machine = machine
        socket.sethostname(machine.host_name)
        home = write_accounts(self.profile, password=settings["password"], is_expired=settings["password_expired"])
        if settings["authorized_keys"]:
            _authorize(home, settings["authorized_keys"])
        self._write_etc()
        lay_out(machine)
        firmware(machine, Path("/sys"))
        Path("/usr/lib/standin").mkdir()
        Path("/usr/lib/standin/date").write_bytes(Path("/usr/bin/date").read_bytes())
        Path("/usr/lib/standin/date").chmod(0o755)
        place_tools(Path("/"), Path("/run/standin/socket"))
        self._new_boot_id()
        machine.address = settings["address"]
        self.new_certificate()
        SystemLog(self)
        ToolSocket(machine, Path("/run/standin/socket"))
        return machine

    def _join_network(self) -> None:
        """A cable to the hall's bridge, the address, no IPv6 (as DREM and the community leave it)."""
        settings, name = self.settings, self.interface
        bridge = ["nsenter", "-t", str(settings["hall_pid"]), "-n", "ip", "-batch", "-"]
        # The kernel reads "netns 1" in this PID name space: this process.
        _run(bridge, f"link add {settings['port']} type veth peer name {name} netns 1 address {settings['mac']}\n"
             f"link set {settings['port']} master hall up\n")  # fmt: skip
        Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
        _run(["ip", "-batch", "-"], f"link set lo up\naddress add {settings['address']}/24 dev {name}\n"
             f"link set {name} up\nroute add 224.0.0.0/4 dev {name}\n")  # fmt: skip

    def _write_etc(self) -> None:
        for old in (*Path("/etc/ssh").glob("ssh_host_*"), *Path("/etc/ssh/sshd_config.d").glob("*")):
            old.unlink()
        for old in Path("/etc/sudoers.d").glob("*"):
            if old.name != "README":
                old.unlink()
        Path("/etc/ssh/sshd_config").write_text(SSHD_CONFIG)
        self.new_host_keys(self.settings["host_key"])
        for old in Path("/etc/avahi/services").glob("*"):
            old.unlink()
        Path("/etc/avahi/avahi-daemon.conf").write_text(AVAHI)
        sudoers = Path("/etc/sudoers")
        if sudoers.exists():
            sudoers.write_text("Defaults env_reset\nDefaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                               "/usr/bin:/sbin:/bin\"\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n"
                               "@includedir /etc/sudoers.d\n")  # fmt: skip

    def new_host_keys(self, private: str | None = None) -> None:
        """As a card that was flashed anew; or another car's key, as a cloned image."""
        for kind in ("ed25519", "ecdsa"):
            path = Path(f"/etc/ssh/ssh_host_{kind}_key")
            for old in (path, path.with_suffix(".pub")):
                old.unlink(missing_ok=True)
            if kind == "ed25519" and private is not None:
                path.write_text(private)
                path.chmod(0o600)
                public = _run(["ssh-keygen", "-y", "-f", str(path)])
                path.with_suffix(".pub").write_text(public)
            else:
                _run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)])

    def only_rsa_host_key(self) -> None:
        """As a crew leaves it that trusts nothing newer, or an image that was made with this one key."""
        for old in Path("/etc/ssh").glob("ssh_host_*"):
            old.unlink()
        _run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "/etc/ssh/ssh_host_rsa_key"])

    def new_certificate(self) -> None:
        """Self-signed for ten years, a new one on each flashed car."""
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=deepracer.io"]
        files = ["-days", "3650", "-keyout", "/run/key.pem", "-out", "/run/certificate.pem"]
        _run(["openssl", "req", "-x509", *kind, *files])
        CERTIFICATE.write_text(Path("/run/key.pem").read_text() + Path("/run/certificate.pem").read_text())

    def start_unit(self, name: str) -> None:
        """The services that really run here; of the others only the state is kept."""
        if name in {"ssh", "ssh.socket"}:
            self._start_sshd()
        elif name == "nginx":
            console = Console(self._car(), CERTIFICATE, CERTIFICATE, host="0.0.0.0", ports=(80, 443), inside_port=5001)
            self._console = console
        elif name == "avahi-daemon":
            self._start_avahi()

    def stop_unit(self, name: str) -> None:
        """sshd's listener only: sessions live on, as its unit file has it (KillMode=process)."""
        if name == "nginx" and self._console is not None:
            self._console.close()
            self._console = None
        process = self._services.pop("ssh" if name == "ssh.socket" else name, None)
        if process is not None:
            # avahi says goodbye when it is stopped in order.
            process.terminate() if name == "avahi-daemon" else process.kill()
            process.wait()

    def apply_firewall(self, firewall: Firewall) -> None:
        self.firewall = firewall
        _run(["nft", "-f", "-"], ruleset(firewall, self.interface, self.banned))

    def ban(self, address: str) -> None:
        """As fail2ban does, for ten minutes: before every other rule, so that sessions stop too."""
        self.banned = (*self.banned, address)
        _run(["nft", f"add element inet car banned {{ {address} timeout 10m }}"])

    def unban(self) -> None:
        self.banned = ()
        _run(["nft", "flush set inet car banned"])

    def set_host_name(self, name: str) -> None:
        socket.sethostname(name)

    def is_password(self, user: str, password: str) -> bool:
        """As PAM would say."""
        stored = next(line for line in Path("/etc/shadow").read_text().splitlines() if line.startswith(f"{user}:"))
        hashed = stored.split(":")[1]
        return _run(["openssl", "passwd", "-6", "-salt", hashed.split("$")[2], "-stdin"], password).strip() == hashed

    def change_password(self, user: str, old: str, new: str) -> bool:
        """`passwd`, as the user: PAM may find it too weak."""
        lines = f"{old}\n{new}\n{new}\n"
        command = ["runuser", "-u", user, "--", "passwd"]
        return subprocess.run(command, input=lines, capture_output=True, text=True, check=False).returncode == 0

    def reboot(self) -> None:
        threading.Thread(target=self._reboot, daemon=True).start()

    def power_off(self) -> None:
        threading.Thread(target=self._power_off, daemon=True).start()

    def restart_sshd(self) -> None:
        """Reads its keys again; whether it runs as a service or behind its socket."""
        name = "ssh.socket" if self.profile.ssh_socket else "ssh"
        if "ssh" in self._services:
            self.stop_unit(name)
            self.start_unit(name)

    def power_on(self) -> None:
        """Somebody pressed the button."""
        machine = self._car()
        self._new_boot_id()
        machine.boot()
        _run(["ip", "link", "set", self.interface, "up"])
        _run(["ip", "route", "replace", "224.0.0.0/4", "dev", self.interface])
        self.is_off = False

    def _power_off(self) -> None:
        _until_answered()
        self.go_down()

    def _reboot(self) -> None:
        _until_answered()
        self.go_down()
        time.sleep(self.settings["boot_s"])
        self.power_on()

    def go_down(self) -> None:
        """Silence first, as a power cut looks from the network; then nothing runs."""
        time.sleep(0.05)
        self.is_off = True
        _run(["ip", "link", "set", self.interface, "down"])
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        for process in self._services.values():
            process.wait()
        self._services.clear()
        self.stop_unit("nginx")

    def _start_avahi(self) -> None:
        """Says its name, and what lies in /etc/avahi/services: nothing, as it comes."""
        Path("/run/avahi-daemon").mkdir(exist_ok=True)
        options = ["--no-drop-root", "--no-chroot", "--no-rlimits", "--no-proc-title", "-s"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        Path("/run/avahi-daemon/pid").unlink(missing_ok=True)
        self._services["avahi-daemon"] = subprocess.Popen(["/usr/sbin/avahi-daemon", *options], **quiet)

    def _start_sshd(self) -> None:
        if "ssh" in self._services:
            return
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self._services["ssh"] = subprocess.Popen([SSHD, "-D"], stdin=subprocess.DEVNULL)
        _until_open(22)

    def _new_boot_id(self) -> None:
        boot_id = Path("/run/boot_id")
        is_mounted = boot_id.exists()
        boot_id.write_text(f"{uuid.uuid4()}\n")
        if not is_mounted:
            mount(str(boot_id), "/proc/sys/kernel/random/boot_id", None, 0x1000)

    def _car(self) -> Machine:
        assert self.machine is not None
        return self.machine


def _authorize(home: Path, lines: list[str]) -> None:
    folder = home / ".ssh"
    folder.mkdir(mode=0o700)
    (folder / "authorized_keys").write_text("".join(f"{line}\n" for line in lines))
    (folder / "authorized_keys").chmod(0o600)
    for path in (folder, folder / "authorized_keys"):
        os.chown(path, UID, UID)


def _run(command: list[str], text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr}\n{text}")
    return done.stdout


def _until_answered() -> None:
    """As systemd, which comes to the network last: who asked the helper to send it down has an answer by then."""
    deadline = time.monotonic() + DEADLINE_S
    while any(_is_asked(Path(entry.path)) for entry in os.scandir("/proc") if entry.name.isdigit()):
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)
    time.sleep(ANSWER_S)


def _is_asked(process: Path) -> bool:
    """A call of the helper, other than one that listens on and on."""
    with contextlib.suppress(OSError):
        words = (process / "cmdline").read_bytes().split(b"\0")
        return b"/usr/local/sbin/trackside-car" in words and b"listen" not in words
    return False


def _until_open(port: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S):
            return
        time.sleep(0.003)
    raise RuntimeError(f"nothing listens at port {port}")
