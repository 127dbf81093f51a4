"""What the console's /api answers; shapes as the stock web server's."""

import fnmatch
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cars.standin import console_models, recordings
from cars.standin.machine import Call, Machine
from cars.standin.tools import answered

MAX_BODY = 200 * 1024 * 1024
"""nginx's client_max_body_size."""
LED_SCALE = 39_215
SYSTEM = 0


@dataclass(frozen=True, slots=True)
class Request:
    """One call, past nginx and CSRF."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    content_type: str

    @property
    def json(self) -> dict[str, Any]:
        """The body; empty when it is none."""
        try:
            read = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}


Reply = dict[str, Any] | list[Any]


def answer(machine: Machine, request: Request) -> Reply | None:
    """None: there is no such call."""
    for (methods, pattern, community), call in CALLS.items():
        is_here = machine.profile.is_community or not community
        if is_here and request.method in methods.split() and fnmatch.fnmatchcase(request.path, pattern):
            machine.calls.append(("console", request.method, request.path))
            return call(machine, request)
    return None


def tool(machine: Machine, *argv: str) -> str:
    """A tool of the car, as root, as the console types it."""
    return answered(machine, Call(argv, SYSTEM)).out


def is_ssh_enabled(machine: Machine, _: Request) -> Reply:
    is_running = "active (running)" in tool(machine, "systemctl", "--no-pager", "status", "ssh")
    is_open = any(22 in rule.ports and rule.text != "OpenSSH" for rule in machine.firewall.rules)
    is_on = is_running and is_open
    return {"success": True, "isSshEnabled": is_on, "reason": "Ssh is enabled." if is_on else "Ssh not enabled."}


def enable_ssh(machine: Machine, _: Request) -> Reply:
    """The community's passes `a && b` to no shell: systemctl is asked for a unit called &&."""
    if machine.profile.is_community:
        return {"success": True, "isSshEnabled": True, "reason": "Ssh enabled."}
    tool(machine, "service", "ssh", "start")
    tool(machine, "ufw", "allow", "ssh")
    return {"success": True, "isSshEnabled": True, "reason": "Ssh enabled."}


def disable_ssh(machine: Machine, _: Request) -> Reply:
    if not machine.profile.is_community:
        tool(machine, "service", "ssh", "stop")
    return {"success": True, "isSshEnabled": False, "reason": "Ssh disabled."}


def is_default_changed(machine: Machine, _: Request) -> Reply:
    is_changed = not machine.effects.is_password("deepracer", "deepracer")
    reason = "Default password changed" if is_changed else "Default password not changed"
    return {"success": True, "isDefaultSshPasswordChanged": is_changed, "reason": reason}


def reset_ssh_password(machine: Machine, request: Request) -> Reply:
    old, new = request.json.get("oldPassword"), request.json.get("newPassword")
    if old is None or new is None:
        return {"success": False, "reason": "Error"}
    if not machine.effects.is_password("deepracer", old):
        return {"success": False, "reason": "The password is incorrect. Provide your current password."}
    if not machine.effects.change_password("deepracer", old, new):
        return {"success": False, "reason": "The password update was unsuccessful."}
    return {"success": True}


def set_console_password(machine: Machine, request: Request) -> Reply:
    path = machine.root / "opt/aws/deepracer/password.txt"
    if console_models.sha224(str(request.json.get("old_password"))) != path.read_text():
        return {"success": False, "reason": "The password is incorrect. Provide your current password."}
    path.write_text(console_models.sha224(str(request.json.get("new_password"))))
    return {"success": True}


def start_stop(machine: Machine, request: Request) -> Reply:
    wanted = request.json.get("start_stop")
    if wanted is None:
        return {"success": False, "reason": "start_stop must be set."}
    recordings.drive(machine, is_on=wanted != "stop")
    return {"success": True}


def drive_mode(machine: Machine, request: Request) -> Reply:
    mode = request.json.get("drive_mode")
    if mode is None:
        return {"success": False, "reason": "drive_mode must be set."}
    machine.drive_mode = "manual" if mode == "manual" else "auto"
    return {"success": True}


def max_throttle(machine: Machine, request: Request) -> Reply:
    throttle = request.json.get("throttle")
    if throttle is None:
        return {"success": False, "reason": "value must be set."}
    machine.max_throttle = float(throttle)
    return {"success": True}


def manual_drive(_: Machine, request: Request) -> Reply:
    for name in ("angle", "throttle", "max_speed"):
        if request.json.get(name) is None:
            return {"success": False, "reason": f"{name} is required"}
    return {"success": True}


def emergency_stop(machine: Machine, _: Request) -> Reply:
    """It is a restart of the core, whatever it is called."""
    machine.is_driving = False
    machine.restart("deepracer-core")
    return {"success": True}


