"""
The recorder process: owns the strips and edges.db, serves the timing stream on a Unix socket, and does nothing else.

    python -m timing.recorder --data DIR --socket PATH --strips gpio|simulated|drem_kit|disabled […]

Prints one line when it is ready. It runs on while the server restarts, so it imports little and can be killed at any
moment; SIGTERM ends it after what is waiting is durable. A vital part that fails ends the process, to be started again.
The time in which no recorder watched the strips is a record too, written when they are watched again.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.clock import boot_id
from appliance.errors import ApplianceError, Conflict
from appliance.notify import READY, STOPPING, WATCHDOG, Notifier
from timing.anchors import Anchor, AnchorReason, ClockReading
from timing.blindness import Sign, blind_since, blind_while_asleep
from timing.clock_reading import ClockWatch, read_clocks
from timing.edge_writer import EdgeWriter, RawBlind, check_raw
from timing.edges_db import EdgesDb, EdgesReader, Record
from timing.life_file import LifeFile
from timing.panel_guard import PanelGuard
from timing.stream import HEARTBEAT_S, PROTOCOL, Blind, Clock, Crossed, Hit, Problem, RecorderHello, encode
from timing.stream_server import RecentEdges, StreamServer
from timing.strips import Panel, RawEdge, RawGap, Strips
from timing.strips.choose import add_arguments, open_panel, open_strips
from timing.strips.simulated import SimulatedStrips
from timing.unix_socket import listen, serve_lines

ON_THE_WAY_NS = 50_000_000
"""From the kernel's stamp to the writer's queue, at worst: a sign of life is dated back by it."""
LATE_NS = 1_500_000_000
"""A loop that has not beaten for so long may have left edges in the kernel: no sign of life."""
SETTLE_S = 0.5
"""How long the first client waits for the blind spot before this start to be durable: longer than a slow card takes."""

log = logging.getLogger("recorder")


class Recorder:
    """Strips in, durable edges out."""

    def __init__(self, data_dir: Path, strips: Strips, boot: str, panel: Panel | None = None) -> None:
        """
        Open the memory.

        Args:
            boot: This boot's id: the clock that the strips' stamps are of.
            panel: Lamp and buzzer of the box, None without.

        Raises:
            ApplianceError: as EdgesDb.
        """
        self._db = EdgesDb(data_dir, boot)
        self._strips = strips
        self._panel = PanelGuard(panel)
        self._boot_id = boot
        self._recent = RecentEdges(self._db.last_seq)
        self._reader = EdgesReader(self._db.path)
        self._server = StreamServer(self, self._recent, self._reader)
        self._loop = asyncio.get_running_loop()
        self._died: asyncio.Future[None] = self._loop.create_future()
        self._writer = EdgeWriter(self._db, boot, self._from_writer, self._writer_died, self._nothing_waits)
        self._watch = ClockWatch()
        self._notifier = Notifier()
        self._held: list[RawEdge | RawGap] | None = []
        """What the strips made before the blind spot before it had its number; None once it has."""
        self._life: LifeFile | None = None
        self._beat_ns = 0

    @property
    def recorder_id(self) -> str:
        """The id of this edges.db."""
        return self._db.recorder_id

    @property
    def last_seq(self) -> int:
        """The newest durable edge that clients have been told of."""
        return self._recent.last_seq

    def hello(self) -> RecorderHello:
        """The first line to each client."""
        clocks = read_clocks()
        return RecorderHello(
            protocol=PROTOCOL,
            recorder_id=self._db.recorder_id,
            boot_id=self._boot_id,
            mono_ns=clocks.mono_ns,
            wall_ns=clocks.wall_ns,
            last_seq=self._recent.last_seq,
            lines=list(self._strips.lines),
            strips=self._strips.kind,
            note=self._strips.note,
        )

    def hit(self, hit: Hit) -> None:
        """
        Press a simulated strip.

        Raises:
            Conflict: the strips are not simulated.
            InvalidInput: no such line.
        """
        if not isinstance(self._strips, SimulatedStrips):
            raise Conflict(
                f"The strips of this recorder are {self._strips.kind}, not simulated.",
                "Start it with --strips simulated.",
            )
        self._strips.hit(hit.line, hit.hold_ms, hit.bounces)

    def crossed(self, crossed: Crossed) -> None:
        """A client counted a crossing: sound the buzzer."""
        self._panel.crossed(crossed.line)

    def record(self, raw: RawEdge | RawGap) -> None:
        """The strips' sink: whatever comes, the next edge is taken too."""
        try:
            if self._held is not None:
                check_raw(raw)
                self._held.append(raw)
                return
            self._writer.append(raw)
            if isinstance(raw, RawEdge) and raw.active:
                self._panel.pressed(raw.line)
        except Exception:
            log.exception("edge_refused raw=%r", raw)

    async def run(self, socket_path: Path, stop: asyncio.Event, ready: asyncio.Event) -> None:
        """
        Record and serve until `stop`; sets `ready` when clients can come and edges are recorded.

        Raises:
            ApplianceError: the socket cannot be opened.
            RuntimeError: a vital part has failed.
        """
        try:
            listening = listen(socket_path)
        except BaseException:
            self._reader.close()
            self._db.close()
            raise
        self._writer.start()
        stopping = asyncio.create_task(stop.wait())
        vital: set[asyncio.Future[Any]] = {stopping, self._died}
        try:
            await self._strips.start(self.record)
            await self._watching_again(LifeFile(socket_path, self.recorder_id))
            await self._panel.start()
            beat = asyncio.create_task(self._beat())
            vital.add(beat)
            async with serve_lines(listening, self._server.talk):
                ready.set()
                self._notifier.say(READY)
                await asyncio.wait(vital, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._notifier.say(STOPPING)
            for task in vital - {self._died}:
                task.cancel()
            listening.remove_file()
            await self._wind_up(is_clean=stop.is_set())
        if not stop.is_set():
            cause = self._died.exception() if self._died.done() else beat.exception()
            raise RuntimeError("a vital part of the recorder has failed") from cause

    async def _wind_up(self, *, is_clean: bool) -> None:
        if is_clean:
            self._anchor(read_clocks(), AnchorReason.STOP)
        try:
            await self._strips.stop()
        except Exception:
            log.exception("strips_not_stopped")
        await self._panel.stop()
        is_whole = await asyncio.to_thread(self._writer.close)
        if self._life:
            self._life.close(remove=is_clean and is_whole)
        await self._server.close()
        self._reader.close()
        self._db.close()

    async def _watching_again(self, life: LifeFile) -> None:
        """The lines are watched: write down since when they had not been, before what they made meanwhile."""
        sign, now = self._last_sign(life), read_clocks()
        held, self._held = self._held or [], None
        if reason := self._watch.anchor_due(now):
            self._anchor(now, reason)
        stamps = [raw.at_ns for raw in held if isinstance(raw, RawEdge) and raw.stamp is None]
        earlier_ns = max(0, now.mono_ns - min(stamps, default=now.mono_ns))
        again = ClockReading(now.mono_ns - earlier_ns, now.wall_ns - earlier_ns, now.slept_ns)
        newest = self.last_seq
        is_blind = self._record_blind(blind_since(sign, self._boot_id, again), again)
        for raw in held:
            self.record(raw)
        self._life = life
        if is_blind:
            with contextlib.suppress(TimeoutError):  # A disk that refuses: timing goes on, in memory.
                await asyncio.wait_for(self._recent.wait_beyond(newest), SETTLE_S)

    def _last_sign(self, life: LifeFile) -> Sign | None:
        try:
            return self._reader.last_sign(life.read())
        except sqlite3.Error:  # Of all that is in edges.db this is the least that timing can do without.
            log.exception("no_last_sign")
            return None

    def _record_blind(self, blind: Blind | None, again: ClockReading) -> bool:
        """Whether there was anything to record."""
        if blind is None or not self._strips.lines:
            return False
        log.warning("blind reason=%s for_ms=%d", blind.reason, (blind.to_wall_ns - blind.from_wall_ns) // 1_000_000)
        self._writer.append(RawBlind(self._strips.lines[0].line, again.mono_ns, blind))
        return True

    def _anchor(self, clocks: ClockReading, reason: AnchorReason) -> None:
        """Keep a reading of the clocks; it is a sign of life too, so only while the lines are watched."""
        if self._held is None:
            self._writer.anchor(Anchor(self._boot_id, clocks.mono_ns, clocks.wall_ns, reason, clocks.slept_ns))

    async def _beat(self) -> None:
        while True:
            clocks = read_clocks()
            self._beat_ns = clocks.mono_ns
            if reason := self._watch.anchor_due(clocks):
                self._anchor(clocks, reason)
            if reason is AnchorReason.WAKE and (before := self._watch.previous):
                self._record_blind(blind_while_asleep(self._boot_id, before, clocks), clocks)
            self._server.say_to_all(encode(self._clock(clocks)))
            self._panel.show(self._problem)
            if self._writer.is_well:
                self._notifier.say(WATCHDOG)
            await asyncio.sleep(HEARTBEAT_S)

    @property
    def _problem(self) -> Problem | None:
        """The disk's first: what it refuses is lost with the power."""
        return self._writer.problem or self._strips.problem

    def _clock(self, clocks: ClockReading) -> Clock:
        return Clock(mono_ns=clocks.mono_ns, wall_ns=clocks.wall_ns, boot_id=self._boot_id, problem=self._problem)

    def _from_writer(self, records: list[Record]) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended; the edges are durable all the same.
            self._loop.call_soon_threadsafe(self._recent.add, records)

    def _nothing_waits(self, reading: ClockReading) -> None:
        """From the writer's thread: whatever the strips made until then is durable."""
        if self._life and reading.mono_ns - self._beat_ns < LATE_NS:
            mono_ns, wall_ns = reading.mono_ns - ON_THE_WAY_NS, reading.wall_ns - ON_THE_WAY_NS
            self._life.write(Sign(boot_id=self._boot_id, mono_ns=mono_ns, wall_ns=wall_ns, slept_ns=reading.slept_ns))

    def _writer_died(self, error: BaseException) -> None:
        def tell() -> None:
            if not self._died.done():
                self._died.set_exception(error)

        self._loop.call_soon_threadsafe(tell)


def main(arguments: Sequence[str] | None = None) -> int:
    """The process; answers its exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_serve(options))
    except ApplianceError as error:
        sys.stderr.write(f"recorder: {error}\n")
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    recorder = Recorder(options.data, open_strips(options), boot_id(), open_panel(options))
    stop, ready = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    announcement = asyncio.create_task(_announce(recorder, options, ready))
    try:
        await recorder.run(options.socket, stop, ready)
    finally:
        announcement.cancel()


async def _announce(recorder: Recorder, options: argparse.Namespace, ready: asyncio.Event) -> None:
    await ready.wait()
    sys.stdout.write(
        f"recorder ready recorder_id={recorder.recorder_id} last_seq={recorder.last_seq}"
        f" strips={options.strips} socket={options.socket}\n"
    )
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m timing.recorder", description="Record strips and serve their edges."
    )
    parser.add_argument("--data", type=Path, required=True, help="directory of edges.db")
    parser.add_argument("--socket", type=Path, required=True, help="where to listen")
    add_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
