"""
model_metadata.json, as a car understands it. Pure.

The names are those of the cars' own enums (webserver_pkg/constants.py), case and all: a car lists a model with
another name as disabled, or not at all. What a car would take and a racer should know becomes a warning.
"""

import codecs
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from cars.inspection import DOWNLOAD_AGAIN, Unfit, shown
from cars.model_structs import ActionSpace

MAX_METADATA_BYTES = 256 * 1024
"""A model with 60 actions has 4 kB."""
MAX_DEPTH = 16
"""A real one is 3 deep; a deep one would only try Python's stack."""
MAX_ACTIONS = 1_000
MAX_DIGITS = 30
"""Longer numbers are no speed, and a million digits take seconds to read."""

CAMERAS = frozenset({"observation", "FRONT_FACING_CAMERA", "LEFT_CAMERA", "STEREO_CAMERAS"})
LIDARS = frozenset({"LIDAR", "SECTOR_LIDAR"})
SENSORS = CAMERAS | LIDARS
ALGORITHMS = frozenset({"clipped_ppo", "sac"})
NETWORKS = frozenset(
    {
        "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",
        "DEEP_CONVOLUTIONAL_NETWORK",
        "DEEP_CONVOLUTIONAL_NETWORK_DEEP",
    }
)

MAX_STEERING_DEGREES = 30.0
"""Further the wheels do not turn."""
MAX_SPEED_MPS = 4.0
"""The most that a training in the cloud offered; a car maps the fastest action to its own fastest."""

_ASK_TRAINER = "Download the physical car model again and upload it unchanged; its model_metadata.json must be whole."


@dataclass(frozen=True, slots=True)
class Metadata:
    """What matters of it; `actions` is None for a continuous space, `text` is what a car can read."""

    sensors: tuple[str, ...]
    action_space: ActionSpace
    actions: int | None
    algorithm: str
    warnings: tuple[str, ...]
    text: bytes


def read_metadata(data: bytes) -> Metadata:
    """
    Read and check it.

    Returns:
        `text` is `data`, but as UTF-8 without a byte-order mark where it had one: the cars' reader stops at it.

    Raises:
        Unfit: No car could drive by it.
    """
    text = _decoded(data)
    fields = _parsed(text)
    if str(fields.get("neural_network")).upper() == "LLM":
        raise Unfit(
            "This model drives with a language model, which no car can run.",
            "Upload the physical car model of a training with PPO or SAC.",
        )
    sensors = _sensors(fields)
    kind = _choice(fields, "action_space_type", "discrete", frozenset(ActionSpace))
    algorithm = _choice(fields, "training_algorithm", "clipped_ppo", ALGORITHMS)
    space = ActionSpace(kind)
    actions, action_warnings = _discrete(fields) if space is ActionSpace.DISCRETE else _continuous(fields)
    cleaned = text.encode()
    warnings = [*_sensor_warnings(fields, sensors), *action_warnings, *_network_warnings(fields)]
    return Metadata(
        sensors=sensors,
        action_space=space,
        actions=actions,
        algorithm=algorithm,
        warnings=tuple(warnings),
        text=data if cleaned == data else cleaned,
    )


def _decoded(data: bytes) -> str:
    if not data.strip():
        raise Unfit("model_metadata.json is empty.", DOWNLOAD_AGAIN)
    if len(data) > MAX_METADATA_BYTES:
        raise Unfit(f"model_metadata.json is larger than {MAX_METADATA_BYTES // 1024} kB.", DOWNLOAD_AGAIN)
    coding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(coding)
    except UnicodeDecodeError as error:
        raise Unfit("model_metadata.json is no text in UTF-8.", DOWNLOAD_AGAIN) from error


def _parsed(text: str) -> Mapping[str, object]:
    if text.lstrip().lower().startswith(("<!doctype", "<html")):
        raise Unfit("model_metadata.json is a web page: some download gave an error page instead.", DOWNLOAD_AGAIN)
    if _depth(text) > MAX_DEPTH:
        raise Unfit("model_metadata.json is nested deeper than any that a training writes.", DOWNLOAD_AGAIN)
    try:
        fields = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_no_number)
    except ValueError as error:
        raise Unfit("model_metadata.json is no valid JSON.", _ASK_TRAINER) from error
    if not isinstance(fields, dict):
        raise Unfit("model_metadata.json holds no fields with names.", _ASK_TRAINER)
    return fields


