"""
The tail light: eight colours that people can tell apart on a real car, and white for a car that is stopped.

Any other colour washes out on the car's LEDs; DREM found these on real cars (its issue 263) and its racers choose their
highlight colour among the same eight. Pure.
"""

from enum import StrEnum

from msgspec import Struct


class Light(StrEnum):
    """The names, as racers' colours have them too; WHITE is nobody's: stopped."""

    BLUE = "blue"
    RED = "red"
    MARIGOLD = "marigold"
    ORCHID_PURPLE = "orchid_purple"
    SKY_BLUE = "sky_blue"
    GREEN = "green"
    VIOLET = "violet"
    LIME = "lime"
    WHITE = "white"


class Rgb(Struct, frozen=True):
    """What the helper on the car is told, 0 to 255 each; it makes the servo node's numbers of them."""

    red: int
    green: int
    blue: int


_RGB = {
    Light.BLUE: Rgb(0, 0, 255),
    Light.RED: Rgb(255, 0, 0),
    Light.MARIGOLD: Rgb(255, 130, 0),
    Light.ORCHID_PURPLE: Rgb(128, 0, 128),
    Light.SKY_BLUE: Rgb(30, 144, 255),
    Light.GREEN: Rgb(124, 252, 0),
    Light.VIOLET: Rgb(255, 0, 255),
    Light.LIME: Rgb(255, 255, 0),
    Light.WHITE: Rgb(255, 255, 255),
}
"""On a car, not on a screen: violet there is magenta, lime is yellow."""


def rgb_of(light: Light) -> Rgb:
    """What the car is told for this light."""
    return _RGB[light]


def light_of(colour: str | None) -> Light:
    """The light of a racer's colour; blue, the car's own default, for a racer without one or with an unknown one."""
    try:
        return Light(colour) if colour else Light.BLUE
    except ValueError:
        return Light.BLUE
