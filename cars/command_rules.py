"""What each command asks of the helper on a car, how long it may take, and what its answer means to people. Pure."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from appliance.errors import InvalidInput
from cars.command_structs import NewCommand, Verb
from cars.lights import Light, rgb_of

HELPER_VERSION = 3
"""That of the helper that this box brings (cars/on_car/trackside-car); only pairing puts it on a car."""
OLD_HELPER = " Its helper is of an older version: pair it again to renew it."
NOT_UP = "Wait half a minute, then restart it again; if it stays so, reboot it."
BATTERY_UNREADABLE = -1
BATTERY_FULL = 10
BATTERY_LOW = 3
"""The drive pack sags from here on and the car slows down (car notes, section 1: swap every 15 minutes)."""


class Ask(Struct, frozen=True, kw_only=True):
    """A call of the helper: its verb with arguments, and how long the answer may take."""

    verb: str
    arguments: tuple[str, ...] = ()
    within_s: float = 30.0
    breaks: bool = False
    """The car goes down by it: the connection may break before the answer, and then nobody knows."""
    again: bool = False
    """Twice does no harm: over a line that breaks under it, it is asked once more."""


def asks_of(command: NewCommand, epoch_ns: int) -> Ask:
    """
    What the helper is asked for a command.

    Args:
        epoch_ns: The box's wall clock, for `set_time`.

    Raises:
        InvalidInput: the command lacks what its verb needs, or has what only another verb takes.
    """
    _check_fields(command)
    make = _ASKS[command.verb]
    return make(command, epoch_ns) if callable(make) else make


def _light(command: NewCommand, _: int) -> Ask:
    rgb = rgb_of(command.light or Light.BLUE)
    return Ask(verb="light", arguments=(str(rgb.red), str(rgb.green), str(rgb.blue)), within_s=20.0)


def _load(command: NewCommand, _: int) -> Ask:
    # A first load converts the model: up to 45 s were seen (DREM's pull request 69).
    return Ask(verb="load-model", arguments=(command.folder or "",), within_s=90.0)


def _drive(command: NewCommand, _: int) -> Ask:
    arguments = () if command.max_speed is None else (str(command.max_speed),)
    return Ask(verb="drive-start", arguments=arguments, within_s=20.0)


def _delete(command: NewCommand, _: int) -> Ask:
    if command.folders is not None:
        return Ask(verb="delete", arguments=tuple(command.folders), within_s=60.0)
    return Ask(verb="delete-all", arguments=("--logs",) if command.logs else (), within_s=120.0)


def _set_time(_: NewCommand, epoch_ns: int) -> Ask:
    return Ask(verb="set-time", arguments=(str(epoch_ns),))


_ASKS: dict[Verb, Ask | Callable[[NewCommand, int], Ask]] = {
    Verb.STOP: Ask(verb="stop", within_s=20.0, again=True),
    Verb.START_DRIVING: _drive,
    Verb.LOAD_MODEL: _load,
    Verb.LIGHT: _light,
    Verb.RESTART_CORE: Ask(verb="restart-core", within_s=120.0),
    Verb.DELETE_MODELS: _delete,
    Verb.BATTERY: Ask(verb="battery", again=True),
    Verb.DISK: Ask(verb="disk", again=True),
    Verb.VERSIONS: Ask(verb="versions", again=True),
    Verb.SET_TIME: _set_time,
    Verb.REBOOT: Ask(verb="reboot", breaks=True),
    Verb.POWER_OFF: Ask(verb="poweroff", breaks=True),
}


def words_of(command: NewCommand) -> str:
    """What was asked, for people and for the car's history."""
    match command.verb:
        case Verb.LIGHT:
            return f"Light {(command.light or Light.BLUE).value.replace('_', ' ')}"
        case Verb.LOAD_MODEL:
            return f"Load {command.folder}"
        case Verb.START_DRIVING if command.max_speed is not None:
            return f"Start driving, at {command.max_speed} % at most"
        case Verb.DELETE_MODELS if command.folders is not None:
            return f"Delete {', '.join(command.folders)}"
        case Verb.DELETE_MODELS:
            return "Delete all models but the samples" + (", and the logs" if command.logs else "")
        case _:
            return _WORDS[command.verb]


_WORDS = {
    Verb.STOP: "Stop",
    Verb.START_DRIVING: "Start driving",
    Verb.RESTART_CORE: "Restart its software",
    Verb.BATTERY: "Read the battery",
    Verb.DISK: "Read the disk",
    Verb.VERSIONS: "Read the versions",
    Verb.SET_TIME: "Set the time",
    Verb.REBOOT: "Reboot",
    Verb.POWER_OFF: "Power off",
}


