"""The tail light's colours: what a car is told, and which one a racer gets."""

import pytest

from appliance.people import COLOURS
from cars.lights import PWM_MAX, Light, light_of, pwm_of


def test_every_racers_colour_is_a_light_and_white_is_nobodys() -> None:
    assert set(Light) == {*COLOURS, "white"}
    assert "white" not in COLOURS


@pytest.mark.parametrize("light", Light)
def test_every_light_is_within_what_the_servo_node_takes(light: Light) -> None:
    told = pwm_of(light)
    assert all(0 <= channel <= PWM_MAX for channel in (told.red, told.green, told.blue))
    assert max(told.red, told.green, told.blue) > PWM_MAX * 0.9 or light is Light.ORCHID_PURPLE


def test_no_two_lights_look_alike() -> None:
    assert len({pwm_of(light) for light in Light}) == len(Light)


@pytest.mark.parametrize("colour", [None, "", "pink"])
def test_racer_without_a_known_colour_gets_the_cars_own_blue(colour: str | None) -> None:
    assert light_of(colour) is Light.BLUE


def test_a_racers_colour_is_the_cars() -> None:
    assert light_of("marigold") is Light.MARIGOLD
