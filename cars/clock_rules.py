"""How far a car's clock is from the box's, as far as an answer over a network can tell. Pure."""

SECOND_NS = 1_000_000_000
LIMIT_NS = 2 * SECOND_NS
"""Recordings are called by the second, and journals are asked for with half a minute to spare: less matters nowhere."""
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_FROM = 2
"""So many of a unit are told in it: 90 minutes, not one hour."""


def off_ns(car_ns: int, asked_ns: int, answered_ns: int) -> int:
    """
    How far a car's clock is ahead of the box's, or behind with a minus; 0 where the way there and back explains it.

    Args:
        car_ns: What the car's clock said, at some moment between `asked_ns` and `answered_ns` on the box's.
    """
    return min(car_ns - asked_ns, 0) + max(car_ns - max(answered_ns, asked_ns), 0)


def off_in_words(by_ns: int) -> str:
    """For people: "23 hours behind"."""
    seconds = round(abs(by_ns) / SECOND_NS)
    name, unit_s = next((unit for unit in _UNITS if seconds >= _FROM * unit[1]), _UNITS[-1])
    count = seconds // unit_s
    return f"{count} {name}{'' if count == 1 else 's'} {'behind' if by_ns < 0 else 'ahead'}"
