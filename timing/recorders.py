"""
All recorders that this server follows: the box's own, and those on other machines.

Owns the links and who is asked for what; what the edges mean is decided by the owner of the links (timing/intake.py).
Event loop only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from appliance.database import Database
from appliance.errors import Conflict, NotReady
from appliance.facts import Facts
from timing.crossings import EdgeSeen
from timing.facts import RemotesChanged
from timing.recorder_clocks import RecorderClocks
from timing.recorder_link import LinkOwner, RecorderLink
from timing.stream import CaughtUp, Edge, NotUnderstood, StripsKind, decode_recorder_line
from timing.stream_link import LinkLost, connection, greet, read_line
from timing.strip_health import RecorderState

MOST_EDGES = 200_000
"""Edges read again at once: a race of ten minutes on a strip that chatters all the time stays below."""


TURN_EDGES = 256
"""Read before others may use the loop: a lap taken by hand is stamped there."""

TWIN = (
    "It has the same memory as {}, so its edges are not counted: it is that one, or its card is a copy."
    " On a copy, stop the recorder, delete edges.db, and start it again."
)


class RemoteLink(Protocol):
    """The way to a recorder on another machine (timing/remotes.py)."""

    @property
    def remote_id(self) -> str:
        """Its id on this box."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def socket_path(self) -> Path:
        """The socket on this machine that leads to it."""
        ...

    @property
    def problem(self) -> str | None:
        """Why the way is closed, in words; None when it is open."""
        ...


class Remotes(Protocol):
    """Who knows the recorders on other machines."""

    def links(self) -> Sequence[RemoteLink]:
        """All of them, now."""
        ...


class Recorders:
    """The links. `load()`, then `start()`; `stop()` before the database closes."""

    def __init__(self, db: Database, facts: Facts, socket_path: Path, owner: LinkOwner) -> None:
        self._owner = owner
        self._facts = facts
        self._clocks = RecorderClocks(db)
        self.own = RecorderLink(socket_path, self._clocks, owner)
        self._remotes: dict[str, RecorderLink] = {}
        self._source: Remotes | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._started = False

    async def load(self) -> None:
        """What was measured of remote clocks before."""
        await self._clocks.load()

    def follow(self, source: Remotes) -> None:
        """Follow the recorders of other machines too, as they come and go."""
        self._source = source
        self._facts.subscribe(RemotesChanged, lambda _: self._match())
        self._match()

    def start(self) -> None:
        """Connect to all, and stay connected."""
        self._started = True
        for link in self.links():
            link.start()

    async def stop(self) -> None:
        """Let all go."""
        self._started = False
        await asyncio.gather(*(link.stop() for link in self.links()), *self._closing)

    async def read_again(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Every recorder from where its owner holds; no edge comes while `meanwhile` decides where that is."""
        self._started = False
        await asyncio.gather(*(link.stop() for link in self.links()))
        await meanwhile()
        self._started = True
        for link in self.links():
            link.start_anew()

    def links(self) -> list[RecorderLink]:
        """The box's own first."""
        return [self.own, *self._remotes.values()]

    def link(self, recorder_id: str) -> RecorderLink | None:
        """The link to a recorder that was met."""
        return next((link for link in self.links() if link.recorder_id == recorder_id), None)

    def twin_of(self, link: RecorderLink) -> RecorderLink | None:
        """Another link, before this one, to a recorder of the same id: its edges count, and always the box's own."""
        for other in self.links():
            if other is link:
                return None
            if other.recorder_id == link.recorder_id and (other.connected or other.is_own):
                return other
        return None

    def name_of(self, recorder_id: str) -> str:
        """What people call a recorder."""
        link = self.link(recorder_id)
        return "a recorder that is gone" if link is None else link.name

    def states(self) -> list[RecorderState]:
        """How each stands now."""
        return [_state(link) for link in self.links()]

    async def recorded(self, recorder_id: str, after: int, enough: Callable[[EdgeSeen], bool]) -> list[EdgeSeen]:
        """
        Edges as the recorder holds them, read anew on a connection of its own.

        Args:
            after: The number before the first one wanted.
            enough: Asked with each edge; the first it says yes to is the last one read.

        Raises:
            Conflict: all that the box knows have told who they are, and none is it.
            NotReady: the recorder is not there, or is lost on the way.
        """
        link = self.link(recorder_id)
        if link is None and all(other.recorder_id is not None for other in self.links()):
            raise Conflict(
                "A recorder that times this race is not known to this box.",
                "Pair it again under Recorders, then try again.",
            )
        if link is None or not link.connected:
            name = "one that did not answer yet" if link is None else link.name
            raise NotReady(
                f"The recorder that saw these edges ({name}) is not connected.", "Connect it, then try again."
            )
        try:
            return await _read(link, max(0, after), enough)
        except (OSError, LinkLost, NotUnderstood, TimeoutError) as error:
            raise NotReady(f"The recorder {link.name} was lost: {error}.", "Try again.") from error

    def _match(self) -> None:
        """Links for the remote recorders that are there now, and for no others."""
        wanted = {} if self._source is None else {remote.remote_id: remote for remote in self._source.links()}
        for remote_id, link in list(self._remotes.items()):
            remote = wanted.get(remote_id)
            if remote is None or remote.socket_path != link.socket_path:
                self._close(self._remotes.pop(remote_id))
            else:
                link.name = remote.name
        for remote_id in wanted.keys() - self._remotes.keys():
            self._remotes[remote_id] = self._open(wanted[remote_id])

    def _open(self, remote: RemoteLink) -> RecorderLink:
        def problem() -> str | None:
            links = () if self._source is None else self._source.links()
            return next((one.problem for one in links if one.remote_id == remote.remote_id), None)

        def twin_problem() -> str | None:
            twin = self.twin_of(link)
            return None if twin is None else TWIN.format(twin.name)

        link = RecorderLink(
            remote.socket_path,
            self._clocks,
            self._owner,
            name=remote.name,
            remote_id=remote.remote_id,
            way_problem=problem,
            twin_problem=twin_problem,
        )
        if self._started:
            link.start()
        return link

    def _close(self, link: RecorderLink) -> None:
        task = asyncio.ensure_future(link.stop())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _read(link: RecorderLink, after: int, enough: Callable[[EdgeSeen], bool]) -> list[EdgeSeen]:
    found: list[EdgeSeen] = []
    async with connection(link.socket_path) as (reader, writer):
        hello = await greet(reader, writer, after)
        if hello.recorder_id != link.recorder_id:
            raise LinkLost("another recorder answers")
        while len(found) < MOST_EDGES:
            if len(found) % TURN_EDGES == 0:
                await asyncio.sleep(0)
            message = decode_recorder_line(await read_line(reader))
            if isinstance(message, CaughtUp):
                break
            if isinstance(message, Edge):
                found.append(link.placed(message))
                if enough(found[-1]):
                    break
    return found


def _state(link: RecorderLink) -> RecorderState:
    hello, offset = link.recorder, link.offset
    return RecorderState(
        recorder_id=link.recorder_id,
        remote_id=link.remote_id,
        name=link.name,
        is_own=link.is_own,
        connected=link.connected,
        caught_up=link.caught_up,
        problem=link.problem,
        note=None if hello is None else hello.note,
        strips=None if hello is None or hello.strips is None else StripsKind(hello.strips),
        lines=[] if hello is None else list(hello.lines),
        last_seq=link.last_seq,
        offset_us=None if offset is None else offset.offset_ns // 1_000,
        offset_error_us=None if offset is None else -(-offset.error_ns // 1_000),
        clock_difference_ms=link.wall_difference_ms,
    )
