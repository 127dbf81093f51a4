"""
The server's ear: follows a recorder's timing stream for ever, through restarts of either side.

Owns the connection and the number of the last edge it handed on; asks its owner where to begin when it meets a
recorder (or an edges.db) that it has not followed before. Decides nothing about edges.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self, TypeVar

from appliance.clock import boot_id, mono_ns
from appliance.errors import Conflict, InvalidInput, NotReady
from timing.clock_offset import ClockOffset, Offset
from timing.stream import (
    CaughtUp,
    Clock,
    Crossed,
    Edge,
    Gap,
    Hit,
    NotUnderstood,
    Ping,
    Pong,
    RecorderHello,
    RecorderMessage,
    Refusal,
    StripsKind,
    decode_recorder_line,
    encode,
)
from timing.stream_link import LinkLost, connection, greet, read_line

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
"""Pauses between tries grow to this: a recorder that restarts is met again within a second."""
MESSAGES_PER_TURN = 256
"""Messages handed on before others may use the loop, so that a long replay does not stall the pages."""

PROBES = 5
"""Questions about the other machine's clock before its first edge is handed on; one slow answer must not decide."""

log = logging.getLogger(__name__)

T = TypeVar("T")
StreamMessage = Edge | Gap | CaughtUp | Clock


class StreamClient:
    """
    Follows one recorder; `start` it, or use it as an asynchronous context.

    `recorder` is the newest hello, kept while the link is down; `connected` says whether it is up.
    """

    def __init__(
        self,
        socket_path: Path,
        on_message: Callable[[StreamMessage], None],
        cursor: Callable[[RecorderHello], int | None],
        on_link: Callable[[bool], None] | None = None,
    ) -> None:
        """
        Args:
            on_message: Gets every edge and gap once, in order, and the heartbeats; on the loop, must be quick. What
                it raises is logged, and the next message comes all the same.
            cursor: The last edge number already held of this recorder: 0 for none, None for live edges only. Asked
                when the recorder is new to this client, or holds fewer edges than it was said to.
            on_link: True when the link is up (before the first message), False when it is lost.
        """
        self._socket_path = socket_path
        self._on_message = on_message
        self._cursor = cursor
        self._on_link = on_link
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._after: int | None = None
        self._followed: str | None = None
        """The recorder_id that `_after` counts in."""
        self._hole_at: int | None = None
        self._offset = ClockOffset()
        self.recorder: RecorderHello | None = None
        self.caught_up = False
        """Whether the replay of this connection is over: what comes is live."""
        self.problem: str | None = None
        """What the recorder says is wrong with it, as of its last heartbeat."""
        self.last_heartbeat_mono_ns: int | None = None
        """This box's clock when the last heartbeat arrived."""
        self.last_error: str | None = None
        """Why there is no link, in words; None while there is one."""

    @property
    def connected(self) -> bool:
        """Whether edges arrive as they become durable."""
        return self._writer is not None

    @property
    def last_seq(self) -> int | None:
        """The number of the last edge handed on."""
        return self._after

    @property
    def clock_offset(self) -> Offset | None:
        """
        Recorder's monotonic clock minus ours: none in the same boot, None while not yet known.

        Known from the first edge of a connection on, and for a minute after the last answer.
        """
        if self.recorder is None:
            return None
        return Offset(0, 0) if self.recorder.boot_id == boot_id() else self._offset.best(mono_ns())

    def start(self) -> None:
        """Begin; tries for ever until `close`."""
        self._task = asyncio.create_task(self._follow_for_ever(), name="stream-client")

    async def close(self) -> None:
        """End the connection and stop trying."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def hit(self, line: int, *, hold_ms: int = 40, bounces: int = 0) -> None:
        """
        Press a simulated strip; its edges come back as any others.

        Raises:
            NotReady: no recorder is connected.
            Conflict: its strips are not simulated.
            InvalidInput: it has no such line.
        """
        writer, recorder = self._writer, self.recorder
        if writer is None or recorder is None:
            raise NotReady("The recorder is not connected.", "Wait a moment; it is started again by itself.")
        if recorder.strips != StripsKind.SIMULATED:
            raise Conflict("The strips are not simulated.", "Press the real strip, or take the lap by hand.")
        if line not in {known.line for known in recorder.lines}:
            raise InvalidInput(f"The recorder has no line {line}.", "Choose one of its lines.", field="line")
        writer.write(encode(Hit(line=line, hold_ms=hold_ms, bounces=bounces)))
        try:
            await writer.drain()
        except ConnectionError as error:
            raise NotReady("The recorder has just gone.", "Press again; it is started again by itself.") from error

    def crossed(self, line: int) -> None:
        """Tell the recorder of a crossing, for its buzzer; does not wait, and nothing depends on it."""
        if self._writer is not None:
            self._writer.write(encode(Crossed(line=line)))

    async def _follow_for_ever(self) -> None:
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                try:
                    await self._follow_once()
                except OSError as error:
                    self._note(_words(error))
                except (LinkLost, NotUnderstood) as error:
                    self._note(str(error) or type(error).__name__)
                except Exception as error:
                    log.exception("stream_client_failed")
                    self._note(repr(error))
                pause_s = FIRST_PAUSE_S if self._lose_link() else min(2 * pause_s, LONGEST_PAUSE_S)
                await asyncio.sleep(pause_s)
        finally:
            self._lose_link()

    async def _follow_once(self) -> None:
        async with connection(self._socket_path) as (reader, writer):
            hello = await greet(reader, writer, self._after if self._followed else None)
            if hello.recorder_id == self._followed and (self._after or 0) <= hello.last_seq:
                await self._learn_clock(hello)
                self._gain_link(hello, writer)
                await self._listen(reader, writer)
        self._begin_anew(hello)
        async with connection(self._socket_path) as (reader, writer):
            hello = await greet(reader, writer, self._after)
            if hello.recorder_id != self._followed:
                raise LinkLost("The recorder was replaced meanwhile.")
            await self._learn_clock(hello)
            self._gain_link(hello, writer)
            await self._listen(reader, writer)

    async def _learn_clock(self, hello: RecorderHello) -> None:
        """On a connection of its own: edges wait on the other one until their moment can be told."""
        if hello.boot_id == boot_id():
            return
        offset = ClockOffset()
        async with connection(self._socket_path) as (reader, writer):
            if (await greet(reader, writer, None)).boot_id != hello.boot_id:
                raise LinkLost("The recorder's machine was restarted meanwhile.")
            for _ in range(PROBES):
                writer.write(encode(Ping(id=mono_ns())))
                while not isinstance(answer := decode_recorder_line(await read_line(reader)), Pong):
                    continue
                offset.add(sent_ns=answer.id, recorder_ns=answer.mono_ns, received_ns=mono_ns())
        self._offset = offset

    def _begin_anew(self, hello: RecorderHello) -> None:
        log.info("recorder_new recorder_id=%s was=%s last_seq=%d", hello.recorder_id, self._followed, hello.last_seq)
        after = self._cursor(hello)
        if after is not None and after > hello.last_seq:
            log.error("recorder_forgot held=%d recorder_has=%d", after, hello.last_seq)
            after = hello.last_seq
        self._followed, self._after, self._hole_at = hello.recorder_id, after, None

    def _gain_link(self, hello: RecorderHello, writer: asyncio.StreamWriter) -> None:
        if self._after is None:
            self._after = hello.last_seq
        self.recorder, self._writer, self.last_error = hello, writer, None
        self.last_heartbeat_mono_ns = mono_ns()
        log.info("recorder_connected recorder_id=%s after=%d", hello.recorder_id, self._after)
        self._tell_link(up=True)

    def _lose_link(self) -> bool:
        """Whether there was one to lose."""
        if self._writer is None:
            return False
        self._writer, self.caught_up = None, False
        self._tell_link(up=False)
        return True

    def _note(self, error: str) -> None:
        if error != self.last_error:
            log.warning("recorder_away socket=%s error=%r", self._socket_path, error)
        self.last_error = error

    def _tell_link(self, *, up: bool) -> None:
        if self._on_link is not None:
            self._call(self._on_link, up)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> NoReturn:
        handed_on = 0
        while True:
            message = decode_recorder_line(await read_line(reader))
            if message is not None:
                self._take(message, writer)
            handed_on += 1
            if handed_on % MESSAGES_PER_TURN == 0:
                await asyncio.sleep(0)

    def _take(self, message: RecorderMessage, writer: asyncio.StreamWriter) -> None:
        match message:
            case Edge() | Gap():
                self._take_numbered(message)
            case CaughtUp():
                self.caught_up = True
                self._call(self._on_message, message)
            case Clock():
                self.last_heartbeat_mono_ns, self.problem = mono_ns(), message.problem
                if message.boot_id != boot_id():
                    writer.write(encode(Ping(id=mono_ns())))
                self._call(self._on_message, message)
            case Pong():
                self._offset.add(sent_ns=message.id, recorder_ns=message.mono_ns, received_ns=mono_ns())
            case Refusal():
                raise LinkLost(f"The recorder refused: {message.message}")
            case RecorderHello():
                raise LinkLost("The recorder said hello twice.")

    def _take_numbered(self, message: Edge | Gap) -> None:
        held = self._after if self._after is not None else message.seq - 1
        if message.seq <= held:
            return
        if message.seq != held + 1:
            if self._hole_at != held:
                self._hole_at = held
                raise LinkLost(f"Edge {held + 1} is missing before {message.seq}; asking again.")
            log.error("edges_missing first=%d last=%d", held + 1, message.seq - 1)
        self._after = message.seq
        self._call(self._on_message, message)

    def _call(self, owner: Callable[[T], None], value: T) -> None:
        try:
            owner(value)
        except Exception:
            log.exception("stream_handler_failed value=%r", value)


def _words(error: OSError) -> str:
    """Why there is no connection, for the crew: they know no error numbers."""
    match error:
        case FileNotFoundError() | ConnectionRefusedError():
            return "No recorder is running."
        case ConnectionResetError() | BrokenPipeError():
            return "The recorder went away."
        case PermissionError():
            return "This user may not use the recorder's socket."
        case _:
            return f"The recorder cannot be reached: {error.strerror or error}."