def set_light(machine: Machine, request: Request) -> Reply:
    levels = [int(request.json.get(colour, -1)) for colour in ("red", "green", "blue")]
    if not all(0 <= level <= 255 for level in levels):
        return {"success": False, "reason": "Input is not valid"}
    machine.set_light(*(level * LED_SCALE for level in levels))
    return {"success": True}


def light(machine: Machine, _: Request) -> Reply:
    red, green, blue = (level // LED_SCALE for level in machine.light)
    return {"success": True, "red": red, "green": green, "blue": blue}


def battery(machine: Machine, _: Request) -> Reply:
    return {"success": True, "battery_level": machine.battery}


def sensors(_: Machine, __: Request) -> Reply:
    return {
        "success": True,
        "camera_status": "connected",
        "stereo_status": "not_connected",
        "lidar_status": "not_connected",
    }


def device_info(machine: Machine, _: Request) -> Reply:
    version = dict(machine.profile.packages)["aws-deepracer-core"]
    facts: dict[str, Any] = {"success": True, "hardware_version": "R2.1", "software_version": version}
    if machine.profile.is_community:
        facts |= {"os_version": f"Ubuntu {machine.profile.os_version} LTS", "ros_distro": machine.profile.ros}
        facts |= {"cpu_model": "Stand-in", "disk_amount": "29GB", "ram_amount": "4GB"}
    return facts


def device_status(_: Machine, __: Request) -> Reply:
    status = {"cpu_percent": 31.0, "cpu_temp": 52.0, "cpu_freq": 1600, "cpu_freq_max": 1920, "memory_usage": 41.0}
    return {"success": True, **status, "free_disk": 63.0, "latency_mean": 12.0, "latency_p95": 19.0, "fps_mean": 29.9}


def network(machine: Machine, _: Request) -> Reply:
    return {"success": True, "SSID": "trackside", "ip_address": machine.address, "is_usb_connected": "false"}


def update_status(machine: Machine, request: Request) -> Reply:
    path = machine.root / "opt/aws/deepracer/software_update_status.json"
    if request.method == "GET":
        return {"success": True, "status": json.loads(path.read_text())["update_completed"]}
    path.write_text(json.dumps({"update_completed": bool(request.json.get("update_completed"))}))
    return {"success": True}


def system_log(machine: Machine, request: Request) -> Reply:
    count = int(request.path.rsplit("/", 1)[1])
    path = machine.root / "var/log/syslog"
    lines = path.read_text().splitlines() if path.exists() else []
    return {"success": True, "data": lines[-min(count, 1000) :]}


def supported(machine: Machine, _: Request) -> Reply:
    return {"success": True, "apis_supported": sorted(pattern for _, pattern, _ in CALLS)}


def ready(_: Machine, __: Request) -> Reply:
    return {"success": True}


CALLS: dict[tuple[str, str, bool], Callable[[Machine, Request], Reply]] = {
    ("GET", "/api/models", False): console_models.selectable,
    ("GET", "/api/uploaded_model_list", False): console_models.uploaded,
    ("GET", "/api/is_model_installed", False): console_models.is_installed,
    ("GET", "/api/isModelLoading", False): console_models.is_loading,
    ("PUT POST", "/api/models/*/*", False): console_models.load,
    ("PUT POST", "/api/uploadModels", False): console_models.upload,
    ("PUT POST", "/api/deleteModels", False): console_models.delete,
    ("GET", "/api/isSshEnabled", False): is_ssh_enabled,
    ("GET", "/api/enableSsh", False): enable_ssh,
    ("GET", "/api/disableSsh", False): disable_ssh,
    ("GET", "/api/isSshDefaultPasswordChanged", False): is_default_changed,
    ("PUT POST", "/api/resetSshPassword", False): reset_ssh_password,
    ("PUT POST", "/api/password", False): set_console_password,
    ("PUT POST", "/api/start_stop", False): start_stop,
    ("PUT POST", "/api/drive_mode", False): drive_mode,
    ("PUT POST", "/api/max_nav_throttle", False): max_throttle,
    ("PUT POST", "/api/manual_drive", False): manual_drive,
    ("POST", "/api/emergency_stop", True): emergency_stop,
    ("POST", "/api/set_led_color", False): set_light,
    ("GET", "/api/get_led_color", False): light,
    ("GET", "/api/get_battery_level", False): battery,
    ("GET", "/api/get_sensor_status", False): sensors,
    ("GET", "/api/get_device_info", False): device_info,
    ("GET", "/api/get_device_status", True): device_status,
    ("GET", "/api/get_network_details", False): network,
    ("GET", "/api/get_mandatory_update_status", False): update_status,
    ("PUT", "/api/set_mandatory_update_status", False): update_status,
    ("GET", "/api/logs/SYS/*", False): system_log,
    ("GET", "/api/supported_apis", True): supported,
    ("GET", "/api/server_ready", False): ready,
}
"""Methods, path, whether only the community's console has it."""
