"""One pairing as it goes: its steps, the question it may end with, and what came of it. cars/pairings.py has all."""

import asyncio
from dataclasses import dataclass, field

from cars.car_structs import Car
from cars.enrol_wire import STEP_NAMES, Enrolled, Failed, Step, StepState, Went
from cars.pairing_structs import KeyQuestion, NewPairing, PairingView, StepView


@dataclass(slots=True)
class Pairing:
    """
    One of them. `found` is what its process brought while `asks` waits for somebody's answer.

    `new` has no passwords any more once the process has ended.
    """

    pairing_id: str
    new: NewPairing
    actor: str
    went: dict[Step, Went] = field(default_factory=dict)
    car: Car | None = None
    failed: Failed | None = None
    found: Enrolled | None = None
    asks: KeyQuestion | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def is_running(self) -> bool:
        """Something is being done on the car."""
        return self.car is None and self.failed is None and self.asks is None

    def view(self) -> PairingView:
        """As people see it."""
        failed = self.failed
        return PairingView(
            pairing_id=self.pairing_id,
            address=self.new.address,
            name=self.new.name if self.car is None else self.car.name,
            is_running=self.is_running,
            asks=self.asks,
            steps=tuple(_step_view(step, self.went.get(step)) for step in Step),
            car_id=None if self.car is None else self.car.car_id,
            message=None if failed is None else failed.message,
            remedy=None if failed is None else failed.remedy,
            field=None if failed is None else failed.field,
        )

    def end_open_step(self) -> None:
        """Where the process died or the record was refused, a step would be "doing" for ever."""
        failed = self.failed
        if failed is None or any(went.state is StepState.FAILED for went in self.went.values()):
            return
        doing = [step for step, went in self.went.items() if went.state is StepState.DOING]
        step = doing[-1] if doing else Step.RECORD if self.went else Step.CONSOLE
        self.went[step] = Went(step=step, state=StepState.FAILED, text=f"{failed.message} {failed.remedy}")


def without_passwords(new: NewPairing) -> NewPairing:
    """The same for whoever looks at it later."""
    return NewPairing(
        address=new.address,
        name=new.name,
        username=new.username,
        port=new.port,
        console_port=new.console_port,
        fleet_id=new.fleet_id,
        trusted_key=new.trusted_key,
    )


def _step_view(step: Step, went: Went | None) -> StepView:
    return StepView(
        step=step,
        name=STEP_NAMES[step],
        state=None if went is None else went.state,
        text="" if went is None else went.text,
    )
