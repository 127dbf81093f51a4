"""
Strips of an existing DREM timer kit: a WebSocket client of `ws://<pi>:8080`, for ever.

Owns the connection; what the messages and their times mean is timing/strips/drem_messages.py. The kit sends a crossing
once, to whoever is connected: one that happens while the network is away is gone, and shows as a gap when the kit's own
count tells. It never says when a strip was released, so there are no `inactive` edges and no contact times.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from appliance.clock import mono_ns
from appliance.errors import InvalidInput
from timing.stream import Line, Problem, Stamp, StripsKind
from timing.strips import RawEdge, RawGap, Sink
from timing.strips.drem_messages import KitClock, KitHello, KitLap, read_message

NS_PER_S = 1_000_000_000
SENSORS = (Line(line=17, name="kit sensor 1"), Line(line=27, name="kit sensor 2"))
MAX_LINES = 16
"""A kit has two sensors; more names than this come from something else, and share the first line."""
OPEN_S = 2.0
PAUSE_S = 2.0
"""With `OPEN_S` a kit that is back is met again within 4 s; DREM's own page takes 5."""
PING_EVERY_S = 1.0
SILENT_S = 3.0
"""A kit's WebSocket answers a ping by itself, at once; after this the network or the kit is gone."""
CLOSE_S = 0.5
MAX_MESSAGE_BYTES = 16_384
"""The greeting carries the kit's settings, some 500 bytes."""
MAX_MISSING = 1_000
"""A longer jump of the kit's count is no loss but another count."""
MAX_MESSAGES_PER_S = 100
"""A kit locks each sensor for 2 s. What talks this much is something else, and would fill the disk."""

log = logging.getLogger(__name__)


class NoKit(Exception):
    """The connection is of no use any more; the text says why."""


