"""What the doctor says of the strips; with a real chip it is asked in tests/faults."""

from pathlib import Path

import pytest

from appliance import doctor_strips
from appliance.doctor_strips import examine_strips
from appliance.gpio_chips import CONSUMER, GpioChip, LineUse
from appliance.settings import load

CHIP = GpioChip(path=Path("/dev/gpiochip0"), label="pinctrl-rp1", line_count=54)


def said(data: Path, **given: object) -> list[tuple[bool | None, str, str]]:
    return [(one.ok, one.name, one.message) for one in examine_strips(load(data, given, {}))]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "simulated: no car will ever press one."),
        ({"strips": "disabled"}, "none; laps are taken by hand."),
        ({"strips": "drem_kit", "drem_kit_url": "ws://kit:8080"}, "the DREM timer kit at ws://kit:8080."),
        ({"strips": "gpio", "timing_socket": Path("/run/t.sock")}, "those of the recorder at that socket."),
    ],
)
def test_it_says_which_strips_are_set(tmp_path: Path, given: dict[str, object], expected: str) -> None:
    assert said(tmp_path, **given) == [(None, "strips", expected)]


def test_a_chip_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    ((ok, name, message),) = said(tmp_path, strips="gpio", gpio_chip="no-such-chip")
    assert (ok, name) == (False, "strips")
    assert message.startswith("GPIO 17 (strip 1), GPIO 27 (strip 2): ")


def test_each_line_is_told_with_its_wiring_and_who_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uses = {17: LineUse(True, CONSUMER), 27: LineUse(True, "deepracer-timer"), 22: LineUse(False, "")}
    monkeypatch.setattr(doctor_strips, "find_chip", lambda wanted: CHIP)
    monkeypatch.setattr(doctor_strips, "line_use", lambda chip, number: uses[number])
    lines = {"gpio_lines": "17=Left,27:active-high=Right", "gpio_start_button": "22"}
    assert said(tmp_path, strips="gpio", **lines) == [
        (True, "strips", "GPIO 17 (Left), GPIO 27 (Right), GPIO 22 (start button) on /dev/gpiochip0 (pinctrl-rp1)."),
        (True, "GPIO 17", "Left, pull-up, active-low: read by a recorder."),
        (False, "GPIO 27", "GPIO 27 is held by “deepracer-timer”."),
        (True, "GPIO 22", "start button, pull-up, active-low: free."),
    ]


def test_a_library_that_is_not_installed_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_strips, "find_chip", lambda wanted: CHIP)
    monkeypatch.setattr(doctor_strips, "line_use", lambda chip, number: LineUse(False, ""))
    monkeypatch.setattr(doctor_strips, "find_spec", lambda name: None)
    assert said(tmp_path, strips="gpio")[-1] == (False, "gpio_backend", "the package gpiod is not installed.")
