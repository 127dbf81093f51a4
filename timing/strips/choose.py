"""
From words on the recorder's command line to strips and a panel: which kind, which lines, how they are wired.

A kind's module is imported only when it is chosen: a recorder without GPIO loads no GPIO library.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import InvalidInput
from appliance.gpio_lines import GpioLine, parse_gpio_line, parse_gpio_lines, refuse_shared
from timing.stream import Line, StripsKind
from timing.strips import Panel, Strips
from timing.strips.disabled import DisabledStrips
from timing.strips.panel import GpioPanel, NoPanel, PanelWiring
from timing.strips.script import parse_script
from timing.strips.simulated import SimulatedStrips

if TYPE_CHECKING:
    from timing.strips.gpio_pins import WatchingFactory

DEFAULT_SIMULATED_LINES = "17,27,22,23"
DEFAULT_GPIO_LINES = "17,27"
"""GPIO numbers free on every Pi and on the DREM kit's header, whose own timer uses 17 and 27."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say what the recorder listens to, and what is wired beside the strips."""
    parser.add_argument(
        "--strips",
        choices=[kind.value for kind in StripsKind],
        default=StripsKind.SIMULATED.value,
        help="what to listen to",
    )
    parser.add_argument(
        "--lines", default=DEFAULT_SIMULATED_LINES, help=f"simulated line numbers (default {DEFAULT_SIMULATED_LINES})"
    )
    parser.add_argument("--names", help="their names, in the same order (default strip 1, strip 2, …)")
    parser.add_argument("--script", type=Path, help="file of simulated hits: at_ms line [hold_ms] [bounces]")
    parser.add_argument(
        "--gpio-lines",
        default=DEFAULT_GPIO_LINES,
        help=f"GPIO strips, like 17,27:pull-up:active-low=Left (default {DEFAULT_GPIO_LINES})",
    )
    parser.add_argument("--gpio-chip", help="label or device of their chip (default the Raspberry Pi header)")
    parser.add_argument("--gpio-backend", choices=["gpiod", "lgpio"], default="gpiod", help="what reads the lines")
    parser.add_argument("--start-button", metavar="LINE", help="GPIO button that starts the race and takes laps")
    parser.add_argument("--shutdown-button", metavar="LINE", help="GPIO button that, held for 3 s, shuts down")
    parser.add_argument("--lamp", type=int, metavar="N", help="GPIO output that is on while recording")
    parser.add_argument("--buzzer", type=int, metavar="N", help="GPIO output that sounds at every crossing")
    parser.add_argument("--kit-url", metavar="URL", help="WebSocket of a DREM timer kit, for --strips drem_kit")


def open_strips(options: argparse.Namespace) -> Strips:
    """
    The strips that the options name; a new kind gets its case here.

    Raises:
        ApplianceError: an option is wrong, a script cannot be read, or a GPIO chip or library cannot be used.
    """
    match options.strips:
        case StripsKind.DISABLED:
            return DisabledStrips()
        case StripsKind.SIMULATED:
            lines = parse_lines(options.lines, options.names)
            return SimulatedStrips(lines, parse_script(_read_script(options.script), (line.line for line in lines)))
        case StripsKind.GPIO:
            return _open_gpio(options)
        case StripsKind.DREM_KIT:
            return _open_drem_kit(options.kit_url)
    raise InvalidInput(f"There are no strips of the kind {options.strips}.", f"Use {', '.join(StripsKind)}.")


def open_panel(options: argparse.Namespace) -> Panel:
    """
    Lamp, buzzer and shutdown button, as far as they are wired; nothing is asked of the kernel yet.

    Raises:
        InvalidInput: a line is written wrongly.
    """
    button = options.shutdown_button
    wiring = PanelWiring(
        lamp=options.lamp,
        buzzer=options.buzzer,
        shutdown_button=parse_gpio_line(button, "shutdown button") if button else None,
    )
    if wiring == PanelWiring():
        return NoPanel()
    return GpioPanel(wiring, lambda: _open_factory(options))


def parse_lines(numbers: str, names: str | None) -> list[Line]:
    """
    Read `--lines 17,27 --names "Left,Right"`; without names they are "strip 1", "strip 2", …

    Raises:
        InvalidInput: not distinct numbers from 0 to 1023, or not as many names as lines.
    """
    words = [word.strip() for word in numbers.split(",") if word.strip()]
    if not all(word.isascii() and word.isdigit() and int(word) <= 1023 for word in words):
        raise InvalidInput(f"--lines {numbers} is not a list of numbers from 0 to 1023.", "Write it like 17,27.")
    if len(set(map(int, words))) != len(words):
        raise InvalidInput(f"--lines {numbers} names a line twice.", "Name each line once.")
    labels = [f"strip {place}" for place in range(1, len(words) + 1)]
    if names is not None:
        labels = [name.strip() for name in names.split(",")]
    if len(labels) != len(words):
        raise InvalidInput(f"There are {len(words)} lines and {len(labels)} names.", "Give one name for each line.")
    return [Line(line=int(word), name=label) for word, label in zip(words, labels, strict=True)]


def _open_gpio(options: argparse.Namespace) -> Strips:
    from timing.strips.gpio import GpioStrips

    strips = parse_gpio_lines([word for word in options.gpio_lines.split(",") if word.strip()])
    button = parse_gpio_line(options.start_button, "start button") if options.start_button else None
    _refuse_shared(options, strips, button)
    return GpioStrips(strips, _open_factory(options), button=button)


def _refuse_shared(options: argparse.Namespace, strips: Sequence[GpioLine], button: GpioLine | None) -> None:
    uses = [(line.name, line.number) for line in strips]
    if button is not None:
        uses.append(("the start button", button.number))
    if options.shutdown_button:
        uses.append(("the shutdown button", parse_gpio_line(options.shutdown_button, "").number))
    uses += [
        (f"the {name}", getattr(options, name)) for name in ("lamp", "buzzer") if getattr(options, name) is not None
    ]
    refuse_shared(uses)


def _open_factory(options: argparse.Namespace) -> "WatchingFactory":
    from timing.strips.gpio_pins.opening import open_factory

    return open_factory(options.gpio_backend, options.gpio_chip)


def _open_drem_kit(url: str | None) -> Strips:
    from timing.strips.drem_kit import DremKitStrips

    if not url:
        raise InvalidInput(
            "The address of the DREM timer kit is not set.", "Set drem_kit_url, like ws://192.168.1.20:8080."
        )
    return DremKitStrips(url)


def _read_script(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The script {path} cannot be read: {error}.", "Check the path given to --script."
        ) from error
