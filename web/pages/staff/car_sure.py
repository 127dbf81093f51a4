"""What no slip of a finger may do to cars: asked once more on a page of its own, which says who of them races."""

from msgspec import Struct

from cars.car_structs import Car
from cars.command_structs import NewCommand, Verb
from web.given import House

MEANS = {
    Verb.RESTART_CORE: "Stopped first; no driving for half a minute.",
    Verb.DELETE_MODELS: "The samples stay. The others can be pushed again if this box has them.",
    Verb.REBOOT: "That takes a minute or two.",
    Verb.POWER_OFF: "Only a hand switches a car on again.",
}
"""The verbs that are asked about, and what each does to a car."""
GONE = "This model is gone from the car. It can be pushed again if this box has it."
WITH_LOGS = " Logs and recorded drives are gone for good unless the box has fetched them."


class Asked(Struct, frozen=True, kw_only=True):
    """The question: what is to be done, what that means, and to which cars, each with whether it is in a race."""

    title: str
    means: str
    cars: list[tuple[Car, bool]]
    button: str

    @property
    def racing(self) -> str | None:
        """How many of them are in a race; None: none is."""
        count = sum(is_in_race for _, is_in_race in self.cars)
        if count == 0:
            return None
        if len(self.cars) == 1:
            return "It is in a race."
        return f"{count} of them {'is' if count == 1 else 'are'} in a race."


def question_of(house: House, command: NewCommand) -> Asked | None:
    """What to ask before a command goes out; None where nothing is asked. Raises NotFound."""
    if command.verb not in MEANS or not command.car_ids:
        return None
    cars = [house.cars.enrolled(car_id) for car_id in dict.fromkeys(command.car_ids)]
    whom = cars[0].name if len(cars) == 1 else f"{len(cars)} cars"
    title, button = _title(command, whom)
    means = GONE if command.folders else MEANS[command.verb]
    return Asked(
        title=title,
        means=means + (WITH_LOGS if command.logs else ""),
        cars=[(car, house.control.is_racing(car.car_id)) for car in cars],
        button=button,
    )


def _title(command: NewCommand, whom: str) -> tuple[str, str]:
    """The question, and the word on its button."""
    match command.verb:
        case Verb.RESTART_CORE:
            return f"Restart the software of {whom}?", "Restart"
        case Verb.REBOOT:
            return f"Reboot {whom}?", "Reboot"
        case Verb.POWER_OFF:
            return f"Power off {whom}?", "Power off"
        case _:
            what = ", ".join(command.folders or []) or ("all models and logs" if command.logs else "all models")
            return f"Delete {what} on {whom}?", "Delete"
