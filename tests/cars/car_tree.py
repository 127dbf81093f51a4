"""
A car's file tree in a directory, with a copy of the root helper that knows no other: for tests of root.

The real helper has no way to be told another root. The copy differs in two constants, and in others only by `changes`.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HELPER = Path(__file__).resolve().parents[2] / "cars/on_car/trackside-car"
PATH = 'PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'
PORT = "CONSOLE_PORT = 5001"
SENDER = 54_321
"""The user who calls by sudo; no such user is needed."""
SETTLED_S = 60


def oldest_python() -> str:
    """The oldest Python from 3.8 on, a stock car's, that answers on this machine: at worst the one of the tests."""
    versions = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for minor in range(8, 14):
        for candidate in (shutil.which(f"python3.{minor}"), *versions.glob(f"3.{minor}.*/bin/python")):
            # A version manager's stub may be there and refuse to run.
            if candidate and not subprocess.run([candidate, "-c", ""], check=False, capture_output=True).returncode:
                return str(candidate)
    return sys.executable


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do what the helper on a car does")

SHIM = """\
#!/bin/sh
here=${0%/*} name=${0##*/}
printf '%s' "$name" >> "$here/calls"
for word in "$@"; do printf ' %s' "$word" >> "$here/calls"; done
echo >> "$here/calls"
[ ! -e "$here/$name.hangs" ] || exec sleep 600
[ ! -e "$here/$name.told" ] || cat "$here/$name.told"
exit "$(cat "$here/$name.exit" 2>/dev/null || echo 0)"
"""
OURS = ("bash", "cat", "sleep")
"""What the shims themselves need; a car of the tests has no other program of this machine."""
PROGRAMS = ("systemctl", "ros2", "ufw", "iw", "timedatectl", "hwclock", "date", "dpkg-query", "journalctl")
SYSTEMS = "opt/aws/deepracer/lib/deepracer_systems_pkg/lib/python3.8/site-packages/deepracer_systems_pkg"
UPDATES = f"{SYSTEMS}/software_update_module/software_update_config.py"
ROS_ANSWER = (
    "requester: making request: x\n\nresponse:\ndeepracer_interfaces_pkg.srv.EnableStateSrv_Response(error=0)\n"
)


def digest(kind: str, data: bytes) -> str:
    """As the car compares it."""
    return hashlib.new(kind, data).hexdigest()


