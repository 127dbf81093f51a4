"""Finding the GPIO chip, where there is none; on a real kernel it is found in tests/faults."""

from pathlib import Path

import pytest

from appliance import gpio_chips
from appliance.errors import ApplianceError, InvalidInput, NotReady
from appliance.gpio_chips import GpioChip, find_chip


class Machine:
    """A machine with these chips: a board of each kind cannot be had here, and devices need a kernel."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, devices: Path) -> None:
        self._devices = devices
        self._labels: dict[Path, str] = {}
        monkeypatch.setattr(gpio_chips, "_read_chip", self._read)

    def add(self, number: int, label: str | None) -> None:
        """Without a label it may not be opened."""
        path = self._devices / f"gpiochip{number}"
        path.touch()
        self._labels[path] = label or ""

    def link(self, number: int, to: int) -> None:
        (self._devices / f"gpiochip{number}").symlink_to(self._devices / f"gpiochip{to}")

    def find(self, wanted: str | None = None) -> GpioChip:
        return find_chip(wanted, self._devices)

    def _read(self, path: Path) -> GpioChip:
        if not self._labels[path]:
            raise PermissionError(13, "Permission denied")
        return GpioChip(path=path, label=self._labels[path], line_count=54)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path.resolve())


@pytest.mark.parametrize(
    ("chips", "number"),
    [
        ({0: "pinctrl-bcm2835"}, 0),
        ({0: "pinctrl-bcm2835", 1: "raspberrypi-exp-gpio"}, 0),
        ({0: "pinctrl-bcm2711", 1: "raspberrypi-exp-gpio"}, 0),
        ({0: "gpio-brcmstb@107d508500", 4: "pinctrl-rp1", 10: "gpio-brcmstb@107d508520"}, 4),
        ({0: "pinctrl-rp1", 10: "gpio-brcmstb@107d508500"}, 0),
    ],
    ids=["Zero 2 W", "Pi 3", "Pi 4", "Pi 5, as it came", "Pi 5, newer kernel"],
)
def test_the_header_is_found_by_its_label(machine: Machine, chips: dict[int, str], number: int) -> None:
    for at, label in chips.items():
        machine.add(at, label)
    assert machine.find().number == number


def test_a_chip_with_a_second_name_is_one_chip(machine: Machine) -> None:
    machine.add(0, "pinctrl-rp1")
    machine.link(4, to=0)
    assert machine.find("pinctrl-rp1").number == 0


def test_two_chips_with_the_label_that_was_set_are_refused_by_name(machine: Machine) -> None:
    machine.add(1, "ft232h")
    machine.add(2, "ft232h")
    with pytest.raises(InvalidInput, match=r"2 GPIO chips have the label ft232h: .*gpiochip1, .*gpiochip2\."):
        machine.find("ft232h")


def test_without_any_chip_it_says_what_else_there_is(machine: Machine) -> None:
    with pytest.raises(NotReady) as refused:
        machine.find()
    assert str(refused.value) == (
        "This machine has no GPIO chip. Run the recorder on a Raspberry Pi, or set strips to simulated, drem_kit or "
        "disabled."
    )


def test_without_the_right_chip_those_that_are_there_are_named(machine: Machine) -> None:
    machine.add(3, "ft232h")
    with pytest.raises(
        ApplianceError, match=r"No GPIO chip is the header of a Raspberry Pi; there are: ft232h \(.*3\)\."
    ):
        machine.find()
    assert machine.find("ft232h").number == 3


def test_a_chip_that_may_not_be_opened_is_told_with_the_group_to_join(machine: Machine) -> None:
    machine.add(0, None)
    with pytest.raises(NotReady, match=r"gpiochip0 may (not be opened by this user|be opened by root only)\."):
        machine.find()
    machine.add(1, "pinctrl-bcm2711")
    assert machine.find().number == 1
