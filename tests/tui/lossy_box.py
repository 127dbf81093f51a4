"""A box behind a network that loses what it likes, and presses for it: the sending alone, with nothing in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from enum import StrEnum

from msgspec.structs import replace

from tests.race_samples import race
from timing.crew_structs import ClockReading
from timing.journal import Kind
from timing.structs import Action, RaceView
from tui import local_clock
from tui.box import new_id
from tui.errors import BoxAway, BoxError, Refused, SignedOut
from tui.press import Press
from tui.presses import Presses
from tui.server_clock import ENOUGH, ServerClock, Stamp

AHEAD_REFUSED_NS = 2_000_000_000
"""As docs/api.md says of late presses: what is ahead by less counts on arrival."""
AHEAD_NS = 7_000_000_000_000
DEADLINE_S = 20.0
QUICK_NS = 1_000_000
"""There and back: what is placed by it is right to half of that."""
AT_ONCE = (0.0,)
"""No pause between two tries."""


class Fate(StrEnum):
    """What becomes of one request."""

    DONE = "done"
    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    BUSY = "busy"
    SIGNED_OUT = "signed out"
    REFUSED = "refused"


class LossyBox:
    """
    Does each action id once, as the real one. `fates` are those of the next requests, then all is well; `done` has what
    was done, each with the moment at which it counts.
    """

    def __init__(self, fates: Iterable[Fate] = (), boot_id: str = "boot-1") -> None:
        self.fates = list(fates)
        self.boot_id = boot_id
        self.clock_fails: BoxError | None = None
        """Why nobody may see its clock now."""
        self.requests: list[Action] = []
        self.done: list[tuple[str, Action]] = []

    async def act(self, race_id: str, action: Action) -> RaceView:
        """One request."""
        await asyncio.sleep(0)
        self.requests.append(action)
        fate = self.fates.pop(0) if self.fates else Fate.DONE
        match fate:
            case Fate.REQUEST_LOST | Fate.BUSY:
                raise BoxAway("The box does not answer.", "Wait.")
            case Fate.SIGNED_OUT:
                raise SignedOut
        if action.action_id not in {one.action_id for _, one in self.done}:
            if fate is Fate.REFUSED or action.pressed_boot_id not in {None, self.boot_id}:
                raise Refused("The race is over.", "Cancel the end.", status=409)
            now = self._now()
            if action.pressed_at_ns is not None and action.pressed_at_ns > now.mono_ns + AHEAD_REFUSED_NS:
                raise Refused("This was stamped ahead of the box's clock.", "Press again.", status=409)
            self.done.append((race_id, _counted(action, now)))
        if fate is Fate.ANSWER_LOST:
            raise BoxAway("The box does not answer.", "Wait.")
        return race(race_id=race_id, version=len(self.done))

    async def clock(self) -> ClockReading:
        """Its clock, exactly AHEAD_NS ahead of ours."""
        if self.clock_fails is not None:
            raise self.clock_fails
        return self._now()

    def _now(self) -> ClockReading:
        now = local_clock.stamp()
        return ClockReading(mono_ns=now.mono_ns + now.slept_ns + AHEAD_NS, wall_ns=0, boot_id=self.boot_id)


async def measure(clock: ServerClock, box: LossyBox) -> None:
    """Look at its clock a few times, with no network in between; on where a busy machine was slow every time."""
    asked, round_trip_ns = 0, None
    while asked < ENOUGH or (round_trip_ns or 0) > QUICK_NS:
        sent = local_clock.stamp()
        clock.add(await box.clock(), sent=sent, received=local_clock.stamp())
        asked, round_trip_ns = asked + 1, clock.basis(local_clock.stamp())[1]


def pressed(kind: Kind = Kind.LAP, race_id: str = "race-1", **fields: object) -> Press:
    """A key pressed at this moment."""
    now = exact_stamp()
    made = {
        "action_id": new_id(),
        "race_id": race_id,
        "kind": kind,
        "mono_ns": now.mono_ns,
        "slept_ns": now.slept_ns,
        "local_boot_id": local_clock.boot_id(),
        "server_boot_id": "boot-1",
        "wall_ns": 0,
    }
    return Press(**(made | fields))  # type: ignore[arg-type]


def exact_stamp() -> Stamp:
    """This moment, of two clocks that were read together, however busy the machine is."""
    while True:
        now = local_clock.stamp()
        if time.monotonic_ns() - now.mono_ns < local_clock.TOGETHER_NS:
            return now


class Sender:
    """Presses that are being sent, and a way to wait for what becomes of them."""

    def __init__(self, presses: Presses, changed: asyncio.Event) -> None:
        self.presses = presses
        self._changed = changed

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def sent(self) -> None:
        """Wait until nothing waits."""
        await self.until(lambda: not self.presses.waiting)


def _counted(action: Action, now: ClockReading) -> Action:
    if action.pressed_at_ns is None:
        return action
    return replace(action, pressed_at_ns=min(action.pressed_at_ns, now.mono_ns))


@asynccontextmanager
async def sending(box: LossyBox, clock: ServerClock | None = None) -> AsyncIterator[Sender]:
    """Presses on their way to `box`, whose clock is known."""
    if clock is None:
        clock = ServerClock()
        await measure(clock, box)
    changed = asyncio.Event()
    presses = Presses(box, clock, changed=changed.set, again_s=AT_ONCE)
    task = asyncio.create_task(presses.run())
    try:
        yield Sender(presses, changed)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
