"""
`trackside install` on a machine that runs systemd: the private kernel, its GPIO lines, Debian's systemd as its first
process. Kills, the watchdog, the fences between the users, the shutdown button that ends it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.install_files import PROGRAM, below
from tests.faults.gpiolab import gpiolab
from tests.faults.lab import KERNEL, ROOT, needs_gpiolab

SYSTEMD = Path("/lib/systemd/systemd")
NEEDED = (SYSTEMD, Path("/usr/bin/dbus-daemon"), Path("/usr/bin/pkcheck"))
LIFE_S = 400.0
"""Under a minute and a half alone; all of `make test` runs beside it."""
SHORT_LIFE_S = 200.0
STEADY = (6, 12)
"""Private kernels before it may spin for ever, in a fault of their own, once systemd has ended some services. What was
proved until then counts there; a newer one has to go all the way."""
ENOUGH_FACTS = 4
"""Installed, again installed, an edge recorded, the fences between the users: no spin has come before these."""
UNITS = {
    "lab.target": "[Unit]\nRequires=basic.target\nWants=lab.service\nAfter=basic.target\n",
    "lab.service": """[Unit]
DefaultDependencies=no
After=basic.target
[Service]
Type=oneshot
WorkingDirectory={root}
ExecStart={python} -m tests.faults.guest_installed {share} {opt}
StandardOutput=append:{share}/output
StandardError=inherit
StandardInput=null
ExecStopPost=/bin/sh -c 'systemctl is-system-running | grep -q stopping || echo o > /proc/sysrq-trigger'
""",
    # The private kernel has no user namespaces, and the test no time for the real patience.
    "trackside-recorder.service.d/lab.conf": "[Service]\nPrivateUsers=no\nWatchdogSec=3s\n",
}
NOT_WANTED = ("systemd-udev-trigger.service", "systemd-journal-flush.service", "timers.target")
"""Hundreds of processes that prove nothing here."""

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(500),
    needs_gpiolab,
    pytest.mark.skipif(
        not all(path.exists() for path in NEEDED), reason="install systemd, dbus and polkitd to boot an installed box"
    ),
]


@pytest.fixture(scope="module")
def opt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/opt with the program that `install` copies there: made outside, where 150 MB are copied in seconds."""
    image = tmp_path_factory.mktemp("image")
    (image / "etc").mkdir()
    command = [sys.executable, "-m", "appliance.cli", "install", "--root", str(image)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return below(image, PROGRAM.parent.parent)


def test_an_installed_box_lives_under_systemd(tmp_path: Path, opt: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    life_s = LIFE_S if is_steady() else SHORT_LIFE_S
    boot = share / "boot.sh"
    boot.write_text(boot_script(share, opt))
    lab = [sys.executable, gpiolab.__file__, "--kernel", str(KERNEL), "--timeout", str(life_s), "--mem", "768M"]
    shares = [word for path in {share, opt, *of_tmp(ROOT)} for word in ("--share", str(path))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKSIDE_", "PYTEST_"))}
    done = subprocess.run(
        [*lab, "--init", *shares, "--", "sh", str(boot)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=life_s + 30,
    )
    failure = share / "failure"
    assert not failure.exists(), failure.read_text()
    facts = (share / "notes").read_text().splitlines() if (share / "notes").exists() else [done.stdout[-4000:]]
    print("\n".join(facts))
    if done.returncode == gpiolab.TIMED_OUT and not is_steady():
        assert len(facts) >= ENOUGH_FACTS, facts
        return
    assert facts[-1].endswith("the shutdown button is held"), facts
    assert "Powering off." in done.stdout
    assert "sysrq" not in done.stdout, "it went off because the button was held"


def is_steady() -> bool:
    """Whether the private kernel is new enough to go on for as long as it takes."""
    told = subprocess.run([str(KERNEL), "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in told.split(".")[:2]) >= STEADY


def boot_script(share: Path, opt: Path) -> str:
    """The guest's first process: lays units that live until its power goes, then becomes systemd."""
    folder = share / "units"
    for name, text in UNITS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(root=ROOT, python=sys.executable, share=share, opt=opt))
    return f"""mkdir -p /run/systemd/system
cp -r {folder}/. /run/systemd/system/
for unit in {" ".join(NOT_WANTED)}; do ln -s /dev/null /run/systemd/system/$unit; done
exec {SYSTEMD} --unit=lab.target --show-status=no --log-target=journal
"""


def of_tmp(path: Path) -> list[Path]:
    """Inside, /tmp is another one."""
    return [path] if path.is_relative_to("/tmp") else []
