"""The units and what belongs to them, asked of systemd's own tools; nothing is started."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance import install_files as files

UNITS = (files.RECORDER, files.SERVER)
EXPOSURE_LIMIT = {files.RECORDER: 10, files.SERVER: 20}
"""Tenths of `systemd-analyze security`; 10.0 is a service without any fence, below 2 is rare."""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Both units where their program exists; everything else of them is as it is installed."""
    for name in UNITS:
        text = (files.source_folder() / name).read_text()
        assert text.count(f"ExecStart={files.PROGRAM}/bin/trackside ") == 1
        (tmp_path / name).write_text(text.replace(f"{files.PROGRAM}/bin/trackside ", "/bin/true "))
    return tmp_path


def settings_of(unit: str) -> dict[str, str]:
    """What stands in a unit, the last line of each name."""
    text = (files.source_folder() / unit).read_text()
    return dict(re.findall(r"^(\w+)=(.*)$", text, flags=re.MULTILINE))


def test_systemd_finds_nothing_wrong_with_the_units(units: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(units / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_a_word_that_systemd_does_not_know_would_be_found(units: Path) -> None:
    with (units / files.SERVER).open("a") as unit:
        unit.write("\n[Service]\nProtectEverything=yes\n")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(units / files.SERVER)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ProtectEverything" in done.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_are_well_fenced(units: Path, unit: str) -> None:
    threshold = f"--threshold={EXPOSURE_LIMIT[unit]}"
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", threshold, str(units / unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Overall exposure level" in done.stdout
    assert done.returncode == 0, done.stdout


def test_a_killed_recorder_is_back_at_once_and_never_given_up() -> None:
    recorder = settings_of(files.RECORDER)
    assert (recorder["Restart"], recorder["RestartSec"], recorder["StartLimitIntervalSec"]) == ("always", "200ms", "0")
    assert int(recorder["OOMScoreAdjust"]) < 0 < int(settings_of(files.SERVER)["OOMScoreAdjust"])
    assert int(recorder["Nice"]) < 0


def test_restarting_one_unit_leaves_the_other_alone() -> None:
    for unit in UNITS:
        text = (files.source_folder() / unit).read_text()
        assert not re.search(r"^(PartOf|BindsTo|Requires|Requisite|Conflicts)=", text, flags=re.MULTILINE)
        # systemd would take the directory of the socket, or the data, from one user to the other at each start.
        assert not re.search(r"^(RuntimeDirectory|StateDirectory)=", text, flags=re.MULTILINE)


def test_the_users_and_directories_are_made_as_the_units_need_them(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    source = files.source_folder()
    subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", str(source / "sysusers.conf")], check=True, capture_output=True
    )
    users = {line.split(":")[0] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    assert {settings_of(unit)["User"] for unit in UNITS} <= users
    groups = dict(re.findall(r"^([\w-]+):x:\d+:(.*)$", (tmp_path / "etc/group").read_text(), flags=re.MULTILINE))
    assert {"trackside", "trackside-data", "trackside-crew", "gpio"} <= groups.keys()
    assert groups["trackside-crew"] == "", "the recorder is not of the crew"
    assert groups["gpio"] == "trackside-recorder", "the server may not open GPIO chips"
    assert set(groups["trackside-data"].split(",")) == {"trackside", "trackside-recorder"}
    subprocess.run(
        ["systemd-tmpfiles", f"--root={tmp_path}", "--create", str(source / "tmpfiles.conf")],
        check=True,
        capture_output=True,
    )
    data, runtime, crew = (tmp_path / one for one in ("var/lib/trackside", "run/trackside", "run/trackside-crew"))
    assert oct(data.stat().st_mode & 0o7777) == "0o3770", "sticky: neither takes the other's files away"
    assert oct(runtime.stat().st_mode & 0o7777) == "0o2750", "setgid: the socket belongs to the group"
    assert oct(crew.stat().st_mode & 0o7777) == "0o2750", "for its group, and closed to all others"
    ids = dict(re.findall(r"^([\w-]+):x:(\d+):", (tmp_path / "etc/passwd").read_text(), flags=re.MULTILINE))
    assert str(crew.stat().st_uid) == ids[settings_of(files.SERVER)["User"]], "the server's own"
    for unit in UNITS:
        for place in settings_of(unit)["ReadWritePaths"].split():
            assert (tmp_path / place.lstrip("/")).is_dir(), "a missing path would keep the unit from starting"


def test_what_root_made_by_hand_is_given_back(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    data = tmp_path / "var/lib/trackside"
    data.mkdir(parents=True)
    names = ("edges.db", "edges.db.lock", "trackside.db", "trackside.db-wal", "secret.key")
    for name in names:
        (data / name).touch(0o644)
    source = files.source_folder()
    for command in (
        ["systemd-sysusers", f"--root={tmp_path}", str(source / "sysusers.conf")],
        ["systemd-tmpfiles", f"--root={tmp_path}", "--create", str(source / "tmpfiles.conf")],
    ):
        subprocess.run(command, check=True, capture_output=True)
    ids = dict(re.findall(r"^([\w-]+):x:(\d+):", (tmp_path / "etc/passwd").read_text(), flags=re.MULTILINE))
    owners = {name: str((data / name).stat().st_uid) for name in names}
    assert {owners["edges.db"], owners["edges.db.lock"]} == {ids["trackside-recorder"]}
    assert {owners["trackside.db"], owners["trackside.db-wal"], owners["secret.key"]} == {ids["trackside"]}
    assert {oct((data / name).stat().st_mode & 0o777) for name in names} == {"0o600"}


def test_the_udev_rule_is_one_that_udev_takes(tmp_path: Path) -> None:
    rule = files.source_folder() / "udev.rules"
    assert 'KERNEL=="gpiochip[0-9]*", GROUP="gpio", MODE="0660"' in rule.read_text()
    done = subprocess.run(
        ["udevadm", "verify", "--resolve-names=never", str(rule)], capture_output=True, text=True, check=False
    )
    if "Unknown command verb" not in done.stderr:  # udev before 254 has no such check.
        assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_recorder_may_power_off() -> None:
    text = (files.source_folder() / "polkit.rules").read_text()
    assert 'subject.user == "trackside-recorder"' in text
    actions = set(re.findall(r'action\.id == "([^"]+)"', text))
    assert actions == {
        f"org.freedesktop.login1.power-off{suffix}" for suffix in ("", "-multiple-sessions", "-ignore-inhibit")
    }
    assert text.count("polkit.Result") == 1


def test_the_drem_kit_opens_the_network_and_nothing_else(units: Path) -> None:
    folder = units / f"{files.RECORDER}.d"
    folder.mkdir()
    shutil.copy(files.source_folder() / "drem-kit.conf", folder)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", str(units / files.RECORDER)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"✗ PrivateNetwork=", done.stdout)
    assert done.returncode == 0, done.stdout
    text = (folder / "drem-kit.conf").read_text()
    assert set(re.findall(r"^(\w+)=", text, flags=re.MULTILINE)) == {
        "PrivateNetwork",
        "RestrictAddressFamilies",
        "IPAddressDeny",
    }


def test_the_server_may_announce_itself_and_hear_the_hall() -> None:
    """Multicast DNS: UDP on both families, and the kernel asked for addresses (getaddrinfo, getifaddrs)."""
    server = settings_of(files.SERVER)
    assert {"AF_INET", "AF_INET6", "AF_NETLINK"} <= set(server["RestrictAddressFamilies"].split())
    for fence in ("IPAddressDeny", "SocketBindDeny", "RestrictNetworkInterfaces", "PrivateNetwork"):
        assert fence not in server
