"""The wiring pictures are what their drawing says, and name the pins of a real Raspberry Pi."""

import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from gpiozero.pins import data as pins_of_a_pi

from appliance.settings import load
from tests import docs_wiring

HARDWARE = Path(__file__).resolve().parent.parent / "docs/hardware.md"


def name_on_the_board(pin: int) -> str:
    """What gpiozero knows of a pin of the 40-pin header, written as in the pictures."""
    names = pins_of_a_pi.PLUS_J8[2][pin]
    return str(names.get("gpio") or names[""]).replace("GPIO", "GPIO ")


@pytest.mark.parametrize("name", docs_wiring.PICTURES)
def test_a_picture_is_what_its_drawing_says(name: str) -> None:
    drawn = docs_wiring.PICTURES[name]().svg()
    assert (docs_wiring.FOLDER / name).read_text() == drawn, "run: .venv/bin/python -m tests.docs_wiring"
    ElementTree.fromstring(drawn)
    assert f"](images/{name})" in HARDWARE.read_text()


@pytest.mark.parametrize("name", docs_wiring.PICTURES)
def test_the_pins_are_those_of_the_header(name: str) -> None:
    pins = docs_wiring.PICTURES[name]().pins
    assert len(pins) >= 3
    assert pins == {pin: name_on_the_board(pin) for pin in pins}


def test_the_settings_beside_the_picture_are_the_wires_in_it(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", HARDWARE.read_text(), flags=re.DOTALL)
    (tmp_path / "trackside.toml").write_text(block)
    settings = load(tmp_path, {}, {})
    values = tomllib.loads(block)
    lines = {int(re.split("[:=]", line)[0]) for line in settings.gpio_lines}
    lines |= {values[f"gpio_{name}"] for name in ("start_button", "shutdown_button", "lamp", "buzzer")}
    wired = {name for name in docs_wiring.box_picture().pins.values() if name != "GND"}
    assert wired == {f"GPIO {line}" for line in lines}
