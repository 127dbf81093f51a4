"""ros2 and the car's own small tools: what ros2cli prints, and that it waits for ever while the core is down."""

import re
import time
from collections.abc import Callable

from cars.standin import recordings
from cars.standin.machine import Answer, Call, Machine

INTERFACES = "deepracer_interfaces_pkg/srv"
Fields = dict[str, str]


def ros2(machine: Machine, call: Call) -> Answer:
    """`ros2 service call|list`, `ros2 param get`."""
    time.sleep(machine.ros_start_s)
    match call.words:
        case ("service", "call", name, kind, *values):
            return _service_call(machine, call, name, kind, values[0] if values else "{}")
        case ("service", "list"):
            names = _services(machine) if machine.core_is_up else {}
            return Answer("".join(f"{name}\n" for name in sorted(names)))
        case ("param", "get", node, parameter):
            return _param(machine, call, node, parameter)
    return Answer(err="usage: ros2 [-h] Call `ros2 <command> -h` for more detailed usage. ...\n", code=2)


def get_ad_level(machine: Machine, call: Call) -> Answer:
    """/opt/aws/deepracer/util/get_ad_level.sh: the drive battery, without ROS."""
    if not call.is_root:
        return Answer(err="Error: Could not open file `/dev/i2c-1': Permission denied\n", code=1)
    return Answer(f"{machine.battery}\n")


def _service_call(machine: Machine, call: Call, name: str, kind: str, values: str) -> Answer:
    if kind.count("/") != 2:
        return Answer(err="The passed service type is invalid\n", code=1)
    call.say("waiting for service to become available...\n")
    while not machine.wait_for_core(call.is_gone) or name not in _services(machine):
        if machine.wait_until_gone(call.is_gone):
            return Answer(code=1)
    expected, answer = _services(machine)[name]
    if kind != expected:
        while not machine.wait_until_gone(call.is_gone):
            pass
        return Answer(code=1)
    fields = dict(re.findall(r"(\w+): *([^,}\s]+)", values))
    python = kind.replace("/", ".")
    call.say(f"requester: making request: {python}_Request({_repr(fields)})\n\n")
    return Answer(f"response:\n{python}_Response({_repr(answer(fields))})\n\n")


def _services(machine: Machine) -> dict[str, tuple[str, Callable[[Fields], Fields]]]:
    """Every service by name: its type, and what answers it."""

    def set_light(fields: Fields) -> Fields:
        light = tuple(int(fields.get(colour, 0)) for colour in ("red", "green", "blue"))
        if not all(0 <= level <= 10_000_000 for level in light):
            return {"error": "1"}
        machine.set_light(light[0], light[1], light[2])
        return {"error": "0"}

    def light(_: Fields) -> Fields:
        red, green, blue = machine.light
        return {"red": str(red), "green": str(green), "blue": str(blue), "error": "0"}

    def enable(fields: Fields) -> Fields:
        recordings.drive(machine, is_on=fields.get("is_active", "false").lower() == "true")
        return {"error": "0"}

    services: dict[str, tuple[str, Callable[[Fields], Fields]]] = {
        "/servo_pkg/set_led_state": (f"{INTERFACES}/SetLedCtrlSrv", set_light),
        "/ctrl_pkg/set_car_led": (f"{INTERFACES}/SetLedCtrlSrv", set_light),
        "/ctrl_pkg/get_car_led": (f"{INTERFACES}/GetLedCtrlSrv", light),
        "/i2c_pkg/battery_level": (f"{INTERFACES}/BatteryLevelSrv", lambda _: {"level": str(machine.battery)}),
        "/ctrl_pkg/enable_state": (f"{INTERFACES}/EnableStateSrv", enable),
    }
    if machine.profile.is_community:
        stopped = {"success": "True", "message": "''"}
        services["/logging_pkg/stop_logging"] = ("std_srvs/srv/Trigger", lambda _: stopped)
    return services


def _param(machine: Machine, call: Call, node: str, parameter: str) -> Answer:
    if not machine.core_is_up or node != "/logging_pkg/bag_log_node" or not machine.profile.is_community:
        return Answer(err="Node not found\n", code=1)
    if parameter != "output_path":
        return Answer("Parameter not set.\n")
    path = "/opt/aws/deepracer/logs"
    return Answer(f"{path}\n" if call.has("--hide-type") else f"String value is: {path}\n")


def _repr(fields: Fields) -> str:
    return ", ".join(
        f"{name}={value.capitalize() if value in {'true', 'false'} else value}" for name, value in fields.items()
    )
