"""What `trackside doctor` says of the strips: which are set, whether their chip is there, who holds their lines."""

from collections.abc import Iterator
from importlib.util import find_spec

from appliance.errors import ApplianceError
from appliance.finding import Finding
from appliance.gpio_chips import CONSUMER, GpioChip, find_chip, line_is_held, line_use
from appliance.gpio_lines import GpioLine, parse_gpio_line, parse_gpio_lines
from appliance.settings import Settings


def examine_strips(settings: Settings) -> Iterator[Finding]:
    """Looks only: no line is asked for."""
    if settings.timing_socket is not None:
        yield Finding(None, "strips", "those of the recorder at that socket.")
    elif settings.strips == "gpio":
        yield from _gpio(settings)
    elif settings.strips == "drem_kit":
        yield Finding(None, "strips", f"the DREM timer kit at {settings.drem_kit_url}.")
    elif settings.strips == "disabled":
        yield Finding(None, "strips", "none; laps are taken by hand.")
    else:
        remedy = "For real ones set strips to gpio or drem_kit (docs/settings.md)."
        yield Finding(None, "strips", "simulated: no car will ever press one.", remedy)


def _gpio(settings: Settings) -> Iterator[Finding]:
    lines = parse_gpio_lines(settings.gpio_lines)
    if settings.gpio_start_button is not None:
        lines.append(parse_gpio_line(settings.gpio_start_button, "start button"))
    numbers = ", ".join(f"GPIO {line.number} ({line.name})" for line in lines)
    try:
        chip = find_chip(settings.gpio_chip)
    except ApplianceError as error:
        yield Finding(False, "strips", f"{numbers}: {error.message}", error.remedy)
        return
    yield Finding(True, "strips", f"{numbers} on {chip.path} ({chip.label}).")
    yield from (_line(chip, line) for line in lines)
    if find_spec(settings.gpio_backend) is None:
        remedy = "Install Trackside again with its packages, or set gpio_backend to the other one."
        yield Finding(False, "gpio_backend", f"the package {settings.gpio_backend} is not installed.", remedy)
    elif settings.gpio_backend == "lgpio":
        yield Finding(None, "gpio_backend", "lgpio, the fall-back: edges that get lost cannot be noticed.")


def _line(chip: GpioChip, line: GpioLine) -> Finding:
    name = f"GPIO {line.number}"
    try:
        use = line_use(chip, line.number)
    except ApplianceError as error:
        return Finding(False, name, error.message, error.remedy)
    if use.is_used and use.consumer not in (CONSUMER, "lg"):
        held = line_is_held(line.number, use)
        return Finding(False, name, held.message, held.remedy)
    how = f"pull-{line.pull}, active-{'low' if line.is_active_low else 'high'}"
    return Finding(True, name, f"{line.name}, {how}: {'read by a recorder' if use.is_used else 'free'}.")
