"""
One recorder as the server follows it: its stream, and its edges and gaps placed on the server's clock.

Event loop only. Decides nothing about edges; who owns the link does.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from appliance import clock
from appliance.errors import ApplianceError
from timing.clock_offset import Offset
from timing.crossings import EdgeSeen
from timing.recorder_clocks import Moment, RecorderClocks
from timing.signal import StripGap
from timing.stream import Clock, Edge, Gap, Level, Line, LineRole, RecorderHello
from timing.stream_client import StreamClient, StreamMessage

LOST = "lost"
"""Why a gap is there that is no blind spot: the kernel's buffer ran over."""

log = logging.getLogger(__name__)


class LinkOwner(Protocol):
    """Who gets what the recorders say."""

    def cursor(self, recorder_id: str) -> int:
        """The number after which edges of this recorder are still wanted."""
        ...

    def edge(self, link: "RecorderLink", edge: EdgeSeen, *, live: bool) -> None:
        """An edge, in the order of its recorder's numbers; not `live` while it is replayed."""
        ...

    def gap(self, link: "RecorderLink", gap: StripGap) -> None:
        """Edges are missing."""
        ...

    def link_changed(self, link: "RecorderLink") -> None:
        """It came, it went, or its heartbeat says something new."""
        ...


class RecorderLink:
    """A recorder, the box's own or a remote one."""

    def __init__(
        self,
        socket_path: Path,
        clocks: RecorderClocks,
        owner: LinkOwner,
        *,
        name: str = "this box",
        remote_id: str | None = None,
        way_problem: Callable[[], str | None] = lambda: None,
        twin_problem: Callable[[], str | None] = lambda: None,
    ) -> None:
        """
        Args:
            remote_id: Which remote recorder it is; None for the box's own.
            way_problem: What is wrong with the way to it, in words; that is said rather than a refused socket.
            twin_problem: Which other link leads to the same edges.db, in words.
        """
        self.socket_path = socket_path
        self.name = name
        self.remote_id = remote_id
        self._clocks = clocks
        self._owner = owner
        self._way_problem = way_problem
        self._twin_problem = twin_problem
        self._said: tuple[object, ...] = ()
        self._wall_difference_ns: int | None = None
        self._learning: set[asyncio.Task[None]] = set()
        self._met: RecorderHello | None = None
        self._client = self._new_client()

    @property
    def is_own(self) -> bool:
        """Whether it is the box's own recorder."""
        return self.remote_id is None

    @property
    def recorder(self) -> RecorderHello | None:
        """Its newest hello, also while the link is down."""
        return self._client.recorder or self._met

    @property
    def recorder_id(self) -> str | None:
        """Its id, once it was met."""
        return None if self.recorder is None else self.recorder.recorder_id

    @property
    def connected(self) -> bool:
        """Whether edges arrive as they become durable."""
        return self._client.connected

    @property
    def caught_up(self) -> bool:
        """Whether what comes is live."""
        return self._client.caught_up

    @property
    def last_seq(self) -> int:
        """The number of the last edge handed on."""
        return self._client.last_seq or 0

    @property
    def problem(self) -> str | None:
        """Why there is no link, or what the recorder says is wrong; None when all is well."""
        if self.connected:
            return self._twin_problem() or self._client.problem
        return self._way_problem() or self._client.last_error or "The recorder is not connected."

    @property
    def strips(self) -> list[Line]:
        """Its timing strips."""
        return [] if self.recorder is None else [one for one in self.recorder.lines if one.role is LineRole.STRIP]

    def is_button(self, line: int) -> bool:
        """Whether a button is wired to the line, and no strip."""
        lines = () if self.recorder is None else self.recorder.lines
        return any(one.line == line and one.role is LineRole.BUTTON for one in lines)

    @property
    def offset(self) -> Offset | None:
        """Its clock minus ours, as far as it is known."""
        if self.recorder is None or self._shares_clock(self.recorder):
            return self._client.clock_offset
        return self._clocks.offset(self.recorder.recorder_id, self.recorder.boot_id)

    @property
    def wall_difference_ms(self) -> int | None:
        """How far its time of day is ahead of ours, as of its last heartbeat."""
        return None if self._wall_difference_ns is None else self._wall_difference_ns // 1_000_000

    def start(self) -> None:
        """Connect, and stay connected."""
        self._client.start()

    async def stop(self) -> None:
        """Let it go."""
        await self._client.close()
        await asyncio.gather(*self._learning, return_exceptions=True)

    def start_anew(self) -> None:
        """After a stop: ask the owner where to begin, and begin there."""
        self._met = self.recorder
        self._client = self._new_client()
        self._client.start()

    async def hit(self, line: int, *, hold_ms: int, bounces: int) -> None:
        """Press a simulated strip; raises as StreamClient.hit."""
        await self._client.hit(line, hold_ms=hold_ms, bounces=bounces)

    def crossed(self, line: int) -> None:
        """For its buzzer."""
        self._client.crossed(line)

    def placed(self, edge: Edge) -> EdgeSeen:
        """An edge of this recorder on the server's clock. It must have been met."""
        recorder = self.recorder
        assert recorder is not None  # noqa: S101  no edge comes before its hello
        moment = self._moment(recorder, edge.boot_id, edge.at_ns, edge.wall_ns)
        return EdgeSeen(
            recorder_id=recorder.recorder_id,
            boot_id=moment.boot_id,
            seq=edge.seq,
            line=edge.line,
            active=edge.edge is Level.ACTIVE,
            at_ns=moment.at_ns,
            wall_ns=self._wall_ns(recorder, moment, edge.wall_ns),
            recorder_boot_id=edge.boot_id,
            edge_ns=edge.at_ns,
            is_guess=moment.is_guess,
        )

    # ---- inside

    def _new_client(self) -> StreamClient:
        return StreamClient(
            self.socket_path,
            self._take,
            lambda recorder: self._owner.cursor(recorder.recorder_id),
            self._link_changed,
        )

    def _link_changed(self, up: bool) -> None:
        if up:
            self._learn()
        self._owner.link_changed(self)

    def _take(self, message: StreamMessage) -> None:
        if isinstance(message, Edge):
            self._owner.edge(self, self.placed(message), live=self.caught_up)
        elif isinstance(message, Gap):
            self._owner.gap(self, self._placed_gap(message))
        elif isinstance(message, Clock):
            self._beat(message)
        else:
            self._owner.link_changed(self)

    def _beat(self, message: Clock) -> None:
        self._learn()
        offset = self.offset
        if offset is not None:
            there_ns = message.mono_ns - offset.offset_ns
            self._wall_difference_ns = message.wall_ns - (clock.wall_ns() - (clock.mono_ns() - there_ns))
        if self._said != (message.problem,):
            self._said = (message.problem,)
            self._owner.link_changed(self)

    def _learn(self) -> None:
        recorder, offset = self.recorder, self._client.clock_offset
        if recorder is None or offset is None or self._shares_clock(recorder):
            return
        if self._clocks.learn(recorder.recorder_id, recorder.boot_id, offset):
            task = asyncio.ensure_future(self._keep(recorder))
            self._learning.add(task)
            task.add_done_callback(self._learning.discard)

    async def _keep(self, recorder: RecorderHello) -> None:
        try:
            await self._clocks.keep(recorder.recorder_id, recorder.boot_id)
        except ApplianceError as error:  # It is in memory, and stored with the next minute.
            log.warning("clock_offset_not_stored recorder_id=%s error=%s", recorder.recorder_id, error)

    def _placed_gap(self, gap: Gap) -> StripGap:
        recorder, blind = self.recorder, gap.blind
        assert recorder is not None  # noqa: S101  no gap comes before its hello
        boot_id = gap.boot_id or recorder.boot_id
        now_wall_ns = clock.wall_ns() - (clock.mono_ns() - gap.at_ns) if boot_id == clock.boot_id() else clock.wall_ns()
        to_wall_ns = now_wall_ns if blind is None else blind.to_wall_ns
        end = self._moment(recorder, boot_id, gap.at_ns, to_wall_ns)
        begin = end if blind is None else self._moment(recorder, blind.boot_id, blind.from_ns, blind.from_wall_ns)
        from_wall_ns = to_wall_ns if blind is None else blind.from_wall_ns
        return StripGap(
            recorder_id=recorder.recorder_id,
            seq=gap.seq,
            line=gap.line if blind is None else None,
            lost=gap.lost,
            reason=LOST if blind is None else blind.reason.value,
            from_boot_id=begin.boot_id,
            from_ns=begin.at_ns,
            to_boot_id=end.boot_id,
            to_ns=end.at_ns,
            from_wall_ns=self._wall_ns(recorder, begin, from_wall_ns),
            to_wall_ns=self._wall_ns(recorder, end, to_wall_ns),
        )

    def _moment(self, recorder: RecorderHello, recorder_boot_id: str, at_ns: int, wall_ns: int) -> Moment:
        if self._shares_clock(recorder):
            return Moment(recorder_boot_id, at_ns)
        return self._clocks.place(recorder.recorder_id, recorder_boot_id, at_ns, wall_ns)

    def _wall_ns(self, recorder: RecorderHello, moment: Moment, theirs_ns: int) -> int:
        """UTC as this machine believes: a Pi without a network may be years off, and people compare the two."""
        if self._shares_clock(recorder) or moment.boot_id != clock.boot_id():
            return theirs_ns
        return clock.wall_ns() - (clock.mono_ns() - moment.at_ns)

    def _shares_clock(self, recorder: RecorderHello) -> bool:
        """Whether it runs on this machine: its boots are ours, also the earlier ones."""
        return recorder.boot_id == clock.boot_id()
