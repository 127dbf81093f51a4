"""
One try to bring one model to one car: look, send what is missing, have it installed, believe only what is read back.

For the push worker's process only. Whether a lost car is tried again is decided by the server (cars/pushes.py).
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from appliance.errors import ApplianceError
from cars import push_words as words
from cars.push_link import CarLink, Gone, Installed, Offered
from cars.push_links import Links
from cars.push_rules import PushState, resumes_at, space_needed_bytes
from cars.push_wire import Ended, Outcome, Send
from cars.push_words import CarLost

PB, METADATA = "model.pb", "model_metadata.json"
SLOW_BYTES_PER_S = 2_000_000
"""For what writes a whole model to the disk or reads it there; the eMMC of a car does 40 MB/s at its worst."""
CLEAN_S = 10.0

Tell = Callable[[PushState, int | None], None]
"""Told the state, and how many bytes the car holds for certain, where that is known."""


class Job:
    """`await run()` once; `cancel()` at any time, from the same loop."""

    def __init__(self, order: Send, links: Links, tell: Tell) -> None:
        self._place, self._parcel, self._push_id = order.place, order.parcel, order.push_id
        self._links = links
        self._tell = tell
        self._task: asyncio.Task[Outcome] | None = None
        self._cancelled = False
        self._is_installing = False
        self._is_staged: bool | None = None

    def cancel(self) -> None:
        """Stop as soon as that leaves nothing half done."""
        if self._task is not None and not self._is_installing and not self._cancelled:
            self._task.cancel()
        self._cancelled = True

    async def run(self) -> Ended:
        """The whole try; never raises, but when the worker itself is ended."""
        self._task = asyncio.create_task(self._try())
        if self._cancelled:
            self._task.cancel()
        try:
            return self._ended(await self._task)
        except asyncio.CancelledError:
            if not self._cancelled:
                raise
            return self._ended(Outcome.CANCELLED)
        except CarLost as error:
            # A cancelled push is not tried again, whatever became of it.
            return self._ended(Outcome.CANCELLED) if self._cancelled else self._ended(Outcome.LOST, error)
        except ApplianceError as error:
            return self._ended(Outcome.FAILED, error)

    def _ended(self, outcome: Outcome, error: ApplianceError | None = None) -> Ended:
        return Ended(
            push_id=self._push_id,
            outcome=outcome,
            is_staged=self._is_staged,
            reason=None if error is None else error.message,
            remedy=None if error is None else error.remedy,
        )

    async def _try(self) -> Outcome:
        with contextlib.ExitStack() as stack:
            files = {name: stack.enter_context(self._opened(name, size)) for name, size in self._sizes.items()}
            self._tell(PushState.CONNECTING, None)
            async with self._links.to(self._place) as car:
                self._tell(PushState.CHECKING, None)
                self._is_staged = True
                async with self._tidied():
                    offered = await car.call(Offered, "offer", *self._identity, within_s=self._slow_s)
                    if not offered.is_there:
                        await self._bring(car, offered, files)
                self._is_staged = False  # The helper has nothing left there either way.
                return Outcome.ALREADY_THERE if offered.is_there else Outcome.DONE

    @property
    def _sizes(self) -> dict[str, int]:
        """The model last: when all of it is there, both are."""
        return {METADATA: self._parcel.metadata_bytes, PB: self._parcel.pb_bytes}

    @contextlib.contextmanager
    def _opened(self, name: str, size: int) -> Iterator[int]:
        """Open until the end: a model that is deleted meanwhile still arrives whole, or not at all."""
        try:
            fd = os.open(Path(self._parcel.source) / name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise words.model_gone() from error
        try:
            if os.fstat(fd).st_size != size:
                raise words.model_gone()
            yield fd
        finally:
            os.close(fd)

    @contextlib.asynccontextmanager
    async def _tidied(self) -> AsyncIterator[None]:
        """Whatever goes wrong leaves no stage on the car; but a lost link: there the next try goes on."""
        try:
            yield
        except CarLost:
            raise
        except asyncio.CancelledError:
            if self._cancelled:
                await self._clean()
            raise
        except ApplianceError:
            await self._clean()
            raise

    async def _clean(self) -> None:
        """Away with the stage; where the car does not answer any more, the server has it done later."""
        with contextlib.suppress(ApplianceError, TimeoutError):
            async with asyncio.timeout(CLEAN_S), self._links.to(self._place) as car:
                await car.call(Gone, "stage-close", self._parcel.token)
                self._is_staged = False

    async def _bring(self, car: CarLink, offered: Offered, files: dict[str, int]) -> None:
        """Send and install; once more from the beginning where other bytes arrived."""
        wanted = {PB: self._parcel.pb_sha256, METADATA: self._parcel.metadata_sha256}
        self._check_room(offered)
        if await self._send(car, files, offered.staged) != wanted and await self._send(car, files, {}) != wanted:
            raise words.damaged(self._place)
        self._is_installing = True
        try:
            self._tell(PushState.INSTALLING, self._parcel.size_bytes)
            await self._install(car)
        finally:
            self._is_installing = False

    def _check_room(self, offered: Offered) -> None:
        needed = space_needed_bytes(self._parcel.size_bytes, sum(offered.staged.values()))
        if offered.free_bytes < needed:
            raise words.no_room(self._place, offered.free_bytes, needed)

    async def _send(self, car: CarLink, files: dict[str, int], staged: dict[str, int]) -> dict[str, str]:
        """
        Both files into the stage, gone on with where an earlier try stopped.

        Returns:
            Their SHA-256, as the car's disk gives them back.
        """
        found, before, whole = {}, 0, self._parcel.size_bytes
        for name, size in self._sizes.items():
            at = resumes_at(staged.get(name, 0), size)

            def on_sent(sent: int, before: int = before) -> None:
                self._tell(PushState.VERIFYING if before + sent == whole else PushState.SENDING, before + sent)

            on_sent(at)
            try:
                found[name] = await car.send(
                    self._parcel.token, name, files[name], at, size, on_sent=on_sent, within_s=self._slow_s
                )
            except EOFError as error:
                raise words.model_gone() from error
            before += size
        return found

    async def _install(self, car: CarLink) -> None:
        parcel = self._parcel
        installed = await car.call(Installed, "install", *self._identity, within_s=self._slow_s)
        told = (installed.folder, installed.checksum, installed.pb_sha256, installed.metadata_sha256)
        if told != (parcel.folder, parcel.pb_md5, parcel.pb_sha256, parcel.metadata_sha256):
            raise words.not_proven(self._place)

    @property
    def _identity(self) -> tuple[str, ...]:
        parcel = self._parcel
        return parcel.token, parcel.folder, parcel.pb_md5, parcel.pb_sha256, parcel.metadata_sha256

    @property
    def _slow_s(self) -> float:
        """For what reads the whole model on the car."""
        return 60.0 + self._parcel.size_bytes / SLOW_BYTES_PER_S
