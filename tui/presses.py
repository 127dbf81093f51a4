"""
The presses of this seat on their way to the box: in order, one at a time, each until it was answered.

Owns ids, repeats and what is shown as waiting. A press is placed on the box's clock when it is sent, with the best that
is known then of that clock; the box answers the same id once (timing/control.py), so a lost answer doubles nothing.
What the box refuses is told and not sent again. What cannot be placed in time any more waits for the person.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from timing.crew_structs import ClockReading
from timing.journal import Kind
from timing.structs import Action, RaceView
from tui import local_clock
from tui.errors import BoxAway, BoxError, Refused, SignedOut
from tui.press import Press, RefusedPress, Waiting
from tui.press_file import PressFile
from tui.server_clock import OnServer, ServerClock

AGAIN_S = (0.2, 0.4, 0.8, 1.5)
"""Between two tries; then every 1.5 s (as web/static/js/press.js)."""
MAX_REFUSED = 20

BOX_RESTARTED = "The box was restarted since this was pressed."
OLD_BOOT = "This machine was restarted since this was pressed."
NO_CLOCK = "Waiting for the clock of the box."


class Takes(Protocol):
    """What presses need of a box."""

    async def act(self, race_id: str, action: Action) -> RaceView:
        """Do one action."""

    async def clock(self) -> ClockReading:
        """Its clocks now."""


class Presses:
    """
    What was pressed here. `run` sends until it is cancelled.

    `refused` are the last ones that the box said no to, until `forget_refused`.
    """

    def __init__(
        self,
        box: Takes,
        clock: ServerClock,
        file: PressFile | None = None,
        changed: Callable[[], None] = lambda: None,
        again_s: Sequence[float] = AGAIN_S,
    ) -> None:
        self._box = box
        self._clock = clock
        self._file = file
        self._changed = changed
        self._again_s = again_s
        self._list: list[Waiting] = []
        self._answered: list[tuple[Press, int]] = []
        self._wake = asyncio.Event()
        self._last: OnServer | None = None
        self.refused: list[RefusedPress] = []
        self.signed_out = False

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """Presses without an answer, oldest first."""
        return tuple(self._list)

    @property
    def trouble(self) -> str | None:
        """Why presses cannot be kept on this machine's disk, in words; None when they can."""
        return None if self._file is None else self._file.trouble

    async def load(self) -> None:
        """Take over what an earlier terminal could not send to this box; before anything is pressed here."""
        if self._file is not None:
            self._list = [_waiting(press) for press in await self._file.open()] + self._list
            self._tell()

    def add(self, press: Press) -> None:
        """Send it as soon as possible."""
        self._list.append(_waiting(press))
        if self._file is not None:
            self._file.add(press)
        self._tell()

    def let_go(self, action_id: str) -> None:
        """Do not send it. One that is being sent at this moment may have arrived all the same."""
        for one in self._list:
            if one.press.action_id == action_id:
                self._remove(one)
                self._tell()
                return

    def send_without_stamp(self, action_id: str) -> None:
        """Send one that is held as if it was pressed when it arrives."""
        for one in self._list:
            if one.press.action_id == action_id:
                one.without_stamp, one.is_held, one.why = True, False, ""
        self._tell()

    def forget_refused(self) -> None:
        """They were read."""
        self.refused.clear()
        self._changed()

    def nudge(self) -> None:
        """The box is there again, or somebody signed in: try now."""
        self.signed_out = False
        self._wake.set()

    def unanswered(self, race_id: str, version: int) -> list[Kind]:
        """
        Kinds of the presses that the picture of a race at `version` does not show yet, in the order of pressing.

        Only of the race that is shown: what was answered of others is forgotten.
        """
        self._answered = [(press, at) for press, at in self._answered if press.race_id == race_id and at > version]
        kinds = [press.kind for press, _ in self._answered]
        return kinds + [one.kind for one in self._list if one.press.race_id == race_id and not one.is_held]

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            self._wake.clear()
            one = next((one for one in self._list if not one.is_held), None)
            if one is None or self.signed_out:
                await self._wake.wait()
            elif not await self._tried(one):
                one.tries += 1
                await self._pause(self._again_s[min(one.tries, len(self._again_s)) - 1])

    async def kept(self) -> None:
        """Wait until all that waits is on the disk."""
        if self._file is not None:
            await self._file.settled()

    async def close(self) -> None:
        """Keep what waits on the disk and leave."""
        if self._file is not None:
            await self._file.close()

    # ---- inside

    async def _tried(self, one: Waiting) -> bool:
        """True when something else is to be tried now; False when the same is to be tried again later."""
        at = None
        if not one.without_stamp:
            if self._cannot_be_placed(one):
                return True
            at = self._placed(one)
            if at is None:
                self._say(one, NO_CLOCK)
                return False
        try:
            view = await self._box.act(one.press.race_id, one.press.action(at))
        except Refused as error:
            return await self._was_refused(one, error, at)
        except SignedOut as error:
            self.signed_out = True
            self._say(one, str(error))
        except BoxAway as error:
            self._say(one, str(error))
            return False
        except BoxError:  # it was done; only the answer is of another version
            self._remove(one)
            self._tell()
        else:
            if at is not None:
                self._last = at
            self._answered.append((one.press, view.version))
            self._remove(one)
            self._tell()
        return True

    async def _was_refused(self, one: Waiting, error: Refused, at: OnServer | None) -> bool:
        """Tell it, unless the stamp was wrong: by a look at the box's clock that is sure. The answer as of `_tried`."""
        if at is not None:
            try:
                if not await self._was_right(one, at):
                    return True
            except Refused:
                pass  # Whoever may not even see the clock was not refused for a stamp.
            except BoxError:
                return False  # asked again: the same id gets the same answer
        self.refused = [
            *self.refused[1 - MAX_REFUSED :],
            RefusedPress(press=one.press, message=error.message, remedy=error.remedy),
        ]
        self._remove(one)
        self._tell()
        return True

    async def _was_right(self, one: Waiting, at: OnServer) -> bool:
        """Whether the stamp that was sent can be true, however slow a look at the box's clock is; mended when not."""
        sent = local_clock.stamp()
        now = await self._box.clock()
        self._clock.add(now, sent=sent, received=local_clock.stamp())
        if now.boot_id != at.boot_id:
            self._cannot_be_placed(one)
            return False
        at_most_ns = now.mono_ns - (sent.mono_ns - one.press.mono_ns)  # it was pressed before we asked
        if at.at_ns <= at_most_ns or one.at_most_ns is not None:
            return True
        one.at_most_ns = at_most_ns
        return False

    def _cannot_be_placed(self, one: Waiting) -> bool:
        """Hold it, when its moment is of a boot that is gone."""
        seen, now = one.press.server_boot_id, self._clock.boot_id
        if one.is_of_old_boot:
            self._hold(one, OLD_BOOT)
        elif seen is not None and now is not None and seen != now:
            self._hold(one, BOX_RESTARTED)
        return one.is_held

    def _placed(self, one: Waiting) -> OnServer | None:
        """The press on the box's clock, not before the one that was sent before it."""
        at = self._clock.place(one.press.stamp) if self._clock.is_measured(local_clock.stamp()) else None
        if at is None:
            return None
        at_ns = at.at_ns if one.at_most_ns is None else min(at.at_ns, one.at_most_ns)
        if self._last is not None and self._last.boot_id == at.boot_id:
            at_ns = max(at_ns, self._last.at_ns)
        return OnServer(max(0, at_ns), at.boot_id, at.error_ns)

    def _hold(self, one: Waiting, why: str) -> None:
        one.is_held = True
        self._say(one, why)

    def _say(self, one: Waiting, why: str) -> None:
        if one.why != why:
            one.why = why
            self._changed()

    def _remove(self, one: Waiting) -> None:
        if one in self._list:
            self._list.remove(one)
            if self._file is not None:
                self._file.done(one.press.action_id)

    def _tell(self) -> None:
        self._wake.set()
        self._changed()

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        except TimeoutError:
            return


def _waiting(press: Press) -> Waiting:
    is_old = press.local_boot_id != local_clock.boot_id()
    return Waiting(press=press, why=OLD_BOOT if is_old else "", is_held=is_old, is_of_old_boot=is_old)
