"""
The settings of a box: defaults, then DIR/trackside.toml, then TRACKSIDE_* variables, then the command line.

Each has its name, unit, default and one sentence here and in docs/settings.md. An unknown name is an error that names
the nearest one, so that a typing error never passes for a setting.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from appliance.errors import InvalidInput, NotAllowed
from appliance.gpio_lines import parse_gpio_line, parse_gpio_lines, refuse_shared

FILE_NAME = "trackside.toml"
PREFIX = "TRACKSIDE_"
DATA_VARIABLE = "TRACKSIDE_DATA"
_NOT_SETTINGS = frozenset({DATA_VARIABLE, "TRACKSIDE_GPIOLAB"})
"""Ours, but not settings; the second says where the tests find their private kernel."""

StripsKind: TypeAlias = Literal["simulated", "gpio", "drem_kit", "disabled"]
GpioNumber: TypeAlias = Annotated[int, Meta(ge=0, le=1023)]
GpioLine: TypeAlias = str
"""As appliance/gpio_lines.py reads it; checked there, for a message that says how it is written."""
LISTS = ("simulated_lines", "gpio_lines")
GPIO_LINES = ("gpio_lines", "gpio_start_button", "gpio_shutdown_button")


class Settings(Struct, frozen=True, kw_only=True):
    """How this box runs."""

    data_dir: Path
    """Where everything lives: databases, the secret, backups, trackside.toml."""
    host: str = "0.0.0.0"  # noqa: S104  phones in the hall must reach it
    """Address to listen on; 127.0.0.1 keeps phones out."""
    port: Annotated[int, Meta(ge=1, le=65_535)] = 8080
    """TCP port of the pages."""
    public_url: Annotated[str, Meta(pattern=r"^https?://[^\s/]+$")] | None = None
    """Address that QR codes carry, when it is not the box's own: http://trackside.example, without a path."""
    timing_socket: Path | None = None
    """Unix socket of a recorder that runs already; without it the box starts its own."""
    api_socket: Path | None = None
    """Unix socket where the group is the login; without it api.sock in the data directory."""
    strips: StripsKind = "simulated"
    """What the box's own recorder listens to."""
    simulated_lines: tuple[Annotated[int, Meta(ge=0, le=1023)], ...] = (17, 27, 22, 23)
    """Line numbers of the simulated strips."""
    simulated_script: Path | None = None
    """File of hits that the simulated strips play: at_ms line [hold_ms] [bounces], one per line."""
    gpio_lines: tuple[GpioLine, ...] = ("17", "27")
    """GPIO strips: BCM number, then if needed :pull-up, :pull-down, :pull-none, :active-low, :active-high, =name."""
    gpio_chip: str | None = None
    """Label or device of the GPIO chip; without it the Raspberry Pi header is found by its label."""
    gpio_backend: Literal["gpiod", "lgpio"] = "gpiod"
    """What reads the lines; lgpio is a fall-back that cannot notice lost edges."""
    gpio_start_button: GpioLine | None = None
    """A button to ground that starts the race and takes laps."""
    gpio_shutdown_button: GpioLine | None = None
    """A button to ground that, held for 3 s, shuts the machine down."""
    gpio_lamp: GpioNumber | None = None
    """An output that is on while strips are recorded and blinks when something is wrong."""
    gpio_buzzer: GpioNumber | None = None
    """An output that sounds at every crossing."""
    drem_kit_url: Annotated[str, Meta(pattern=r"^wss?://[^\s/]+(/\S*)?$")] | None = None
    """WebSocket of a DREM timer kit: ws://192.168.1.20:8080."""
    model_quota_mb: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000
    """How many MB of models one racer may have on the box."""
    models_dir: Path | None = None
    """Folder of models for walk-ups, taken in by themselves; without it models/ in the data directory."""
    fetch_logs: bool = False
    """Fetch what a car recorded of a race by itself after the hand-in; without it the crew presses a button."""
    logs_mb: Annotated[int, Meta(ge=1, le=1_000_000)] = 5000
    """How many MB of cars' logs the box keeps; the oldest go first."""
    announce: bool = True
    """Tell the networks that the box is on where it is, so that the terminal finds it by itself."""
    box_name: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    """What people find the box by; without it the machine's own name."""
    stand_in_cars: bool = False
    """Pair cars at this machine's own addresses (127.0.0.0/8) too: the light ones of the demo."""
    quiet: bool = False
    """Print no address, QR and set-up code at start: for a service whose output is a log."""

    @property
    def recorder_socket(self) -> Path:
        """Where the server finds its recorder."""
        return self.timing_socket or self.data_dir / "timing.sock"

    @property
    def local_socket(self) -> Path:
        """Where the crew on the box itself finds the server."""
        return self.api_socket or self.data_dir / "api.sock"


class Origin(Struct, frozen=True, kw_only=True):
    """A setting's value, and where it came from: "default", the file's path, a variable's name, "command line"."""

    name: str
    value: str
    origin: str


