"""
What this terminal told cars, and what each answered. Follows every command until all of its cars have. No Textual here.
"""

import asyncio
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from tui import local_clock
from tui.box import Box, new_id
from tui.car_wire import ASKED, Command, Told
from tui.errors import BoxAway, BoxError

LOOKS_S = (0.2, 0.2, 0.3, 0.5, 1.0)
"""Between two looks at the answers; the last goes on."""
GIVEN_UP_S = 150.0
"""The longest command may take a car 120 s (docs/api.md)."""
NEVER = ("No answer came.", "Look at the car, then ask again.")


class CarAsks:
    """`latest` is the newest command of each car by its id; `changed` is called when it is another."""

    def __init__(self, box: Box, changed: Callable[[], None]) -> None:
        self._box = box
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()
        self.latest: dict[str, Command] = {}

    async def tell(self, verb: str, car_ids: Sequence[str], light: str | None = None) -> None:
        """
        Tell them; what they answer is in `latest`.

        Raises:
            BoxError: nobody was told.
        """
        told = Told(verb=verb, command_id=new_id(), car_ids=list(car_ids), light=light)
        asked = await self._box.tell_cars(told)
        self._keep(asked, is_first=True)
        task = asyncio.create_task(self._follow(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Whatever was asked is asked."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- inside

    async def _follow(self, asked: list[Command]) -> None:
        until_ns, looks = local_clock.stamp().mono_ns + int(GIVEN_UP_S * 1e9), 0
        while any(one.state == ASKED for one in asked):
            if local_clock.stamp().mono_ns >= until_ns:
                asked = [_never(one) if one.state == ASKED else one for one in asked]
                self._keep(asked)
                return
            await asyncio.sleep(LOOKS_S[min(looks, len(LOOKS_S) - 1)])
            looks += 1
            try:
                asked = await self._box.command(asked[0].command_id)
            except BoxAway:
                continue
            except BoxError as error:
                asked = [replace(one, state="failed", answer=error.message, remedy=error.remedy) for one in asked]
            self._keep(asked)

    def _keep(self, asked: Sequence[Command], *, is_first: bool = False) -> None:
        """A later command to the same car is the one that is shown."""
        before = dict(self.latest)
        for one in asked:
            known = self.latest.get(one.car_id)
            if is_first or known is None or known.command_id == one.command_id:
                self.latest[one.car_id] = one
        if self.latest != before:
            self._changed()


def _never(one: Command) -> Command:
    return replace(one, state="failed", answer=NEVER[0], remedy=NEVER[1])
