"""
The link to the box: one stream, opened again whenever it breaks, and the box's clock measured while it lives.

Lost is said when the box was silent for SILENCE_S, also while a connection is only being tried; nothing else is done
about it but trying again. Moving to another address is the seat's: the link only tries again there.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from timing.crew_structs import Beat, CrewSnapshot, RaceNow
from tui import local_clock
from tui.box import SILENCE_S, Box
from tui.errors import BoxError, SignedOut
from tui.server_clock import ENOUGH, ServerClock
from tui.wire import StreamMessage

AGAIN_S = (0.3, 0.6, 1.2, 2.0)
"""Between two tries to connect, each a little by chance, so that the terminals of a hall do not come all at once."""
BURST_S = 0.05
"""Between the questions for the clock at the start."""
MEASURE_S = 5


class LinkWord(StrEnum):
    """How the link is."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"
    SIGNED_OUT = "signed_out"


@dataclass(frozen=True, slots=True)
class LinkState:
    """`since_ns` on this machine's CLOCK_MONOTONIC; `problem` says why there is no link, None while there is one."""

    word: LinkWord
    since_ns: int
    problem: BoxError | None = None

    @property
    def is_live(self) -> bool:
        """Whether what is shown is what is."""
        return self.word is LinkWord.LIVE

    @property
    def is_lost(self) -> bool:
        """Whether there was or should be a link, and is none."""
        return self.word is LinkWord.LOST


class Link:
    """
    Keeps one seat connected to its track (event id, track id).

    `heard` gets every message, `changed` is called when `state` is another, `measured` after each look at the clock.
    """

    def __init__(
        self,
        box: Box,
        clock: ServerClock,
        track: tuple[str, str],
        *,
        heard: Callable[[StreamMessage], None],
        changed: Callable[[], None],
        measured: Callable[[], None] = lambda: None,
    ) -> None:
        self._box = box
        self._clock = clock
        self._track = track
        self._heard = heard
        self._changed = changed
        self._measured = measured
        self._again = asyncio.Event()
        self._live = asyncio.Event()
        self.state = LinkState(LinkWord.CONNECTING, local_clock.stamp().mono_ns)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._measure())

    def again(self) -> None:
        """Try now: somebody signed in, or the box is at another address."""
        self._again.set()

    # ---- inside

    async def _follow(self) -> None:
        tries = 0
        while True:
            self._again.clear()
            patience = asyncio.get_running_loop().call_later(SILENCE_S, self._still_connecting)
            try:
                was_live = await self._listen()
                self._became(LinkWord.LOST, None)
            except SignedOut as error:
                self._became(LinkWord.SIGNED_OUT, error)
                await self._again.wait()
                was_live = True
            except BoxError as error:
                was_live = self.state.is_live
                self._became(LinkWord.LOST, error)
            finally:
                patience.cancel()
            tries = 0 if was_live else tries + 1
            await self._pause(AGAIN_S[min(tries, len(AGAIN_S) - 1)])

    async def _listen(self) -> bool:
        """Until the box ends the stream or is silent; whether it had begun."""
        begun = False
        async for message in self._box.crew_stream(*self._track):
            begun = True
            if isinstance(message, CrewSnapshot | RaceNow | Beat):
                self._clock.heard(message.clock.boot_id)
            self._heard(message)
            self._became(LinkWord.LIVE, None)
        return begun

    async def _measure(self) -> None:
        while True:
            await self._live.wait()
            for _ in range(ENOUGH):
                await self._ask()
                await asyncio.sleep(BURST_S)
            while await self._rested():
                await self._ask()

    async def _rested(self) -> bool:
        """After MEASURE_S True; False at once when the link is lost, or this machine has slept."""
        for _ in range(MEASURE_S):
            if not self._live.is_set() or not self._clock.is_measured(local_clock.stamp()):
                return False
            await asyncio.sleep(1)
        return True

    async def _ask(self) -> None:
        sent = local_clock.stamp()
        try:
            reading = await self._box.clock()
        except BoxError:
            return
        self._clock.add(reading, sent=sent, received=local_clock.stamp())
        self._measured()

    def _still_connecting(self) -> None:
        if self.state.word is LinkWord.CONNECTING:
            self._became(LinkWord.LOST, None)

    def _became(self, word: LinkWord, problem: BoxError | None) -> None:
        if (word, problem) == (self.state.word, self.state.problem):
            return
        since_ns = self.state.since_ns if word is self.state.word else local_clock.stamp().mono_ns
        self.state = LinkState(word, since_ns, problem)
        if word is LinkWord.LIVE:
            self._live.set()
        else:
            self._live.clear()
        self._changed()

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s * random.uniform(0.7, 1.0)):  # noqa: S311  no secret
                await self._again.wait()
        except TimeoutError:
            return
