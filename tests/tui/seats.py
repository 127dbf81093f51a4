"""A seat without a screen at a real server, through a cable that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path

from timing.journal import Kind
from timing.structs import RaceView
from tui import local_clock
from tui.box import Box
from tui.press import Press
from tui.seat import Changed, Seat

DEADLINE_S = 40.0
NS_PER_MS = 1_000_000
GOOD_ERROR_NS = 50 * NS_PER_MS
"""Of the box's clock as a seat knows it, where nobody delays the answers: half of what a lap here may be wrong by."""


class Seated:
    """A seat that runs. `until` waits for what it knows; `heard` is all that it told, in order."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.heard: list[Changed] = []
        self.worst_error_ns = 0
        """Of the clock that presses were placed by: since `live()`, and whenever a press waited or was answered."""
        self._was_live = False
        self._something = asyncio.Event()
        seat.listen(self._note)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something is so."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not holds():
                    self._something.clear()
                    await self._something.wait()
        except TimeoutError:
            raise AssertionError(f"not so within {DEADLINE_S} s: {self.state()}") from None

    async def live(self) -> None:
        """Wait until it is connected and knows the clock of the box well, which takes a busy machine some questions."""
        await self.until(lambda: self.seat.link_state.is_live and self._error_ns() < GOOD_ERROR_NS)
        self._was_live = True

    async def press(self, kind: Kind, **fields: object) -> Press:
        """Press a key that counts, at another moment than the key before."""
        await after_ms(20)
        self.seat.press(kind, **fields)  # type: ignore[arg-type]
        waiting = self.seat.presses.waiting
        assert waiting, f"{kind} was not taken: {self.state()}"
        assert waiting[-1].kind is kind, f"{kind} was not taken: {self.state()}"
        return waiting[-1].press

    async def sent(self) -> None:
        """Wait until nothing waits."""
        await self.until(lambda: not self.seat.presses.waiting)

    def state(self) -> str:
        """For messages of failed tests."""
        waiting = [(one.kind.value, one.why) for one in self.seat.presses.waiting]
        return f"link {self.seat.link_state}, race {self.seat.race_state}, waiting {waiting}"

    def _note(self, changed: Changed) -> None:
        self.heard.append(changed)
        error_ns = self._error_ns()
        is_placing = self._was_live or self.seat.presses.waiting or changed is Changed.PRESSES
        if is_placing and error_ns < inf:
            self.worst_error_ns = max(self.worst_error_ns, int(error_ns))
        self._something.set()

    def _error_ns(self) -> float:
        """Of what it knows of the box's clock now; infinite when that is too little to place a press by."""
        now = local_clock.stamp()
        offset = self.seat.clock.offset(now) if self.seat.clock.is_measured(now) else None
        return inf if offset is None else offset.error_ns


async def after_ms(ms: int) -> None:
    """Let this much time pass on the clock that presses are stamped with."""
    until_ns = local_clock.stamp().mono_ns + ms * NS_PER_MS
    while (left_ns := until_ns - local_clock.stamp().mono_ns) > 0:  # noqa: ASYNC110  a clock sets no event
        await asyncio.sleep(left_ns / 1e9)


@asynccontextmanager
async def lag_ns() -> AsyncIterator[Callable[[], int]]:
    """How long this busy machine kept the event loop waiting meanwhile, at worst: no fault of what is tested."""
    worst_ns = 0

    async def watch() -> None:
        nonlocal worst_ns
        while True:
            begun_ns = local_clock.stamp().mono_ns
            await asyncio.sleep(0.01)
            worst_ns = max(worst_ns, local_clock.stamp().mono_ns - begun_ns - 10 * NS_PER_MS)

    watching = asyncio.create_task(watch())
    try:
        yield lambda: worst_ns
    finally:
        watching.cancel()


@asynccontextmanager
async def sitting(
    address: str, token: str | None, event_id: str, track_id: str = "1", folder: Path | None = None
) -> AsyncIterator[Seated]:
    """Somebody at a track; every key event counts as a press of its own."""
    box = Box(address, token)
    me = await box.who()
    seat = Seat(box, event_id, track_id, me, press_folder=folder, box_key="box-1")
    seat._repeat.is_new = lambda *_, **__: True  # type: ignore[method-assign]  # the rule has its own tests
    seated = Seated(seat)
    task = asyncio.create_task(seat.run())
    try:
        yield seated
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await seat.close()
        await box.close()


def assert_laps_as_pressed(view: RaceView, presses: list[Press], seated: Seated) -> None:
    """Laps are the times between the presses that made them, to what two stamps may be wrong: the start, then each."""
    error_ms = 2 * seated.worst_error_ns / NS_PER_MS
    assert error_ms < 200, "this machine is too busy to tell"
    assert len(view.laps) == len(presses) - 1
    for lap, before, at in zip(view.laps, presses, presses[1:], strict=False):
        pressed_ms = (at.mono_ns - before.mono_ns) / NS_PER_MS
        assert abs(lap.lap_ms - pressed_ms) <= 1 + error_ms, (lap.lap, lap.lap_ms, pressed_ms, error_ms)