def answer_in_words(command: NewCommand, told: Mapping[str, object]) -> str:
    """What the car's answer means: a sentence; never more than the car has said."""
    words = _ANSWERS[command.verb]
    return words if isinstance(words, str) else words(told)


def _deleted(told: Mapping[str, object]) -> str:
    gone = told.get("deleted")
    count, logs = len(gone) if isinstance(gone, list) else 0, _whole(told, "deleted_logs")
    and_logs = f" and {logs} log{'' if logs == 1 else 's'}" if logs > 0 else ""
    return f"{count} model{'' if count == 1 else 's'}{and_logs} deleted."


def _restarted(told: Mapping[str, object]) -> str:
    first = "Stopped, then restarted" if told.get("is_stopped") else "Restarted; it could not be stopped before"
    return f"{first}: {told.get('state', 'unknown')}."


def problem_in(command: NewCommand, told: Mapping[str, object]) -> tuple[str, str] | None:
    """What went wrong though the car did what was asked, and what to do; None where its answer is good."""
    state = told.get("state", "unknown")
    if command.verb is not Verb.RESTART_CORE or state == "active":
        return None
    first = "Stopped, then restarted" if told.get("is_stopped") else "It could not be stopped, then was restarted"
    return f"{first}, but its software is not up: {state}.", NOT_UP


def _disk(told: Mapping[str, object]) -> str:
    return f"{_gigabytes(_whole(told, 'free_bytes'))} free of {_gigabytes(_whole(told, 'size_bytes'))}."


def _battery(told: Mapping[str, object]) -> str:
    return battery_in_words(_whole(told, "level"))


def _clock(told: Mapping[str, object]) -> str:
    return "Its clock was wrong and is set." if told.get("is_step") else "Its clock was right."


def _versions(told: Mapping[str, object]) -> str:
    parts = [f"{what}{told[name]}" for what, name in (("", "os_name"), ("core ", "core_version")) if told.get(name)]
    helper = told.get("helper_version")
    is_old = isinstance(helper, int) and helper < HELPER_VERSION
    return (f"{', '.join(parts)}." if parts else "It tells no versions.") + (OLD_HELPER if is_old else "")


_ANSWERS: dict[Verb, str | Callable[[Mapping[str, object]], str]] = {
    Verb.STOP: "Its software took the stop.",
    Verb.START_DRIVING: "Its software took the start.",
    Verb.LOAD_MODEL: "The model is loaded.",
    Verb.LIGHT: "Its software took the colour.",
    Verb.RESTART_CORE: _restarted,
    Verb.DELETE_MODELS: _deleted,
    Verb.BATTERY: _battery,
    Verb.DISK: _disk,
    Verb.VERSIONS: _versions,
    Verb.SET_TIME: _clock,
    Verb.REBOOT: "It took the reboot: it is away for a minute or two.",
    Verb.POWER_OFF: "It took the power off. Only a hand switches it on again.",
}


def battery_in_words(level: int) -> str:
    """The drive pack; the power bank of the computer tells nothing."""
    if level == BATTERY_UNREADABLE:
        return "The drive pack is not plugged in, or cannot be read."
    if level > BATTERY_FULL:
        return "The drive pack is more than full."
    low = " Swap it soon." if level <= BATTERY_LOW else ""
    return f"The drive pack is at {level} of {BATTERY_FULL}.{low}"


def _check_fields(command: NewCommand) -> None:
    needs = {Verb.LIGHT: ("light", command.light), Verb.LOAD_MODEL: ("folder", command.folder)}
    for verb, (field, value) in needs.items():
        if (command.verb is verb) != (value is not None):
            problem = "needs" if command.verb is verb else "takes no"
            raise InvalidInput(f"{command.verb.value} {problem} {field}.", "See docs/api.md.", field=field)
    if command.verb is not Verb.START_DRIVING and command.max_speed is not None:
        raise InvalidInput(f"{command.verb.value} takes no max_speed.", "See docs/api.md.", field="max_speed")
    if command.verb is not Verb.DELETE_MODELS and (command.folders is not None or command.logs):
        raise InvalidInput(f"{command.verb.value} takes no folders and no logs.", "See docs/api.md.", field="folders")
    if command.folders is not None and (command.logs or not command.folders):
        raise InvalidInput("Give folders to delete, or none and logs.", "See docs/api.md.", field="folders")


def _whole(told: Mapping[str, object], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) else BATTERY_UNREADABLE


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
