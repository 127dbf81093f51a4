"""From the setting `gpio_backend` to a pin factory: one for strips and panel, never another one than was asked for."""

from weakref import WeakValueDictionary

from appliance.errors import InvalidInput, NotReady
from timing.strips.gpio_pins import WatchingFactory

GPIOD = "gpiod"
LGPIO = "lgpio"
BACKENDS = (GPIOD, LGPIO)

_open: WeakValueDictionary[tuple[str, str | None], WatchingFactory] = WeakValueDictionary()
"""Shared while somebody holds it: gpiozero refuses two devices on one line only within one factory's reservations."""


def open_factory(backend: str, chip: str | None) -> WatchingFactory:
    """
    The factory on this library.

    Args:
        chip: Label or device; None for the header of a Raspberry Pi.

    Raises:
        ApplianceError: the library or the chip cannot be used; says what to do.
    """
    found = _open.get((backend, chip))
    if found is None:
        found = _open[backend, chip] = _made(backend, chip)
    return found


def _made(backend: str, chip: str | None) -> WatchingFactory:
    if backend == LGPIO:
        from timing.strips.gpio_pins.lgpio_factory import LgpioFactory

        return LgpioFactory(chip)
    if backend != GPIOD:
        raise InvalidInput(f"There is no GPIO backend {backend}.", "Use gpiod or lgpio.")
    try:
        from timing.strips.gpio_pins.factory import TracksideFactory
    except ImportError as error:
        raise NotReady(
            f"The package {error.name} cannot be used here: {error}.",
            "Install Trackside again with its packages. Where gpiod has none for a machine, set gpio_backend to lgpio.",
        ) from error
    return TracksideFactory(chip)