def default_data_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """TRACKSIDE_DATA, else the user's data directory (XDG base directory specification)."""
    if environment.get(DATA_VARIABLE):
        return Path(environment[DATA_VARIABLE])
    base = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "trackside"


def load(
    data_dir: Path, overrides: Mapping[str, object] | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """
    The settings in force.

    Args:
        overrides: From the command line, by name; None values are not given.

    Raises:
        InvalidInput: an unknown name or a wrong value; says where it stands.
        NotAllowed: the file belongs to somebody else.
    """
    return load_with_origins(data_dir, overrides, environment)[0]


def load_with_origins(
    data_dir: Path, overrides: Mapping[str, object] | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Settings, list[Origin]]:
    """The same, and where each value came from, in the order of the struct."""
    values: dict[str, Any] = {"data_dir": data_dir}
    origins = {"data_dir": "command line or default"}
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    path = data_dir / FILE_NAME
    for source, found in (
        (str(path), _from_file(path)),
        ("environment", _from_environment(environment)),
        ("command line", given),
    ):
        for name, value in found.items():
            values[name] = _checked(name, value, source)
            origins[name] = f"{PREFIX}{name.upper()}" if source == "environment" else source
    settings = msgspec.convert(values, Settings, strict=False)
    _check_strips(settings)
    lines = [
        Origin(name=name, value=_shown(getattr(settings, name)), origin=origins.get(name, "default"))
        for name in Settings.__struct_fields__
    ]
    return settings, lines


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as TRACKSIDE_* variables: how the supervisor hands the command line on to its children."""
    variables = {}
    for name in Settings.__struct_fields__:
        value = getattr(settings, name)
        if name != "data_dir" and value is not None:
            variables[f"{PREFIX}{name.upper()}"] = _shown(value)
    return variables


def _from_file(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise NotAllowed(f"{path} may not be read by you.", "Type the same command with sudo before it.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", "Correct that line, or move the file away.") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    """TRACKSIDE_* that are settings or nearly so; others belong to somebody else (a test, a script) and are let be."""
    found = {
        variable.removeprefix(PREFIX).lower(): value
        for variable, value in environment.items()
        if variable.startswith(PREFIX) and variable not in _NOT_SETTINGS and value != ""
    }
    return {name: value for name, value in found.items() if _nearest(name)}


def _checked(name: str, value: object, source: str) -> object:
    """The value in its type, checked one by one so that the message can name its place."""
    if name not in Settings.__struct_fields__ or name == "data_dir":
        raise _unknown(name, source)
    field = next(one for one in msgspec.structs.fields(Settings) if one.name == name)
    try:
        checked = msgspec.convert(_as_written(name, value), field.type, strict=False, dec_hook=_path)
        for line in (checked if isinstance(checked, tuple) else (checked,)) if name in GPIO_LINES and checked else ():
            parse_gpio_line(line, name)
        return checked
    except InvalidInput as error:
        raise InvalidInput(
            f"The setting {name} ({source}) is not right: {error.message}", error.remedy, field=name
        ) from error
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"The setting {name} = {value} ({source}) is not right: {error}.", "See docs/settings.md.", field=name
        ) from error


def _as_written(name: str, value: object) -> object:
    """A list from text, and GPIO lines that are plain numbers as text, like the others."""
    if name in LISTS and isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if name in GPIO_LINES:
        if isinstance(value, list):
            return [_as_written("gpio_start_button", part) for part in value]
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return str(value) if isinstance(value, Path) else value


def _check_strips(settings: Settings) -> None:
    """What no setting alone can have wrong: one GPIO line for two things, a kit without an address."""
    uses = [(f"gpio_{name}", getattr(settings, f"gpio_{name}")) for name in ("lamp", "buzzer")]
    buttons = ["gpio_shutdown_button"]
    if settings.strips == "gpio":
        uses += [(f"gpio_lines ({line.name})", line.number) for line in parse_gpio_lines(settings.gpio_lines)]
        buttons.append("gpio_start_button")
    for name in buttons:
        if (text := getattr(settings, name)) is not None:
            uses.append((name, parse_gpio_line(text, name).number))
    refuse_shared((use, number) for use, number in uses if number is not None)
    if settings.strips == "drem_kit" and settings.drem_kit_url is None:
        raise InvalidInput(
            "strips is drem_kit, and drem_kit_url is not set.",
            "Set it to the kit's address, like ws://192.168.1.20:8080.",
            field="drem_kit_url",
        )


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError


def _unknown(name: str, source: str) -> InvalidInput:
    near = _nearest(name)
    hint = f"Did you mean {near}?" if near else f"There are: {', '.join(_names())}."
    return InvalidInput(f"There is no setting {name} ({source}).", hint, field=name)


def _nearest(name: str) -> str | None:
    near = difflib.get_close_matches(name, _names(), n=1, cutoff=0.7)
    return near[0] if near else None


def _names() -> list[str]:
    return [field for field in Settings.__struct_fields__ if field != "data_dir"]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
