"""
The way to one recorder on another machine: an SSH connection kept up, and a local socket that leads to the recorder's.

Owns the connection and the words for what is wrong with it. Decides nothing about edges: the stream client connects to
the socket as to any recorder, is refused while SSH is down, and asks again from the last number it holds.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import ApplianceError, NotReady
from appliance.host_keys import OtherHostKey, Refused, fingerprint
from timing.remote_door import Door
from timing.remote_schema import RemoteRow
from timing.remote_structs import RemoteLink, in_words

if TYPE_CHECKING:
    import asyncssh

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
"""A cable that is plugged in again is noticed within this."""
REFUSED_PAUSE_S = 10.0
"""sshd shuts an address out for ever longer that keeps being refused (PerSourcePenalties in sshd_config(5))."""

log = logging.getLogger(__name__)

LoadKey = Callable[[], Awaitable["asyncssh.SSHKey"]]


class Tunnel:
    """Keeps the way to `row`'s recorder open; `start` it, and `stop` it to use another row."""

    def __init__(self, row: RemoteRow, socket_path: Path, load_key: LoadKey, on_change: Callable[[], None]) -> None:
        """
        Args:
            socket_path: In a directory that is closed to others.
            load_key: Answers the box's key, and has imported timing.remote_ssh.
            on_change: Called on the loop whenever `link()` says something new.
        """
        self.row = row
        self.seen_host_key: str | None = None
        self._path = socket_path
        self._load_key = load_key
        self._on_change = on_change
        self._problem: str | None = None
        self._shown: tuple[str | None, bool, str | None] = (None, False, None)
        self._is_open = False
        self._woken = asyncio.Event()
        self._settled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def link(self) -> RemoteLink:
        """What to show, and where to connect."""
        row, seen = self.row, self.seen_host_key
        return RemoteLink(
            remote_id=row.remote_id,
            name=row.name,
            host=row.host,
            port=row.port,
            username=row.username,
            remote_socket=row.remote_socket,
            socket_path=self._path,
            is_open=self._is_open,
            problem=self._problem,
            fingerprint=None if row.host_key is None else fingerprint(row.host_key),
            seen_fingerprint=None if seen is None else fingerprint(seen),
        )

    def start(self) -> None:
        """Begin; tries for ever until `stop`."""
        self._task = asyncio.create_task(self._keep_open(), name=f"recorder-link-{self.row.remote_id}")

    async def stop(self) -> None:
        """Close the connection and stop trying."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            self._is_open = False
            self._settled.set()

    async def try_now(self) -> None:
        """Cut the pause before the next try short; returns once the way is open, or it is known why not."""
        if self._task is not None and not self._is_open:
            self._settled.clear()
            self._woken.set()
            await self._settled.wait()

    async def _keep_open(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self._woken.clear()
            error, was_open = await self._once()
            if was_open:
                log.warning("recorder_link_lost remote_id=%s", self.row.remote_id)
            self._show(in_words(error))
            self._settled.set()
            pause_s = FIRST_PAUSE_S if was_open else min(2 * pause_s, LONGEST_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFUSED_PAUSE_S if isinstance(error, Refused) else pause_s):
                    await self._woken.wait()

    async def _once(self) -> tuple[ApplianceError, bool]:
        """One connection from beginning to end: why it ended, and whether it ever was."""
        was_open = False
        try:
            async with self._connected() as lost:
                was_open = self._is_open = True
                log.info("recorder_link_open remote_id=%s", self.row.remote_id)
                self._show(None)
                self._settled.set()
                await lost
        except ApplianceError as error:
            return error, was_open
        except Exception as error:  # The boundary of the task: this link tries again, the others never notice.
            log.exception("recorder_link_failed remote_id=%s", self.row.remote_id)
            return NotReady(f"The way to {self.row.name} failed: {error}.", "It is tried again by itself."), was_open
        finally:
            self._is_open = False
        return NotReady(f"The connection to {self.row.host} broke.", "It is made again by itself."), was_open

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Awaitable[None]]:
        """Signed in, with the door open; answers what ends when the connection does."""
        key = await self._load_key()
        from timing import remote_ssh

        row, pin = self.row, self.row.host_key
        if pin is None:
            self.seen_host_key = await remote_ssh.host_key_of(row)
            raise Refused(f"{row.name} is not paired yet.", "Pair it under Recorders.")
        try:
            async with remote_ssh.signed_in(row, pin, key=key) as connection:
                self.seen_host_key = pin
                async with Door(self._path, lambda: remote_ssh.open_socket(connection, row), self._far):
                    yield connection.wait_closed()
        except OtherHostKey as error:
            self.seen_host_key = error.seen
            raise

    def _far(self, error: ApplianceError | None) -> None:
        """Whether a recorder answered on the other side."""
        if self._is_open:
            self._show(None if error is None else in_words(error))

    def _show(self, problem: str | None) -> None:
        shown = (problem, self._is_open, self.seen_host_key)
        if shown != self._shown:
            self._shown = shown
            self._problem = problem
            self._on_change()
