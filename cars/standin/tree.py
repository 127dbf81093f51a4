"""The files of a stand-in car, below any folder: what stands where on the real one, with what in it."""

import hashlib
import json
from pathlib import Path

from cars.standin.machine import Machine, tree_path
from cars.standin.profiles import Profile, Sudo

DEEPRACER = "opt/aws/deepracer"
SAMPLES = {
    "Sample_single_cam": ["FRONT_FACING_CAMERA"],
    "Sample_stereo_cam": ["STEREO_CAMERAS"],
    "Sample_lidar_stereo_cam": ["STEREO_CAMERAS", "SECTOR_LIDAR"],
}
SAMPLE_BYTES = 40_000


def lay_out(machine: Machine) -> None:
    """Everything below opt/aws/deepracer and the release files; owned by whoever runs this."""
    profile, top = machine.profile, machine.root / DEEPRACER
    for folder in ("artifacts", "logs", "util", "lib", "nginx"):
        (top / folder).mkdir(parents=True, exist_ok=True)
    for name, sensors in SAMPLES.items():
        put_model(top / "artifacts" / name, sample_bytes(name), sensors)
    # Compared unstripped by the console: no newline.
    (top / "password.txt").write_text(hashlib.sha224(_console_password(machine).encode()).hexdigest())
    (top / "token.txt").write_text("")
    (top / "calibration.json").write_text(json.dumps({"servo": {"min": 1_300_000, "mid": 1_450_000, "max": 1_700_000}}))
    (top / "sensor_configuration.json").write_text(json.dumps({"lidar": {}}))
    (top / "software_update_status.json").write_text(json.dumps({"update_completed": False}))
    machine.set_light(0, 0, 9_999_825)
    (top / "lib/setup.bash").write_text(
        f'export ROS_DISTRO={profile.ros}\nexport PATH="{machine.root / "opt/ros/bin"}:$PATH"\n'
    )
    _write(machine, tree_path(profile, "network_monitor_module/network_config.py"), network_config(profile))
    _write(machine, tree_path(profile, "software_update_module/software_update_config.py"), UPDATE_CONFIG)
    _write(machine, "etc/os-release", os_release(profile))
    _write(machine, "etc/hostname", f"{machine.host_name}\n")
    _write(machine, "etc/hosts", f"127.0.0.1\tlocalhost\n127.0.1.1\t{machine.host_name}\n")
    if profile.sudo is Sudo.FREE:
        _write(machine, f"etc/sudoers.d/{profile.username}", f"{profile.username} ALL=(root) NOPASSWD:ALL\n", 0o440)
    for path, content in profile.extra.items():
        _write(machine, path, content)


UPDATE_CONFIG = "ENABLE_PERIODIC_SOFTWARE_UPDATE = True\nSOFTWARE_UPDATE_PERIOD_IN_SECONDS = 900.0\n"


def network_config(profile: Profile) -> str:
    """Whether the core names the machine after its serial at each start."""
    return f"SET_HOSTNAME_TO_CHASSIS_SERIAL_NUMBER = {profile.sets_host_name}\n"


def os_release(profile: Profile) -> str:
    name, version = "Ubuntu", profile.os_version
    return (
        f'NAME="{name}"\nVERSION="{version} LTS"\nID={profile.os_id}\nID_LIKE=debian\n'
        f'PRETTY_NAME="{name} {version} LTS"\nVERSION_ID="{version}"\n'
        f"VERSION_CODENAME={profile.codename}\nUBUNTU_CODENAME={profile.codename}\n"
    )


def put_model(folder: Path, frozen: bytes, sensors: list[str]) -> None:
    """A model as the car's loader leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {
        "action_space": [{"steering_angle": angle, "speed": 1.0, "index": at} for at, angle in enumerate((-30, 0, 30))],
        "sensor": sensors,
        "neural_network": "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",
        "training_algorithm": "clipped_ppo",
        "action_space_type": "discrete",
        "version": "4",
    }
    (folder / "model.pb").write_bytes(frozen)
    (folder / "model_metadata.json").write_text(json.dumps(metadata))
    (folder / "checksum.txt").write_text(f"{hashlib.md5(frozen, usedforsecurity=False).hexdigest()}\n")


def sample_bytes(name: str) -> bytes:
    """The same on every car, as the package has them; no network that could drive."""
    return hashlib.shake_128(name.encode()).digest(SAMPLE_BYTES)


def firmware(machine: Machine, sys: Path) -> None:
    """What it says of the chassis, below /sys; the serial is root's to read. A Pi has a device tree instead."""
    if not machine.profile.has_dmi:
        tree = sys / "firmware/devicetree/base"
        tree.mkdir(parents=True, exist_ok=True)
        (tree / "serial-number").write_text(f"{machine.serial}\0")
        return
    folder = sys / "class/dmi/id"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text, mode in (
        ("chassis_serial", machine.serial, 0o400),
        ("chassis_asset_tag", machine.asset_tag, 0o444),
        ("product_name", "DeepRacer", 0o444),
        ("sys_vendor", "AWS", 0o444),
    ):
        (folder / name).write_text(f"{text}\n")
        (folder / name).chmod(mode)


def _console_password(machine: Machine) -> str:
    return machine.asset_tag if machine.profile.has_dmi else "deepracer"


def _write(machine: Machine, path: str, content: str, mode: int = 0o644) -> None:
    target = machine.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_text(content)
    target.chmod(mode)