class CarTree:
    """`root` becomes a car; `helper` is the program to call there."""

    def __init__(self, root: Path, changes: dict[str, str] | None = None) -> None:
        self.root = root
        self.shims = root / "shims"
        self.home = root / "opt/aws/deepracer"
        self.artifacts = self.home / "artifacts"
        self.work = self.home / ".trackside"
        self.helper = root / "usr/local/sbin/trackside-car"
        self._grow()
        self._copy(changes or {})

    def _grow(self) -> None:
        self.shims.mkdir(parents=True)
        self.shims.chmod(0o755)
        for name in PROGRAMS:
            (self.shims / name).write_text(SHIM)
            (self.shims / name).chmod(0o755)
        for name in OURS:
            found = shutil.which(name)
            assert found is not None
            (self.shims / name).symlink_to(found)
        self.tells("ros2", ROS_ANSWER)
        self.tells("iw", "Power save: on\n")
        self.tells("timedatectl", "Timezone=Etc/UTC\nNTP=no\n")
        self.tells("ufw", "Status: active\n")
        self.tells("systemctl", "active\n")
        self.tells("dpkg-query", "aws-deepracer-core 2.1.2.7\naws-deepracer-util 2.0.61.0\n")
        for name in ("Sample_single_cam", "Sample_stereo_cam", "AWS Sample"):
            self.model(name, b"a sample", b"{}")
        self.put("opt/aws/deepracer/lib/setup.bash", "")
        self.put("opt/aws/deepracer/password.txt", "a" * 56)
        self.put(UPDATES, "ENABLE_PERIODIC_SOFTWARE_UPDATE = True\nINTERVAL = 900\n")
        self.put("sys/class/dmi/id/chassis_serial", "amss-1234\n")
        self.put("sys/class/net/mlan0/address", "00:11:22:33:44:55\n")
        self.put("etc/os-release", 'ID=ubuntu\nVERSION_ID="20.04"\nPRETTY_NAME="Ubuntu 20.04.1 LTS"\n')
        self.put("etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAAC3Nza root@car\n")
        self.put("lib/systemd/systemd-timesyncd", "")
        for folder in ("etc/avahi/services", "etc/NetworkManager/conf.d"):
            (self.root / folder).mkdir(parents=True)
        (self.home / "logs").mkdir()
        (self.root / "root/.ros/log").mkdir(parents=True)

    def _copy(self, changes: dict[str, str]) -> None:
        text = HELPER.read_text()
        wanted = {
            'ROOT = ""': f'ROOT = "{self.root}"',
            PATH: f'PATH = "{self.shims}"',
            PORT: "CONSOLE_PORT = 9",
            **changes,
        }
        for old, new in wanted.items():
            assert text.count(f"\n{old}") == 1, old
            text = text.replace(f"\n{old}", f"\n{new}")
        self.helper.parent.mkdir(parents=True)
        self.helper.write_text(text)
        self.helper.chmod(0o755)

    def put(self, path: str, text: str) -> Path:
        """A file of the car."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def model(self, folder: str, pb: bytes, metadata: bytes, **more: bytes) -> Path:
        """A model that is on the car already; `more` files have a dot where the name has two underscores."""
        path = self.artifacts / folder
        path.mkdir(parents=True)
        checksum = digest("md5", pb).encode()
        files = {"model.pb": pb, "model_metadata.json": metadata, "checksum.txt": checksum, **more}
        for name, data in files.items():
            (path / name.replace("__", ".")).write_bytes(data)
        return path

    def tells(self, program: str, text: str, status: int = 0) -> None:
        """What a program prints from now on, and how it ends."""
        (self.shims / f"{program}.told").write_text(text)
        (self.shims / f"{program}.exit").write_text(str(status))

    @property
    def calls(self) -> list[str]:
        """Every call of a program so far."""
        file = self.shims / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def call(self, *arguments: str, python: str | None = None, sends: bytes = b"") -> dict[str, Any]:
        """One call as sudo makes it, with bytes for its standard input; what it answers is its last line."""
        done = self.run(*arguments, python=python, sends=sends)
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert done.returncode == (0 if told["ok"] else 1)
        return told

    def run(
        self, *arguments: str, python: str | None = None, sends: bytes = b""
    ) -> "subprocess.CompletedProcess[bytes]":
        """The same, with everything that it says."""
        done = subprocess.run(
            [python or sys.executable, "-IS", str(self.helper), *arguments],
            env={"SUDO_UID": str(SENDER), "SUDO_GID": str(SENDER)},
            input=sends,
            capture_output=True,
            timeout=SETTLED_S,
            check=False,
        )
        assert done.stderr == b""
        return done

    def stage(self, token: str, pb: bytes, metadata: bytes) -> tuple[str, str, str]:
        """Bring a model to the car, without installing it; answers the digests that `install` asks for."""
        digests = digest("md5", pb), digest("sha256", pb), digest("sha256", metadata)
        offered = self.call("offer", token, "not-there", *digests)
        assert offered["ok"], offered
        for name, data in (("model.pb", pb), ("model_metadata.json", metadata)):
            told = self.call("receive", token, name, "0", str(len(data)), sends=data)
            assert told == {"ok": True, "sha256": digest("sha256", data)}
        return digests

    def held(self, folder: str) -> dict[str, bytes] | None:
        """What a model's folder holds; None where there is none."""
        path = self.artifacts / folder
        return {file.name: file.read_bytes() for file in path.iterdir()} if path.is_dir() else None
