"""
The GPIO chips of this machine: found by what they are, never by their number, and asked who holds a line.

The number of the chip with the Raspberry Pi's header changes with model and kernel (Pi 5: gpiochip4, then gpiochip0);
its label does not. Asks the kernel itself (linux/gpio.h), so that no GPIO library is needed to say why one fails.
"""

import fcntl
import grp
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ApplianceError, InvalidInput, NotReady

HEADER_LABELS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""Pi 5, 500 and CM5; Pi 4, 400 and CM4; Pi 3 and older, Zero, Zero 2 W, CM3 and older."""
CONSUMER = "trackside"
"""The name under which our lines are held; `gpioinfo` shows it."""
DEVICES = Path("/dev")

_CHIP_INFO = struct.Struct("=32s32sI")
_GET_CHIP_INFO = 0x8044_B401
_LINE_INFO = struct.Struct("=32s32sIIQ160s16s")
_GET_LINE_INFO = 0xC100_B405
_FLAG_USED = 1


@dataclass(frozen=True, slots=True)
class GpioChip:
    """One chip and its device."""

    path: Path
    label: str
    line_count: int

    @property
    def number(self) -> int:
        """N of /dev/gpiochipN."""
        return int(self.path.name.removeprefix("gpiochip"))


@dataclass(frozen=True, slots=True)
class LineUse:
    """Whether somebody holds a line, and by which name; the kernel tells no more."""

    is_used: bool
    consumer: str


def find_chip(wanted: str | None, devices: Path = DEVICES) -> GpioChip:
    """
    The chip that the strips are wired to.

    Args:
        wanted: Its label or device; None for the header of a Raspberry Pi.

    Raises:
        ApplianceError: there is none, there are several, or it may not be opened; says what to do.
    """
    if wanted is not None and "/" in wanted:
        return _chip_at(Path(wanted))
    chips, locked = _all_chips(devices)
    for label in HEADER_LABELS if wanted is None else (wanted,):
        found = [chip for chip in chips if chip.label == label]
        if len(found) > 1 and wanted is not None:
            names = ", ".join(str(chip.path) for chip in found)
            raise InvalidInput(
                f"{len(found)} GPIO chips have the label {wanted}: {names}.", "Set gpio_chip to one of them."
            )
        if found:
            return found[0]
    if locked:
        raise _locked(locked[0])
    raise _not_found(wanted, chips)


def line_use(chip: GpioChip, number: int) -> LineUse:
    """
    Who holds a line.

    Raises:
        ApplianceError: the chip has no such line, or may not be opened.
    """
    if number >= chip.line_count:
        raise no_such_line(chip, number)
    asked = _LINE_INFO.pack(b"", b"", number, 0, 0, b"", b"")
    answer = _LINE_INFO.unpack(_ask(chip.path, _GET_LINE_INFO, asked))
    return LineUse(is_used=bool(answer[4] & _FLAG_USED), consumer=_text(answer[1]))


def no_such_line(chip: GpioChip, number: int) -> InvalidInput:
    """The error for a number beyond the chip's last."""
    return InvalidInput(
        f"{chip.path} ({chip.label}) has no GPIO {number}; its lines are 0 to {chip.line_count - 1}.",
        "Correct the number: it is the BCM number, not that of the pin on the header.",
    )


def line_is_held(number: int, use: LineUse) -> NotReady:
    """The error for a line that another program, or the kernel itself, holds."""
    who = f"“{use.consumer}”" if use.consumer else "a program that gave no name"
    if use.consumer == CONSUMER:
        remedy = "Another recorder of Trackside runs: stop that one, or use it with --timing-socket."
    else:
        remedy = "Stop that program (a DREM timer: sudo systemctl stop deepracer-timer), or use another line."
    return NotReady(f"GPIO {number} is held by {who}.", remedy)


def refused_by_kernel(chip: GpioChip, error: OSError) -> NotReady:
    """The error for a request that fails for any other reason."""
    return NotReady(
        f"The kernel does not give the GPIO lines of {chip.path} ({chip.label}): {error.strerror or error}.",
        "Trackside needs Linux 5.10 or newer; on a Raspberry Pi of 2023 or older, update its system.",
    )


def _chip_at(path: Path) -> GpioChip:
    real = Path(os.path.realpath(path))
    if not real.exists():
        raise NotReady(f"There is no GPIO chip at {path}.", "Correct gpio_chip, or leave it away on a Raspberry Pi.")
    try:
        return _read_chip(real)
    except PermissionError as error:
        raise _locked(real) from error
    except OSError as error:
        raise InvalidInput(f"{path} is not a GPIO chip.", "Set gpio_chip to a label or to /dev/gpiochipN.") from error


def _all_chips(devices: Path) -> tuple[list[GpioChip], list[Path]]:
    """Those that may be opened, and the devices of those that may not, each chip once whatever links to it."""
    chips, locked = [], []
    for path in sorted({Path(os.path.realpath(path)) for path in devices.glob("gpiochip*")}):
        try:
            chips.append(_read_chip(path))
        except PermissionError:
            locked.append(path)
        except OSError:
            continue  # A device that went while we looked.
    return chips, locked


def _read_chip(path: Path) -> GpioChip:
    _, label, line_count = _CHIP_INFO.unpack(_ask(path, _GET_CHIP_INFO, bytes(_CHIP_INFO.size)))
    return GpioChip(path=path, label=_text(label), line_count=line_count)


def _ask(path: Path, request: int, asked: bytes) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return fcntl.ioctl(fd, request, asked)
    finally:
        os.close(fd)


def _locked(path: Path) -> NotReady:
    try:
        group = grp.getgrgid(path.stat().st_gid).gr_name
    except (OSError, KeyError):
        group = "gpio"
    if group == "root":
        return NotReady(
            f"{path} may be opened by root only.", "Run `sudo trackside install`: it gives the recorder its rights."
        )
    return NotReady(
        f"{path} may not be opened by this user.", f"Join its group and sign in again: sudo usermod -aG {group} $USER"
    )


def _not_found(wanted: str | None, chips: Sequence[GpioChip]) -> ApplianceError:
    if not chips:
        return NotReady(
            "This machine has no GPIO chip.",
            "Run the recorder on a Raspberry Pi, or set strips to simulated, drem_kit or disabled.",
        )
    there = ", ".join(f"{chip.label} ({chip.path})" for chip in chips)
    what = "the header of a Raspberry Pi" if wanted is None else f"labelled {wanted}"
    return NotReady(f"No GPIO chip is {what}; there are: {there}.", "Set gpio_chip to one of these labels.")


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode(errors="replace")
