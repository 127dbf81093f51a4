"""
One try to bring one model to one car: look, send what is missing, have it installed, believe only what is read back.

For the push worker's process only. Whether a lost car is tried again is decided by the server (cars/pushes.py).
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncssh

from appliance.errors import ApplianceError
from cars import push_words as words
from cars.push_link import CarLink, FoundModel, Gone, HelperRefused, Installed, Inventory, Stage, in_words, linked
from cars.push_rules import PushState, space_needed_bytes
from cars.push_sending import send_file
from cars.push_wire import Ended, Outcome, Parcel, Send
from cars.push_words import CarLost

PB, METADATA = "model.pb", "model_metadata.json"
INSTALL_BYTES_PER_S = 2_000_000
"""The helper reads and writes a model some five times; the eMMC of a car does 40 MB/s at its worst."""
CLEAN_S = 10.0

Tell = Callable[[PushState, int | None], None]
"""Told the state, and how many bytes the car holds for certain, where that is known."""


class Job:
    """`await run()` once; `cancel()` at any time, from the same loop."""

    def __init__(self, order: Send, key: asyncssh.SSHKey, tell: Tell) -> None:
        self._place, self._parcel, self._push_id = order.place, order.parcel, order.push_id
        self._key = key
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
            async with linked(self._place, self._key) as car:
                self._tell(PushState.CHECKING, None)
                async with self._stage(car) as stage:
                    if stage is None:
                        return Outcome.ALREADY_THERE
                    await self._bring(car, stage, files)
                    return Outcome.DONE

    @property
    def _sizes(self) -> dict[str, int]:
        """The model last: the helper on the car takes nothing before both are there."""
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
    async def _stage(self, car: CarLink) -> AsyncIterator[Stage | None]:
        """
        The stage on the car, or None where the model is there already.

        It is left tidy, but after a lost link: then it is where the next try goes on.
        """
        self._is_staged = True
        opening = asyncio.create_task(car.call(Stage, "stage-open", self._parcel.token))
        try:
            held = await car.call(Inventory, "inventory", "--hash", self._parcel.folder, within_s=self._slow_s)
            is_there = any(_is_same(found, self._parcel) for found in held.models)
            yield None if is_there else await asyncio.shield(opening)
        except CarLost:
            await _over(opening)
            raise
        except asyncio.CancelledError:
            if self._cancelled:
                await self._clean(car, opening)
            raise
        except ApplianceError:
            await self._clean(car, opening)
            raise
        else:
            await self._clean(car, opening)

    async def _clean(self, car: CarLink, opening: "asyncio.Task[Stage]") -> None:
        """Away with the stage; where the car does not answer any more, the server has it done later."""
        await _over(opening)  # Else it would be opened after it was closed.
        with contextlib.suppress(ApplianceError):
            await car.call(Gone, "stage-close", self._parcel.token, within_s=CLEAN_S)
            self._is_staged = False

    async def _bring(self, car: CarLink, stage: Stage, files: dict[str, int]) -> None:
        """Send and install; once more from the beginning where other bytes arrived."""
        for is_again in (False, True):
            staged = {} if is_again else {name: file.size_bytes for name, file in stage.files.items()}
            self._check_room(stage, staged)
            await self._send(car, stage, files, staged)
            self._tell(PushState.VERIFYING, self._parcel.size_bytes)
            try:
                if staged:
                    await self._verify(car)
                self._is_installing = True
                self._tell(PushState.INSTALLING, self._parcel.size_bytes)
                await self._install(car)
                return
            except HelperRefused as error:
                if error.code != "digest":
                    raise
                if is_again:
                    raise words.damaged(self._place) from error
            finally:
                self._is_installing = False
            if self._cancelled:
                raise asyncio.CancelledError

    def _check_room(self, stage: Stage, staged: dict[str, int]) -> None:
        needed = space_needed_bytes(self._parcel.size_bytes, sum(staged.values()))
        if stage.free_bytes < needed:
            raise words.no_room(self._place, stage.free_bytes, needed)

    async def _send(self, car: CarLink, stage: Stage, files: dict[str, int], staged: dict[str, int]) -> None:
        before = 0
        async with car.files() as sftp:
            for name, size in self._sizes.items():
                done = before

                def on_sent(sent: int, done: int = done) -> None:
                    self._tell(PushState.SENDING, done + sent)

                try:
                    with in_words(self._place):
                        target = f"{stage.path}/{name}"
                        await send_file(sftp, files[name], size, target, staged.get(name, 0), on_sent=on_sent)
                except EOFError as error:
                    raise words.model_gone() from error
                except CarLost as error:
                    await self._why_not_written(car, error)
                    raise
                before += size

    async def _why_not_written(self, car: CarLink, error: CarLost) -> None:
        """SFTP has no word for a full disk (OpenSSH says "Failure"): where the link still works, the car is asked."""
        if not isinstance(error.__cause__, asyncssh.SFTPFailure):
            return
        stage = await car.call(Stage, "stage-state", self._parcel.token)
        staged = {name: file.size_bytes for name, file in stage.files.items()}
        self._check_room(stage, staged)

    async def _verify(self, car: CarLink) -> None:
        """What was put together from two tries is looked at before anything is moved; the helper does it again."""
        stage = await car.call(Stage, "stage-state", self._parcel.token, "--hash", within_s=self._slow_s)
        wanted = {PB: self._parcel.pb_sha256, METADATA: self._parcel.metadata_sha256}
        if {name: file.sha256 for name, file in stage.files.items() if name in wanted} != wanted:
            raise HelperRefused.of_digest(self._place)

    async def _install(self, car: CarLink) -> None:
        parcel = self._parcel
        installed = await car.call(
            Installed,
            "install",
            parcel.token,
            parcel.folder,
            parcel.pb_md5,
            parcel.pb_sha256,
            parcel.metadata_sha256,
            within_s=self._slow_s,
        )
        told = (installed.pb_md5, installed.pb_sha256, installed.metadata_sha256, installed.checksum, installed.folder)
        if told != (parcel.pb_md5, parcel.pb_sha256, parcel.metadata_sha256, parcel.pb_md5, parcel.folder):
            raise words.not_proven(self._place)

    @property
    def _slow_s(self) -> float:
        """For what reads the whole model on the car."""
        return 60.0 + self._parcel.size_bytes / INSTALL_BYTES_PER_S


async def _over(opening: "asyncio.Task[Stage]") -> None:
    """Wait until the car has answered, or no longer will."""
    with contextlib.suppress(ApplianceError):
        await opening


def _is_same(found: FoundModel, parcel: Parcel) -> bool:
    """
    Whether this folder is what would be installed, by the real files and not by what checksum.txt says of them.

    What the car itself made of it when it loaded it (model.xml, model.bin, model.tflite) may lie beside.
    """
    return (found.folder, found.pb_md5, found.pb_sha256, found.metadata_sha256, found.checksum) == (
        parcel.folder,
        parcel.pb_md5,
        parcel.pb_sha256,
        parcel.metadata_sha256,
        parcel.pb_md5,
    )
