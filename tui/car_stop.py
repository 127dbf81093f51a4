"""
The one key that stops the cars of this terminal's track: told at once, again until the box has it, followed car by car.

No emergency stop: it goes over two Wi-Fis. So what is not known to stand is said loudly. No Textual here.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui import local_clock
from tui.box import Box, new_id
from tui.car_wire import ASKED, DONE, Command
from tui.columns import plain
from tui.errors import BoxAway, BoxError
from tui.key_repeat import ONE_PRESS_NS
from tui.words import counted

TRY_S = 8.0
"""Three tries of a box that says nothing; then a person has to run."""
AGAIN_S = 0.3
LOOK_S = 0.2
"""Between two looks at what the cars answered."""
ANSWERS_S = 30.0
"""The box gives a car 20 s, and a little more to a line that hangs."""
SHOWN_NS = 10_000_000_000
WARNED_NS = 60_000_000_000
"""How long it stays in sight when all is well, and when somebody has to do something."""
BEGUN = "■ Stopping the cars…"
BY_HAND = "Take the cars by hand. F9 tries again."


@dataclass(frozen=True, slots=True)
class StopWords:
    """What there is to say; `is_over`: nothing more comes by itself. `since_ns` on this machine's CLOCK_MONOTONIC."""

    text: str
    detail: str = ""
    is_bad: bool = False
    is_over: bool = False
    since_ns: int = 0


class CarStop:
    """Of one seat; `changed` is called when `words` are others. `await close()` at the end."""

    def __init__(self, box: Box, track: tuple[str, str], changed: Callable[[], None]) -> None:
        """`track` is the event's id and the track's."""
        self._box, self._track = box, track
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._pressed_ns: int | None = None
        self.words: StopWords | None = None

    def press(self) -> bool:
        """Stop them, from the beginning; False when the key is only held."""
        now_ns, before_ns = local_clock.stamp().mono_ns, self._pressed_ns
        self._pressed_ns = now_ns
        if before_ns is not None and now_ns - before_ns <= ONE_PRESS_NS:
            return False
        if self._task is not None:
            self._task.cancel()
        self._say(BEGUN)
        self._task = asyncio.create_task(self._stop())
        return True

    def shown(self, now_ns: int) -> StopWords | None:
        """What is to be in sight now."""
        words = self.words
        if words is None or not words.is_over:
            return words
        return words if now_ns - words.since_ns < (WARNED_NS if words.is_bad else SHOWN_NS) else None

    async def close(self) -> None:
        """Whatever was asked is asked."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # ---- inside

    async def _stop(self) -> None:
        try:
            asked = await self._asked(new_id())
            answers = None if asked is None else await self._answered(asked)
            if answers is not None:
                await self._told(answers)
        except BoxError as error:
            self._say(f"× NOT STOPPED: {error.message}", f"{error.remedy} {BY_HAND}", is_bad=True, is_over=True)

    async def _asked(self, command_id: str) -> list[Command] | None:
        """The cars that the box asks; None when it could not be reached."""
        until_ns = local_clock.stamp().mono_ns + int(TRY_S * 1e9)
        while True:
            try:
                return await self._box.stop_cars(*self._track, command_id)
            except BoxAway as error:
                if local_clock.stamp().mono_ns >= until_ns:
                    title = "× NOT STOPPED: the box cannot be reached"
                    self._say(title, f"{BY_HAND} {error.message}", is_bad=True, is_over=True)
                    return None
                self._say("× NOT STOPPED: the box does not answer, trying again", is_bad=True)
                await asyncio.sleep(AGAIN_S)

    async def _answered(self, asked: list[Command]) -> list[Command] | None:
        """What each car said in the end, where it said anything; None where the box cannot tell."""
        until_ns = local_clock.stamp().mono_ns + int(ANSWERS_S * 1e9)
        while any(one.state == ASKED for one in asked):
            self._say(f"■ {stop_text(asked)}")
            await asyncio.sleep(LOOK_S)
            try:
                asked = await self._box.command(asked[0].command_id)
            except BoxAway:
                pass
            except BoxError as error:  # A box whose disk is full has told the cars, and written nothing down.
                title = f"× {stop_text(asked)}, the others are not known"
                self._say(title, f"They were told, but: {error} {BY_HAND}", is_bad=True, is_over=True)
                return None
            if local_clock.stamp().mono_ns >= until_ns:
                break
        return asked

    async def _told(self, answers: list[Command]) -> None:
        failed = [one for one in answers if one.state != DONE]
        if not failed:
            self._say(f"√ {stop_text(answers)}", is_over=True)
            return
        names = await self._names()
        who = ", ".join(names.get(one.car_id, "a car") for one in failed)
        why = " ".join(dict.fromkeys(plain(f"{one.answer or 'No answer came.'} {one.remedy or ''}") for one in failed))
        self._say(f"× {stop_text(answers)}, NOT {who}", f"{why} {BY_HAND}", is_bad=True, is_over=True)

    async def _names(self) -> dict[str, str]:
        try:
            return {car.car_id: plain(car.name) for car in (await self._box.cars(self._track[0])).cars}
        except BoxError:
            return {}

    def _say(self, text: str, detail: str = "", *, is_bad: bool = False, is_over: bool = False) -> None:
        words = StopWords(text, detail, is_bad, is_over, local_clock.stamp().mono_ns)
        if self.words is None or (self.words.text, self.words.is_over) != (text, is_over):
            self.words = words
            self._changed()


def stop_text(asked: Sequence[Command]) -> str:
    """ "Stopping 4 cars… 2 of 4 stopped"."""
    done = sum(one.state == DONE for one in asked)
    return f"Stopping {counted(len(asked), 'car')}… {done} of {len(asked)} stopped"
