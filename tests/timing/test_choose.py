"""From the recorder's command line to strips and panel, and from the settings to that command line."""

import argparse
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import ApplianceError
from appliance.settings import load
from appliance.supervisor import recorder_arguments
from timing.strips.choose import add_arguments, open_panel, open_strips
from timing.strips.panel import GpioPanel, NoPanel


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data")
    parser.add_argument("--socket")
    add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strips", "gpio", "--gpio-lines", "17,17"], "GPIO 17 is set twice: for strip 1 and for strip 2."),
        (["--strips", "gpio", "--gpio-lines", " "], "There are 0 GPIO strips."),
        (["--strips", "gpio", "--gpio-lines", "17:up"], "17:up is not a GPIO line."),
        (["--strips", "gpio", "--start-button", "17"], "GPIO 17 is set twice: for strip 1 and for the start button."),
        (["--strips", "gpio", "--buzzer", "27"], "GPIO 27 is set twice: for strip 2 and for the buzzer."),
        (
            ["--strips", "gpio", "--shutdown-button", "27"],
            "GPIO 27 is set twice: for strip 2 and for the shutdown button.",
        ),
        (["--strips", "drem_kit"], "The address of the DREM timer kit is not set."),
        (["--lines", "5,5"], "--lines 5,5 names a line twice."),
    ],
)
def test_wrong_words_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(ApplianceError) as refused:
        open_strips(options(*words))
    assert str(refused.value).startswith(message)


def test_there_is_a_panel_when_any_part_of_it_is_wired() -> None:
    assert isinstance(open_panel(options()), NoPanel)
    for words in (["--lamp", "23"], ["--buzzer", "24"], ["--shutdown-button", "5"], ["--lamp", "0"]):
        assert isinstance(open_panel(options(*words)), GpioPanel)
    with pytest.raises(ApplianceError, match="off is not a GPIO line"):
        open_panel(options("--shutdown-button", "off"))


def test_every_setting_of_the_strips_reaches_the_recorder(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "strips": "gpio",
        "gpio_lines": "5:pull-none:active-low=Left strip,6",
        "gpio_chip": "pinctrl-rp1",
        "gpio_backend": "lgpio",
        "gpio_start_button": "7",
        "gpio_shutdown_button": "8",
        "gpio_lamp": 9,
        "gpio_buzzer": 10,
    }
    told = options(*recorder_arguments(load(tmp_path, given, {}), tmp_path / "timing.sock"))
    assert (told.strips, told.gpio_lines) == ("gpio", "5:pull-none:active-low=Left strip,6")
    assert (told.gpio_chip, told.gpio_backend) == ("pinctrl-rp1", "lgpio")
    assert (told.start_button, told.shutdown_button, told.lamp, told.buzzer) == ("7", "8", 9, 10)
    kit = {"strips": "drem_kit", "drem_kit_url": "ws://kit:8080"}
    assert options(*recorder_arguments(load(tmp_path, kit, {}), tmp_path / "t")).kit_url == "ws://kit:8080"


def test_a_recorder_of_default_settings_is_told_nothing_of_gpio(tmp_path: Path) -> None:
    arguments = recorder_arguments(load(tmp_path, {}, {}), tmp_path / "timing.sock")
    assert not [word for word in arguments if "gpio" in word or "lamp" in word]


def test_no_gpio_library_is_loaded_for_strips_that_need_none() -> None:
    libraries = ("gpiod", "gpiozero", "lgpio", "websockets")
    program = f"import sys, timing.recorder; print([name for name in {libraries} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_gpiozero_finds_our_factory_by_its_entry_point() -> None:
    (found,) = entry_points(group="gpiozero_pin_factories", name="trackside")
    assert found.load().__name__ == "TracksideFactory"
