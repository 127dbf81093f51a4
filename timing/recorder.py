"""
The recorder process: owns the strips and edges.db, serves the timing stream on a Unix socket, and does nothing else.

    python -m timing.recorder --data DIR --socket PATH --strips simulated [--lines 17,27] [--names A,B] [--script FILE]

Prints one line when it is ready. It runs on while the server restarts, so it imports little and can be killed at any
moment; SIGTERM ends it after what is waiting is durable. A vital part that fails ends the process, to be started again.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.clock import boot_id
from appliance.errors import ApplianceError, Conflict
from timing.clock_reading import ClockReading, ClockWatch, read_clocks
from timing.edge_writer import EdgeWriter
from timing.edges_db import Anchor, EdgesDb, EdgesReader, Record
from timing.stream import HEARTBEAT_S, PROTOCOL, Clock, Hit, RecorderHello, StripsKind, encode
from timing.stream_server import RecentEdges, StreamServer
from timing.strips import RawEdge, RawGap, Strips
from timing.strips.choose import open_strips, parse_lines
from timing.strips.simulated import SimulatedStrips
from timing.unix_socket import listen, serve_lines

DEFAULT_LINES = "17,27,22,23"
"""GPIO numbers free on every Pi and on the DREM kit's header; DREM's own timer uses 17 and 27."""

log = logging.getLogger("recorder")


class Recorder:
    """Strips in, durable edges out."""

    def __init__(self, data_dir: Path, strips: Strips, boot: str) -> None:
        """
        Open the memory.

        Args:
            boot: This boot's id: the clock that the strips' stamps are of.

        Raises:
            ApplianceError: as EdgesDb.
        """
        self._db = EdgesDb(data_dir)
        self._strips = strips
        self._boot_id = boot
        self._recent = RecentEdges(self._db.last_seq)
        self._reader = EdgesReader(self._db.path)
        self._server = StreamServer(self, self._recent, self._reader)
        self._loop = asyncio.get_running_loop()
        self._died: asyncio.Future[None] = self._loop.create_future()
        self._writer = EdgeWriter(self._db, boot, self._from_writer, self._writer_died)
        self._watch = ClockWatch()

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

    def record(self, raw: RawEdge | RawGap) -> None:
        """The strips' sink: whatever comes, the next edge is taken too."""
        try:
            self._writer.append(raw)
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
        beat = asyncio.create_task(self._beat())
        stopping = asyncio.create_task(stop.wait())
        vital: set[asyncio.Future[Any]] = {stopping, beat, self._died}
        try:
            await self._strips.start(self.record)
            async with serve_lines(listening, self._server.talk):
                ready.set()
                await asyncio.wait(vital, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (beat, stopping):
                task.cancel()
            listening.remove_file()
            await self._wind_up()
        if not stop.is_set():
            cause = self._died.exception() if self._died.done() else beat.exception()
            raise RuntimeError("a vital part of the recorder has failed") from cause

    async def _wind_up(self) -> None:
        await self._strips.stop()
        await asyncio.to_thread(self._writer.close)
        await self._server.close()
        self._reader.close()
        self._db.close()

    async def _beat(self) -> None:
        while True:
            clocks = read_clocks()
            if reason := self._watch.anchor_due(clocks):
                self._writer.anchor(Anchor(self._boot_id, clocks.mono_ns, clocks.wall_ns, reason))
            self._server.say_to_all(encode(self._clock(clocks)))
            await asyncio.sleep(HEARTBEAT_S)

    def _clock(self, clocks: ClockReading) -> Clock:
        problem = self._writer.problem
        return Clock(mono_ns=clocks.mono_ns, wall_ns=clocks.wall_ns, boot_id=self._boot_id, problem=problem)

    def _from_writer(self, records: list[Record]) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended; the edges are durable all the same.
            self._loop.call_soon_threadsafe(self._recent.add, records)

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
    strips = open_strips(options.strips, parse_lines(options.lines, options.names), options.script)
    recorder = Recorder(options.data, strips, boot_id())
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
    parser.add_argument("--strips", choices=[StripsKind.SIMULATED, StripsKind.DISABLED], default=StripsKind.SIMULATED)
    parser.add_argument("--lines", default=DEFAULT_LINES, help=f"line numbers (default {DEFAULT_LINES})")
    parser.add_argument("--names", help="their names, in the same order (default strip 1, strip 2, …)")
    parser.add_argument("--script", type=Path, help="file of simulated hits: at_ms line [hold_ms] [bounces]")
    return parser


if __name__ == "__main__":
    sys.exit(main())