def _depth(text: str) -> int:
    """How deep brackets are nested at most; those inside of strings count too, which hurts nobody at this limit."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _number(digits: str) -> float:
    """Any number as JSON has it, as a float; so true and false are none."""
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if not math.isfinite(value):
        raise Unfit("model_metadata.json holds a number that no car could use.", _ASK_TRAINER)
    return value


def _no_number(name: str) -> float:
    raise Unfit(f"model_metadata.json holds {name} where a number belongs.", _ASK_TRAINER)


def _choice(fields: Mapping[str, object], key: str, default: str, known: frozenset[str]) -> str:
    value = fields.get(key, default)
    if not isinstance(value, str) or value not in known:
        choices = " or ".join(sorted(known))
        raise Unfit(
            f"model_metadata.json has {_as_written(value)} as {key}, which no car knows: it has to be {choices}.",
            _ASK_TRAINER,
        )
    return value


def _as_written(value: object) -> str:
    if isinstance(value, str) and value:
        return shown(value)
    return f"{value:g}" if isinstance(value, float) else shown(json.dumps(value))


def _sensors(fields: Mapping[str, object]) -> tuple[str, ...]:
    value = fields.get("sensor", ["observation"])
    if not isinstance(value, list):
        raise Unfit("model_metadata.json has no list of sensors.", _ASK_TRAINER)
    if not value:
        raise Unfit("model_metadata.json names no sensor that the model looks through.", _ASK_TRAINER)
    for name in value:
        if not isinstance(name, str) or name not in SENSORS:
            raise Unfit(
                f"model_metadata.json names the sensor {_as_written(name)}, which no car knows.",
                "A car knows FRONT_FACING_CAMERA, LEFT_CAMERA, STEREO_CAMERAS, LIDAR and SECTOR_LIDAR, written so;"
                " train again with one of them.",
            )
    if len(set(value)) < len(value):
        raise Unfit("model_metadata.json names one sensor twice.", _ASK_TRAINER)
    return tuple(value)


def _discrete(fields: Mapping[str, object]) -> tuple[int, list[str]]:
    actions = fields.get("action_space")
    if not isinstance(actions, list) or not actions:
        raise Unfit("model_metadata.json lists no actions, so the car would not know how to steer.", _ASK_TRAINER)
    if len(actions) > MAX_ACTIONS:
        raise Unfit(f"model_metadata.json lists more than {MAX_ACTIONS:,} actions.", _ASK_TRAINER)
    pairs = [_action(action, number) for number, action in enumerate(actions, 1)]
    warnings = _range_warnings([angle for angle, _ in pairs], [speed for _, speed in pairs])
    if len(set(pairs)) == 1:
        warnings.append("It has only one action, so it always drives the same way.")
    return len(pairs), warnings


def _action(action: object, number: int) -> tuple[float, float]:
    angle = action.get("steering_angle") if isinstance(action, dict) else None
    speed = action.get("speed") if isinstance(action, dict) else None
    if not isinstance(angle, float) or not isinstance(speed, float):
        raise Unfit(
            f"Action {number} in model_metadata.json has no steering angle or no speed as a number.", _ASK_TRAINER
        )
    return angle, speed


def _continuous(fields: Mapping[str, object]) -> tuple[None, list[str]]:
    space = fields.get("action_space")
    if not isinstance(space, dict):
        raise Unfit(
            "model_metadata.json has no range of steering angle and speed, so the car would not know how to steer.",
            _ASK_TRAINER,
        )
    return None, _range_warnings(_range(space, "steering_angle"), _range(space, "speed"))


def _range(space: Mapping[str, object], key: str) -> list[float]:
    ends = space.get(key)
    low = ends.get("low") if isinstance(ends, dict) else None
    high = ends.get("high") if isinstance(ends, dict) else None
    if not isinstance(low, float) or not isinstance(high, float) or low > high:
        raise Unfit(f"model_metadata.json has no range from low to high for {key}.", _ASK_TRAINER)
    return [low, high]


def _range_warnings(angles: list[float], speeds: list[float]) -> list[str]:
    warnings = []
    if max(abs(angle) for angle in angles) > MAX_STEERING_DEGREES:
        warnings.append("It steers by more than 30 degrees, further than the wheels of a car turn.")
    if max(speeds) > MAX_SPEED_MPS:
        warnings.append(f"Its fastest action is {max(speeds):g} m/s, more than the 4 m/s a training offers.")
    if max(speeds) <= 0:
        warnings.append("All its speeds are zero or less, so the car would stand still.")
    elif min(speeds) < 0:
        warnings.append("It has an action with a speed below zero; cars do not drive backwards.")
    return warnings


def _sensor_warnings(fields: Mapping[str, object], sensors: tuple[str, ...]) -> list[str]:
    warnings = []
    if LIDARS & set(sensors):
        warnings.append("It needs a LiDAR: a car without one cannot drive it.")
    if "STEREO_CAMERAS" in sensors:
        warnings.append("It needs two cameras: a car with one cannot drive it.")
    if not CAMERAS & set(sensors):
        warnings.append("It looks through no camera.")
    if "sensor" not in fields:
        warnings.append("Its model_metadata.json names no sensor; cars take one camera then, as in 2019.")
    return warnings


def _network_warnings(fields: Mapping[str, object]) -> list[str]:
    name = fields.get("neural_network")
    if name is None or (isinstance(name, str) and name in NETWORKS):
        return []
    return [f"Its neural network is called {_as_written(name)}, which no training of the console makes."]
