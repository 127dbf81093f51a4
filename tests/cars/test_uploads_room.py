"""Room for uploads: the quota of a racer, the reserve of the disk, and what goes because nobody goes on with it."""

import asyncio
from pathlib import Path

import pytest

from appliance.clock import iso_utc, wall_ns
from appliance.errors import Conflict, NotReady
from cars import blobs, uploads_store
from tests.cars.model_box import model_box, noise, pieces

DATA = noise(10_000)


async def test_uploads_begun_at_once_cannot_both_take_the_last_of_the_quota(tmp_path: Path) -> None:
    async with model_box(tmp_path, quota_bytes=5 * len(DATA)) as box:
        racer_id = await box.racer()
        begun = [box.begin(noise(len(DATA), seed), racer_id, f"{seed}.tar.gz") for seed in range(12)]
        answers = await asyncio.gather(*begun, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, Conflict)]
        assert len(refused) == 12 - 5
        assert str(refused[0]).endswith("Delete a model that is not needed any more.")
        assert len(await box.uploads.unfinished(racer_id)) == 5


async def test_the_refusal_of_a_full_quota_says_how_much_is_left(tmp_path: Path) -> None:
    async with model_box(tmp_path, quota_bytes=3_000_000) as box:
        racer_id = await box.racer()
        await box.begin(bytes(1_000_000), racer_id, "a.tar.gz")
        with pytest.raises(Conflict) as refusal:
            await box.begin(bytes(2_500_000), racer_id, "b.tar.gz")
        assert refusal.value.message == "b.tar.gz has 3 MB, and 2 MB of 3 MB are left."


async def test_deleting_makes_room_at_once(tmp_path: Path) -> None:
    async with model_box(tmp_path, quota_bytes=len(DATA)) as box:
        racer_id = await box.racer()
        model_id = await box.send(DATA, racer_id)
        other = noise(len(DATA), 1)
        with pytest.raises(Conflict):
            await box.begin(other, racer_id, "b.tar.gz")
        await box.models.delete(model_id, racer_id)
        await box.send(other, racer_id, "b.tar.gz")


async def test_a_racer_has_no_more_than_so_many_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads_store, "MODELS_PER_RACER", 2)
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        await box.send(DATA, racer_id)
        await box.begin(noise(5_000, 1), racer_id, "b.tar.gz")
        with pytest.raises(Conflict) as refusal:
            await box.begin(noise(5_000, 2), racer_id, "c.tar.gz")
        assert refusal.value.message == "There are 2 models already, and no more fit."
        for seed in range(3):  # The box's own have no quota.
            await box.begin(noise(5_000, seed), None, f"{seed}.tar.gz")


async def test_while_the_reserve_is_touched_no_upload_begins_or_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        upload_id = (await box.begin(DATA, racer_id)).upload_id
        await box.uploads.receive(upload_id, 0, pieces(DATA[:4_000]))
        monkeypatch.setattr(blobs, "RESERVE_BYTES", 1 << 60)
        for refused in (
            box.begin(noise(5_000, 1), racer_id, "b.tar.gz"),
            box.uploads.receive(upload_id, 4_000, pieces(DATA[4_000:])),
        ):
            with pytest.raises(NotReady) as refusal:
                await refused
            assert str(refusal.value) == (
                "The box has no more room for models. "
                "Tell the crew: old models, backups or other files have to go first."
            )
        assert (await box.uploads.get(upload_id)).offset == 4_000


async def test_what_was_begun_is_spoken_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        monkeypatch.setattr(blobs.Blobs, "spare_bytes", lambda _: 50_000)
        await box.begin(bytes(20_000), racer_id, "a.tar.gz")
        with pytest.raises(NotReady):
            await box.begin(bytes(10_000), await box.racer("berta"), "b.tar.gz")


async def test_an_unfinished_upload_goes_after_a_day(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        old = await box.begin(DATA, racer_id, "old.tar.gz")
        new = await box.begin(DATA, racer_id, "new.tar.gz")
        for upload in (old, new):
            await box.uploads.receive(upload.upload_id, 0, pieces(DATA[:4_000]))
        yesterday = iso_utc(wall_ns() - 25 * 3_600 * 10**9)
        await box.db.write(lambda database: uploads_store.moved_on(database, old.upload_id, 4_000, yesterday))
        assert await box.unfinished_files() == {old.upload_id, new.upload_id}
        await box.uploads.throw_away_old()
        assert [one.upload_id for one in await box.uploads.unfinished(racer_id)] == [new.upload_id]
        assert await box.unfinished_files() == {new.upload_id}


async def test_a_file_of_an_upload_that_went_is_begun_anew(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        upload_id = (await box.begin(DATA, racer_id)).upload_id
        await box.uploads.receive(upload_id, 0, pieces(DATA[:4_000]))
        path = box.models.blobs.upload_path(upload_id)
    path.unlink()
    async with model_box(tmp_path) as box:
        assert (await box.uploads.get(upload_id)).offset == 0
        assert (await box.begin(DATA, racer_id)).upload_id == upload_id
