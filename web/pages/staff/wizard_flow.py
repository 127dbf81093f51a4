"""
The steps from a racer to a race that is handed in: which one is next, and the address that holds the answers. Pure.

The address is the whole state beside the box's own (queue, pushes, race), so that a reload, the back button, another
device and a browser without script all find the same step.
"""

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import asdict, replace

from cars.push_rules import PushState
from timing.structs import RaceState

NONE = "none"
"""An answer too: no car is known, or no model."""
LONGEST = 64
"""Characters of an answer; an id has 36."""
ON_THE_CAR = frozenset({PushState.DONE, PushState.ALREADY_THERE})
AT_THE_END = frozenset({RaceState.OVER, RaceState.SUBMITTED, RaceState.DISCARDED})


class Step(StrEnum):
    """In their order."""

    RACER = "racer"
    CAR = "car"
    MODEL = "model"
    PUSH = "push"
    RACE = "race"
    SUBMIT = "submit"


STEPS = list(Step)
TITLES = {
    Step.RACER: "Racer",
    Step.CAR: "Car",
    Step.MODEL: "Model",
    Step.PUSH: "Push",
    Step.RACE: "Race",
    Step.SUBMIT: "Submit",
}


class Asked(Struct, frozen=True, kw_only=True):
    """
    What an address says; "" is not answered yet.

    `push_id` is the push that is followed, `race_id` the race once it is made. `step` goes back to an earlier one,
    `go` goes on without waiting for the push, `new` begins anew although a race is on the track. `q` is what was typed.
    """

    racer_id: str = ""
    queue_id: str = ""
    car_id: str = ""
    model_id: str = ""
    push_id: str = ""
    race_id: str = ""
    step: str = ""
    go: str = ""
    new: str = ""
    q: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "Asked":
        """From a query or a form; what else is there is passed over."""
        return cls(**{name: str(fields.get(name, "")).strip()[:LONGEST] for name in cls.__struct_fields__})

    def link(self, **changes: str) -> str:
        """The query with these changed; "" for none."""
        filled = {name: value for name, value in asdict(replace(self, **changes)).items() if value}
        return f"?{urlencode(filled)}" if filled else ""

    def fields(self, *without: str) -> list[tuple[str, str]]:
        """What a form has to carry on."""
        return [(name, value) for name, value in asdict(self).items() if value and name not in without]

    @property
    def has_push(self) -> bool:
        """Whether there is something to bring to a car."""
        return self.car_id not in ("", NONE) and self.model_id not in ("", NONE)


def step_of(asked: Asked, push: PushState | None, race: RaceState | None) -> Step:
    """
    Where the flow stands.

    Args:
        push: How the push of `asked` stands; None: none was asked for.
        race: The state of the race of `asked`; None: it is not made yet.
    """
    if race is not None:
        return Step.SUBMIT if race in AT_THE_END else Step.RACE
    next_one = _next_one(asked, push)
    wanted = asked.step
    return Step(wanted) if wanted in STEPS and STEPS.index(Step(wanted)) < STEPS.index(next_one) else next_one


def _next_one(asked: Asked, push: PushState | None) -> Step:
    for answer, step in ((asked.racer_id, Step.RACER), (asked.car_id, Step.CAR), (asked.model_id, Step.MODEL)):
        if not answer:
            return step
    is_settled = not asked.has_push or push in ON_THE_CAR or bool(asked.go)
    return Step.RACE if is_settled else Step.PUSH