class DremKitStrips:
    """The sensors of one timer kit."""

    kind = StripsKind.DREM_KIT

    def __init__(self, url: str) -> None:
        """
        Raises:
            InvalidInput: not an address such as ws://192.168.1.20:8080.
        """
        self._url = _checked(url)
        self._lines = {line.line: line for line in SENSORS}
        self._clock = KitClock()
        self._count: int | None = None
        """The kit's number of its last crossing heard."""
        self._sink: Sink | None = None
        self._task: asyncio.Task[None] | None = None
        self._away: str | None = "no answer yet"
        self._sends_no_times = False
        self._sent_after_ns = 0

    @property
    def lines(self) -> Sequence[Line]:
        """The two sensors of every kit, and what else it has named since."""
        return tuple(self._lines.values())

    @property
    def note(self) -> str | None:
        """Whose clock the times are, and whether the kit answers."""
        times = "Lap times come from the timer kit's own clock, in whole milliseconds."
        if self._sends_no_times:
            times = "This timer kit sends no times: each crossing counts when its message arrives."
        if self._away is None:
            return times
        return f"The timer kit at {self._url} is not connected ({self._away}). Check its power and the network. {times}"

    @property
    def problem(self) -> Problem | None:
        """Set while the kit does not answer."""
        return None if self._away is None else Problem.STRIPS_AWAY

    async def start(self, sink: Sink) -> None:
        """Begin to call the kit; does not wait for it, because it may be switched on later."""
        self._sink = sink
        self._task = asyncio.create_task(self._follow_for_ever(), name="drem-kit")

    async def stop(self) -> None:
        """Hang up."""
        self._sink = None
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _follow_for_ever(self) -> None:
        while True:
            try:
                await self._follow_once()
            except (OSError, TimeoutError, WebSocketException, NoKit) as error:
                self._lost(str(error) or type(error).__name__)
            except Exception as error:
                log.exception("drem_kit_failed")
                self._lost(repr(error))
            await asyncio.sleep(PAUSE_S)

    def _lost(self, why: str) -> None:
        why = "".join(c if c.isprintable() else " " for c in why)[:200]
        if why != self._away:
            log.warning("drem_kit_away url=%s why=%r", self._url, why)
        self._away = why

    async def _follow_once(self) -> None:
        self._sent_after_ns = mono_ns()
        async with connect(
            self._url,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            ping_interval=None,  # ours below: they also tell how late a message can be
            max_size=MAX_MESSAGE_BYTES,
            compression=None,
            proxy=None,
        ) as kit:
            log.info("drem_kit_connected url=%s", self._url)
            self._away = None
            parts = {asyncio.create_task(part, name="drem-kit-link") for part in (self._listen(kit), self._ping(kit))}
            try:
                ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
                for part in ended:
                    part.result()
            finally:
                for part in parts:
                    part.cancel()
                await asyncio.gather(*parts, return_exceptions=True)
        raise NoKit("it has hung up")

    async def _ping(self, kit: ClientConnection) -> None:
        """
        Ask for a sign of life for ever.

        What arrives after an answer was sent after its question. The answer before the newest one counts, because a
        message may still wait in the same packet's queue when the newest is here.

        Raises:
            NoKit: there is none any more.
        """
        asked_before_ns = self._sent_after_ns
        while True:
            asked_ns = mono_ns()
            try:
                async with asyncio.timeout(SILENT_S):
                    await (await kit.ping())
            except TimeoutError as error:
                raise NoKit(f"silent for {SILENT_S:.0f} s") from error
            self._sent_after_ns, asked_before_ns = asked_before_ns, asked_ns
            await asyncio.sleep(PING_EVERY_S)

    async def _listen(self, kit: ClientConnection) -> None:
        second, heard = 0, 0
        async for data in kit:
            arrived_ns = mono_ns()
            heard = heard + 1 if arrived_ns // NS_PER_S == second else 1
            second = arrived_ns // NS_PER_S
            if heard > MAX_MESSAGES_PER_S:
                raise NoKit(f"it sends more than {MAX_MESSAGES_PER_S} messages in a second, which no timer kit does")
            self._take(data, arrived_ns)

    def _take(self, data: str | bytes, arrived_ns: int) -> None:
        message = read_message(data)
        if message is None:
            log.info("drem_kit_message_ignored data=%.80r", data)
            return
        stepped_ns = 0
        if message.kit_ns is not None:
            stepped_ns = self._clock.hear(message.kit_ns, arrived_ns=arrived_ns, sent_after_ns=self._sent_after_ns)
        if stepped_ns:
            log.warning("drem_kit_clock_set by_ms=%d: the lap under way is as good as the network", stepped_ns // 10**6)
        match message:
            case KitLap():
                self._cross(message, arrived_ns)
            case KitHello():
                log.info("drem_kit_greeted kit_ns=%s", message.kit_ns)

    def _cross(self, lap: KitLap, arrived_ns: int) -> None:
        if self._sink is None:
            return
        line = self._line(lap.line)
        self._sends_no_times = lap.kit_ns is None
        if lap.kit_ns is None:
            at_ns, stamp = arrived_ns, Stamp.ARRIVAL
        else:
            at_ns, stamp = self._clock.crossing(lap.kit_ns), Stamp.WALL_MS
        if lost := self._missing(lap.number):
            log.warning("drem_kit_lost line=%d lost=%d", line, lost)
            self._sink(RawGap(line, lost, at_ns))
        self._sink(RawEdge(line, True, at_ns, stamp=stamp))

    def _line(self, number: int | None) -> int:
        """The sensor meant; a new one is named, and what names none is the first."""
        if number is not None and number not in self._lines and len(self._lines) < MAX_LINES:
            self._lines[number] = Line(line=number, name=f"kit sensor {len(self._lines) + 1}")
        return number if number is not None and number in self._lines else SENSORS[0].line

    def _missing(self, number: int | None) -> int:
        """How many crossings the kit has counted since the last one heard; a restarted kit counts from 1 again."""
        before, self._count = self._count, number
        missing = 0 if number is None or before is None else number - before - 1
        return missing if 0 < missing <= MAX_MISSING else 0


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise InvalidInput(
            f"{url!r} is not the address of a timer kit.",
            "Set drem_kit_url to its WebSocket, such as ws://192.168.1.20:8080.",
        )
    return url
