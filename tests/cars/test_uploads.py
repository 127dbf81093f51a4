"""Uploads in pieces: what is on the disk when it is said, whatever breaks, and what is refused."""

import asyncio
import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from appliance.errors import Conflict, InvalidInput, NotFound, TooLarge, TooManyTries
from appliance.limits import Budget
from cars import upload_allowance, upload_turn
from cars.models_store import Sought
from cars.upload_structs import CHUNK_BYTES, MAX_ARCHIVE_BYTES, NewUpload, WrongOffset
from tests.cars.model_box import Gone, Held, broken_off, digest, model_box, noise, pieces

T = TypeVar("T")

DATA = noise(10_000)


async def test_what_was_answered_is_there_after_a_restart(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        begun = await box.begin(DATA, racer_id)
        answered = await box.uploads.receive(begun.upload_id, 0, pieces(DATA[:4_000]))
        assert answered.offset == 4_000
    async with model_box(tmp_path) as box:
        found = await box.begin(DATA, racer_id)
        assert (found.upload_id, found.offset) == (begun.upload_id, 4_000)
        done = await box.uploads.receive(found.upload_id, 4_000, pieces(DATA[4_000:]))
        assert done.model_id is not None
        assert (await box.models.archive(done.model_id)).read_bytes() == DATA
        assert await box.unfinished_files() == set()


async def test_of_a_request_that_breaks_off_what_came_is_kept(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        upload_id = (await box.begin(DATA, await box.racer())).upload_id
        with pytest.raises(Gone):
            await box.uploads.receive(upload_id, 0, broken_off(DATA[:4_321]))
        assert (await box.uploads.get(upload_id)).offset == 4_321
        done = await box.uploads.receive(upload_id, 4_321, pieces(DATA[4_321:]))
        assert done.model_id is not None
        assert (await box.models.archive(done.model_id)).read_bytes() == DATA


async def test_a_broken_request_whose_digest_was_said_leaves_nothing(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        upload_id = (await box.begin(DATA, await box.racer())).upload_id
        with pytest.raises(Gone):
            await box.uploads.receive(upload_id, 0, broken_off(DATA[:4_321]), digest(DATA[:5_000]))
        assert (await box.uploads.get(upload_id)).offset == 0


async def test_a_damaged_chunk_leaves_nothing(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        upload_id = (await box.begin(DATA, await box.racer())).upload_id
        with pytest.raises(InvalidInput) as refusal:
            await box.uploads.receive(upload_id, 0, pieces(b"x" * 5_000), digest(DATA[:5_000]))
        assert str(refusal.value) == "This chunk was damaged on its way. Send it again from the same offset."
        assert (await box.uploads.get(upload_id)).offset == 0
        answered = await box.uploads.receive(upload_id, 0, pieces(DATA[:5_000]), digest(DATA[:5_000]))
        assert answered.offset == 5_000


@pytest.mark.parametrize("offset", [0, 3_999, 4_001, 10_000, 10**12])
async def test_another_offset_takes_nothing_and_says_the_true_one(tmp_path: Path, offset: int) -> None:
    async with model_box(tmp_path) as box:
        upload_id = (await box.begin(DATA, await box.racer())).upload_id
        await box.uploads.receive(upload_id, 0, pieces(DATA[:4_000]))
        with pytest.raises(WrongOffset) as refusal:
            await box.uploads.receive(upload_id, offset, pieces(DATA))
        assert refusal.value.upload.offset == 4_000
        assert (await box.uploads.get(upload_id)).offset == 4_000


async def test_the_last_chunk_sent_again_names_the_model(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        upload_id = (await box.begin(DATA, await box.racer())).upload_id
        done = await box.uploads.receive(upload_id, 0, pieces(DATA))
        with pytest.raises(WrongOffset) as refusal:
            await box.uploads.receive(upload_id, 0, pieces(DATA))
        assert refusal.value.upload == done
        assert done.model_id is not None


@pytest.mark.parametrize("more", [1, CHUNK_BYTES])
async def test_more_than_was_said_is_refused_and_takes_nothing(tmp_path: Path, more: int) -> None:
    async with model_box(tmp_path) as box:
        upload_id = (await box.begin(DATA, await box.racer())).upload_id
        await box.uploads.receive(upload_id, 0, pieces(DATA[:4_000]))
        with pytest.raises(TooLarge) as refusal:
            await box.uploads.receive(upload_id, 4_000, pieces(DATA[4_000:] + bytes(more), 100_000))
        assert refusal.value.message == "More came than belongs to this file, or than fits one chunk."
        assert (await box.uploads.get(upload_id)).offset == 4_000
        done = await box.uploads.receive(upload_id, 4_000, pieces(DATA[4_000:]))
        assert done.model_id is not None
        assert (await box.models.archive(done.model_id)).read_bytes() == DATA


async def test_two_tabs_at_once_make_one_model(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()

        async def tab() -> str:
            upload = await box.begin(DATA, racer_id)
            while upload.model_id is None:
                try:
                    chunk = DATA[upload.offset :][:1_500]
                    upload = await box.uploads.receive(upload.upload_id, upload.offset, pieces(chunk, 100))
                except WrongOffset as error:
                    upload = error.upload
            return upload.model_id

        async with asyncio.timeout(20):
            first, *others = await asyncio.gather(*(tab() for _ in range(5)))
        assert set(others) == {first}
        assert (await box.models.archive(first)).read_bytes() == DATA


async def test_a_sender_that_fell_silent_gives_way_and_its_bytes_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_turn, "SILENT_S", 0.05)
    async with model_box(tmp_path) as box:
        upload_id = (await box.begin(DATA, await box.racer())).upload_id
        held = Held(DATA[:3_000])
        lost = asyncio.create_task(box.uploads.receive(upload_id, 0, held.body()))
        await held.is_heard.wait()
        async with asyncio.timeout(20):
            with pytest.raises(WrongOffset) as back:
                await box.uploads.receive(upload_id, 0, pieces(DATA))
            assert back.value.upload.offset == 3_000
            with pytest.raises(WrongOffset):
                await lost
        done = await box.uploads.receive(upload_id, 3_000, pieces(DATA[3_000:]))
        assert done.model_id is not None
        assert (await box.models.archive(done.model_id)).read_bytes() == DATA


async def test_cancelling_does_not_wait_for_a_sender(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        upload_id = (await box.begin(DATA, await box.racer())).upload_id
        held = Held(DATA[:3_000])
        lost = asyncio.create_task(box.uploads.receive(upload_id, 0, held.body()))
        await held.is_heard.wait()
        async with asyncio.timeout(20):
            await box.uploads.cancel(upload_id)
            with pytest.raises(WrongOffset):
                await lost
        with pytest.raises(NotFound) as gone:
            await box.uploads.get(upload_id)
        assert gone.value.message == "There is no such upload."
        assert await box.unfinished_files() == set()


async def test_a_file_that_was_damaged_on_its_way_makes_no_model(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        upload = await box.begin(DATA, await box.racer(), sha256=digest(DATA))
        with pytest.raises(InvalidInput) as refusal:
            await box.uploads.receive(upload.upload_id, 0, pieces(DATA[:-1] + b"?"))
        assert str(refusal.value) == "fast.tar.gz was damaged on its way. Upload it again from the beginning."
        with pytest.raises(NotFound):
            await box.uploads.get(upload.upload_id)
        assert await box.unfinished_files() == set()
        await box.kept_at_last(set())


async def test_a_racer_s_own_bytes_need_not_be_sent_twice(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        model_id = await box.send(DATA, racer_id)
        again = await box.begin(DATA, racer_id, "other.tar.gz", sha256=digest(DATA))
        assert (again.offset, again.model_id) == (len(DATA), model_id)
        assert await box.send(DATA, racer_id, "third.tar.gz") == model_id


async def test_to_know_a_digest_is_not_to_have_the_file(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        await box.send(DATA, await box.racer("anna"))
        begun = await box.begin(DATA, await box.racer("berta"), sha256=digest(DATA))
        assert (begun.offset, begun.model_id) == (0, None)


@pytest.mark.parametrize(
    ("name", "more", "size"),
    [
        ("other.tar.gz", {}, len(DATA)),
        ("fast.tar.gz", {"modified_at": "2026-11-20T10:00:01Z"}, len(DATA)),
        ("fast.tar.gz", {"sha256": "0" * 64}, len(DATA)),
        ("fast.tar.gz", {}, len(DATA) - 1),
    ],
)
async def test_another_file_is_another_upload(tmp_path: Path, name: str, more: dict[str, str], size: int) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        first = await box.begin(DATA, racer_id, sha256=digest(DATA), modified_at="2026-11-20T10:00:00Z")
        same = {"sha256": digest(DATA), "modified_at": "2026-11-20T10:00:00Z"}
        assert (await box.begin(DATA, racer_id, **same)).upload_id == first.upload_id
        assert (await box.begin(DATA[:size], racer_id, name, **(same | more))).upload_id != first.upload_id


async def test_what_no_model_is_called_is_refused_before_its_bytes_come(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        with pytest.raises(InvalidInput) as refusal:
            await box.begin(DATA, await box.racer(), "Holiday.MOV")
        assert str(refusal.value) == (
            "Holiday.MOV is a video, not a model. "
            "Choose the physical car model that you downloaded: its name ends in .tar.gz."
        )


async def test_what_no_car_takes_is_refused_before_its_bytes_come(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        new = NewUpload(file_name="huge.tar.gz", size_bytes=MAX_ARCHIVE_BYTES + 1)
        with pytest.raises(TooLarge) as refusal:
            await box.uploads.begin(new, await box.racer(), "sender")
        assert refusal.value.message == "huge.tar.gz has 209 MB; no car takes more than 200."


async def test_a_script_that_begins_very_many_has_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_allowance, "BEGUN", 2)
    monkeypatch.setattr(upload_allowance, "Budget", partial(Budget, clock=lambda: 1_000.0))
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        for number in range(2):
            await box.begin(DATA, racer_id, f"{number}.tar.gz")
        with pytest.raises(TooManyTries) as refusal:
            await box.begin(DATA, racer_id, "2.tar.gz")
        assert str(refusal.value) == "You began very many uploads just now. Wait 20 s, then go on."


@pytest.mark.timeout(300)
def test_a_box_killed_at_any_step_has_what_it_answered_and_nothing_twice() -> None:
    """A slice of what `python -m tests.cars.killed_uploads` does at every step."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cars.killed_uploads", "6"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"\d\d steps in a day, killed at \d\d, 0 went wrong\n", done.stdout)


async def test_a_form_takes_the_whole_file_and_what_was_there_before_is_no_harm(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        new = NewUpload(file_name="fast.tar.gz", size_bytes=len(DATA))
        upload = await box.uploads.begin(new, racer_id, racer_id)
        await box.uploads.receive(upload.upload_id, 0, pieces(DATA[:4_000]))
        done = await box.uploads.take_file(new, racer_id, pieces(DATA), racer_id)
        assert done.model_id is not None
        assert (await box.models.archive(done.model_id)).read_bytes() == DATA


async def test_a_form_that_breaks_off_makes_no_model(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        new = NewUpload(file_name="fast.tar.gz", size_bytes=len(DATA))
        with pytest.raises(Conflict) as refusal:
            await box.uploads.take_file(new, racer_id, pieces(DATA[:-1]), racer_id)
        assert str(refusal.value) == "fast.tar.gz did not arrive whole. Send it again."
        assert await box.models.find(Sought(racer_id=racer_id)) == []


# whatever comes


class Sending(RuleBasedStateMachine):
    """Somebody sends, breaks off, sends nonsense, and the box is restarted, in any order: the bytes end up right."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.data = noise(20_000)
        self.answered = 0
        self.model_id: str | None = None
        self.stack = contextlib.AsyncExitStack()
        self._open()
        self.racer_id = self._run(self.box.racer())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def _open(self) -> None:
        self.box = self._run(self.stack.enter_async_context(model_box(Path(self.folder.name))))

    @rule(size=st.integers(0, 9_000), breaks=st.booleans(), is_hashed=st.booleans())
    def send_on(self, size: int, breaks: bool, is_hashed: bool) -> None:
        """From where it stands."""
        upload = self._run(self.box.begin(self.data, self.racer_id, sha256=digest(self.data)))
        assert upload.offset >= self.answered
        if upload.model_id is not None:
            self.model_id = upload.model_id
            return
        chunk = self.data[upload.offset :][:size]
        body = broken_off(chunk) if breaks else pieces(chunk)
        said = digest(chunk) if is_hashed else None
        with contextlib.suppress(Gone):
            self.answered = self._run(self.box.uploads.receive(upload.upload_id, upload.offset, body, said)).offset

    @rule(offset=st.integers(0, 20_000), size=st.integers(0, 3_000))
    def send_nonsense(self, offset: int, size: int) -> None:
        """For any place; where it happens to fit, its digest gives it away."""
        upload = self._run(self.box.begin(self.data, self.racer_id))
        with contextlib.suppress(WrongOffset, InvalidInput, TooLarge):
            self._run(self.box.uploads.receive(upload.upload_id, offset, pieces(bytes(size)), "0" * 64))

    @rule()
    def restart(self) -> None:
        """The box goes off and on."""
        self._run(self.stack.aclose())
        self._open()

    @invariant()
    def what_is_kept_is_what_was_sent(self) -> None:
        """No model, or one of exactly these bytes."""
        models = self._run(self.box.models.find(Sought(racer_id=self.racer_id)))
        assert len(models) <= 1
        for model in models:
            assert self._run(self.box.models.archive(model.model_id)).read_bytes() == self.data

    def teardown(self) -> None:
        """Whatever happened, it can be finished."""
        while self.model_id is None:
            self.send_on(9_000, breaks=False, is_hashed=True)
        self.what_is_kept_is_what_was_sent()
        self._run(self.stack.aclose())
        self._run(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()


test_any_order_of_sending_ends_in_the_same_bytes = Sending.TestCase
test_any_order_of_sending_ends_in_the_same_bytes.settings = settings(
    max_examples=8, stateful_step_count=12, deadline=None
)
