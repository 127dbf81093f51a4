"""
Which of a track's cars the next racers get: the rule alone. Pure.

Round robin in the order of the line. What is prepared already stays as it is, so that a model that lies on a car, or is
on its way there, is never sent to another by a second tap.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

NEXT = 3
"""As many as are told to stay close (web/pages/public/turns.py): a model is on its car before its racer is there."""


class NextUp(Struct, frozen=True, kw_only=True):
    """Somebody in line: the car prepared for them, and the model prepared or meant; None where there is none (yet)."""

    queue_id: str
    car_id: str | None = None
    model_id: str | None = None


def with_cars(line: Sequence[NextUp], cars: Sequence[str], last: Collection[str] = ()) -> list[NextUp]:
    """
    The same with a car for each who has a model.

    Args:
        line: The next ones, first one first.
        cars: Those that can be given, in the order in which they are taken.
        last: Of these, those to take only when the others have as many racers: one that races now, for example.

    Returns:
        The line in its order. Without a model nobody gets a car, and without cars nobody does.
    """
    racers = Counter(one.car_id for one in line if one.car_id is not None)
    given = []
    for one in line:
        if cars and one.car_id is None and one.model_id is not None:
            car_id = min(cars, key=lambda car: (racers[car], car in last))
            racers[car_id] += 1
            one = replace(one, car_id=car_id)  # noqa: PLW2901  the same entry, with its car
        given.append(one)
    return given
