"""
The tail light: eight colours that people can tell apart on a real car, and white for a car that is stopped.

Any other colour washes out on the car's LEDs; DREM found these on real cars (its issue 263) and its racers choose their
highlight colour among the same eight. Pure.
"""

from enum import StrEnum

from msgspec import Struct

PWM_MAX = 9_999_825
"""255 steps of 39,215, as the car's servo node counts them (`SetLedCtrlSrv`, each channel 0 to 10,000,000)."""


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


class Pwm(Struct, frozen=True):
    """What the car is told: 0 to PWM_MAX for each channel."""

    red: int
    green: int
    blue: int


_PWM = {
    Light.BLUE: Pwm(0, 0, PWM_MAX),
    Light.RED: Pwm(PWM_MAX, 0, 0),
    Light.MARIGOLD: Pwm(PWM_MAX, 5_097_950, 0),
    Light.ORCHID_PURPLE: Pwm(5_019_520, 0, 5_019_520),
    Light.SKY_BLUE: Pwm(1_176_450, 5_646_960, PWM_MAX),
    Light.GREEN: Pwm(4_862_660, 9_882_180, 0),
    Light.VIOLET: Pwm(PWM_MAX, 0, PWM_MAX),
    Light.LIME: Pwm(PWM_MAX, PWM_MAX, 0),
    Light.WHITE: Pwm(PWM_MAX, PWM_MAX, PWM_MAX),
}
"""On a car, not on a screen: violet there is magenta, lime is yellow."""


def pwm_of(light: Light) -> Pwm:
    """What the servo node must be told for this light."""
    return _PWM[light]


def light_of(colour: str | None) -> Light:
    """The light of a racer's colour; blue, the car's own default, for a racer without one or with an unknown one."""
    try:
        return Light(colour) if colour else Light.BLUE
    except ValueError:
        return Light.BLUE
