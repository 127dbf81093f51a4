"""The tail light's colours: what a car is told, and which one a racer gets."""

import pytest

from appliance.people import COLOURS
from cars.lights import Light, light_of, rgb_of


def test_every_racers_colour_is_a_light_and_white_is_nobodys() -> None:
    assert set(Light) == {*COLOURS, "white"}
    assert "white" not in COLOURS


@pytest.mark.parametrize("light", Light)
def test_every_light_is_bright(light: Light) -> None:
    told = rgb_of(light)
    assert all(0 <= channel <= 255 for channel in (told.red, told.green, told.blue))
    assert max(told.red, told.green, told.blue) > 250 or light is Light.ORCHID_PURPLE


def test_no_two_lights_look_alike() -> None:
    assert len({rgb_of(light) for light in Light}) == len(Light)


@pytest.mark.parametrize("colour", [None, "", "pink"])
def test_racer_without_a_known_colour_gets_the_cars_own_blue(colour: str | None) -> None:
    assert light_of(colour) is Light.BLUE


def test_a_racers_colour_is_the_cars() -> None:
    assert light_of("marigold") is Light.MARIGOLD
