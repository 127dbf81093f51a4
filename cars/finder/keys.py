"""Reading host keys through cars/finder/key_child.py: started when one is wanted, ended when none was for a while."""

import asyncio
import contextlib
import itertools
import logging
import sys
from asyncio.subprocess import PIPE, Process

import msgspec

from cars.finder.key_child import WITHIN_S, KeyShown, KeyWanted

IDLE_S = 30.0
"""Between two looks round; then the child's memory is given back."""
ANSWER_S = 4 * WITHIN_S
"""With others before it, and the start of the child."""

log = logging.getLogger("trackside.finder")


class HostKeys:
    """`await read(address)`; `await close()` at the end. Event loop only."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[str | None]] = {}
        self._child: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def read(self, address: str, port: int = 22) -> str | None:
        """The host key that the machine there proves to have now; None when it shows none."""
        number = next(self._numbers)
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(ANSWER_S):
                child = await self._running()
                wanted = KeyWanted(number=number, address=address, port=port)
                if child.stdin is not None:
                    child.stdin.write(msgspec.json.encode(wanted) + b"\n")
                return await answer
        except (OSError, TimeoutError) as error:
            log.warning("host_key_unread address=%s error=%r", address, error)
            return None
        finally:
            self._waiting.pop(number, None)
            self._rest()

    async def close(self) -> None:
        """End the child."""
        if self._idle is not None:
            self._idle.cancel()
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        if self._reading is not None:
            await self._reading

    async def _running(self) -> Process:
        async with self._starting:
            if self._child is None or self._child.returncode is not None:
                self._child = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "cars.finder.key_child", stdin=PIPE, stdout=PIPE
                )
                self._reading = asyncio.create_task(self._answers(self._child))
            return self._child

    async def _answers(self, child: Process) -> None:
        while child.stdout is not None and (line := await child.stdout.readline()):
            shown = msgspec.json.decode(line, type=KeyShown)
            answer = self._waiting.get(shown.number)
            if answer is not None and not answer.done():
                answer.set_result(shown.host_key)
        if child is self._child or self._child is None:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_result(None)

    def _rest(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._end_idle)

    def _end_idle(self) -> None:
        child = self._child
        if child is None or self._waiting:
            return
        self._child = None
        if child.stdin is not None:
            child.stdin.close()
