"""Models for walk-ups: what the crew puts into the folder is the box's own."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from appliance.health import Check
from cars import walk_up
from cars.model_structs import ModelStatus, ModelView
from cars.models_health import check_folder
from cars.models_store import Sought
from cars.walk_up import WalkUpFolder
from tests.cars.model_box import ModelBox, model_box
from tests.cars.model_samples import write_model


async def looked(box: ModelBox, folder: Path) -> list[ModelView]:
    """The box's own models after two looks into the folder."""
    walk_ups = WalkUpFolder(box.db, box.models, folder)
    await walk_ups.look()
    await walk_ups.look()
    return await box.models.find(Sought(is_box=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The crew's folder, with one model and other things."""
    path = tmp_path / "stick"
    path.mkdir()
    write_model(path / "Sample A.tar.gz")
    (path / "README.txt").write_text("models for everybody")
    (path / ".hidden.tar.gz").write_bytes(b"x")
    (path / "empty.tar.gz").touch()
    (path / "folder.tar.gz").mkdir()
    return path


async def test_an_archive_in_the_folder_is_the_box_s_own_model(tmp_path: Path, folder: Path) -> None:
    async with model_box(tmp_path) as box:
        (model,) = await looked(box, folder)
        assert (model.racer_id, model.username, model.name) == (None, None, "Sample-A")
        assert model.file_name == "Sample A.tar.gz"
    assert (folder / "Sample A.tar.gz").exists()


async def test_it_is_taken_once_also_after_a_restart(tmp_path: Path, folder: Path) -> None:
    async with model_box(tmp_path) as box:
        before = await looked(box, folder)
    async with model_box(tmp_path) as box:
        assert await looked(box, folder) == before


async def test_what_a_person_deleted_stays_deleted(tmp_path: Path, folder: Path) -> None:
    async with model_box(tmp_path) as box:
        (model,) = await looked(box, folder)
        await box.models.delete(model.model_id, "operator")
        assert await looked(box, folder) == []


async def test_a_folder_that_goes_takes_no_model_along(tmp_path: Path, folder: Path) -> None:
    async with model_box(tmp_path) as box:
        before = await looked(box, folder)
        await asyncio.to_thread((folder / "Sample A.tar.gz").unlink)
        assert await looked(box, folder) == before
        assert await looked(box, tmp_path / "nowhere") == before


async def test_other_bytes_in_the_same_file_are_another_model(tmp_path: Path, folder: Path) -> None:
    async with model_box(tmp_path) as box:
        await looked(box, folder)
        await asyncio.to_thread(write_model, folder / "Sample A.tar.gz", seed=7)
        assert [model.name for model in await looked(box, folder)] == ["Sample-A-2", "Sample-A"]


async def test_a_file_that_is_still_growing_is_left_alone(tmp_path: Path, folder: Path) -> None:
    async with model_box(tmp_path) as box:
        walk_ups = WalkUpFolder(box.db, box.models, folder)
        path = folder / "Sample A.tar.gz"
        for _ in range(3):
            assert not await walk_ups.look()
            await asyncio.to_thread(lambda: path.open("ab").write(b"more"))
        assert await box.models.find(Sought()) == []
        assert not await walk_ups.look()
        assert await walk_ups.look()
        assert [model.status for model in await box.models.find(Sought())] == [ModelStatus.UPLOADED]


async def test_a_file_whose_name_is_no_text_is_taken_under_one_that_is(tmp_path: Path, folder: Path) -> None:
    await asyncio.to_thread(write_model, Path(os.fsdecode(os.fsencode(folder) + b"/A\xff.tar.gz")), seed=7)
    await asyncio.to_thread(write_model, folder / "A line\nbreak.tar.gz", seed=8)
    async with model_box(tmp_path) as box:
        models = {model.name: model.file_name for model in await looked(box, folder)}
        assert models == {
            "A": "A\ufffd.tar.gz",
            "A-linebreak": "A line\ufffdbreak.tar.gz",
            "Sample-A": "Sample A.tar.gz",
        }
        assert len(await looked(box, folder)) == 3


async def test_a_file_that_cannot_be_taken_keeps_no_other_waiting_and_is_told(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(write_model, folder / "Bad disk.tar.gz", seed=7)
    await asyncio.to_thread(write_model, folder / "Our fault.tar.gz", seed=8)
    read = walk_up.sha256_of

    def sha256_of(path: Path) -> str:
        if path.name == "Bad disk.tar.gz":
            raise OSError(errno.EIO, "Input/output error", str(path))
        if path.name == "Our fault.tar.gz":
            raise ValueError("nobody thought of that")
        return read(path)

    async with model_box(tmp_path) as box:
        walk_ups = WalkUpFolder(box.db, box.models, folder)
        with monkeypatch.context() as patch:
            patch.setattr(walk_up, "sha256_of", sha256_of)
            assert not await walk_ups.look()
            assert await walk_ups.look()
        assert [model.name for model in await box.models.find(Sought(is_box=True))] == ["Sample-A"]
        assert check_folder(walk_ups.troubles) == Check(
            ok=True,
            message="A model for walk-ups was not taken in. Bad disk.tar.gz cannot be read: Input/output error. 1 more "
            "of the folder for walk-ups could not be taken either.",
            remedy="Take it out of the folder, and put it in again once it was mended.",
        )
        assert await walk_ups.look()
        assert len(await box.models.find(Sought(is_box=True))) == 3
        assert check_folder(walk_ups.troubles).message == "No file is left over in the folder for walk-ups."


async def test_too_large_a_file_is_left_alone_and_told_until_it_goes(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk_up, "MAX_ARCHIVE_BYTES", 10)
    async with model_box(tmp_path) as box:
        walk_ups = WalkUpFolder(box.db, box.models, folder)
        for _ in range(3):
            await walk_ups.look()
        assert await box.models.find(Sought(is_box=True)) == []
        told = check_folder(walk_ups.troubles)
        assert "Sample A.tar.gz has 0 MB; no car takes more than 200." in told.message
        assert told.remedy == "Take it out of the folder."
        await asyncio.to_thread((folder / "Sample A.tar.gz").unlink)
        await walk_ups.look()
        assert walk_ups.troubles == []
