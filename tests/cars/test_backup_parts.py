"""A backup with the models and logs that its database needs, while the box runs; and back where they were."""

import asyncio
import json
import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from appliance import backup_parts
from appliance.backup import back_up, manifest_of, restore
from appliance.errors import InvalidInput, NotReady
from cars.backup_parts import PARTS
from cars.blobs import Blobs
from tests.cars.push_box import PushBox, push_box

PB = b"a frozen graph" * 10_000


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[PushBox]:
    (tmp_path / "data").mkdir()
    async with push_box(tmp_path / "data", asyncssh.generate_private_key("ssh-ed25519")) as box:
        yield box


async def held_in(folder: Path) -> dict[str, bytes]:
    """All files of a folder, by their paths in it."""

    def read() -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    return await asyncio.to_thread(read)


async def test_a_new_box_has_the_models_of_the_backup(box: PushBox, tmp_path: Path) -> None:
    model_id = await box.model("fast", PB)
    sha256 = (await box.models.get(model_id)).archive_sha256
    made = await asyncio.to_thread(back_up, box.directory, tmp_path / "stick", PARTS)
    blob = f"models/blobs/{sha256[:2]}/{sha256}"
    held = [name for name in (await asyncio.to_thread(manifest_of, made)).files if name.startswith("models/")]
    assert sorted(held) == [blob, f"{blob}.d/model.pb", f"{blob}.d/model_metadata.json"]
    done = await asyncio.to_thread(restore, made, tmp_path / "new", PARTS)
    assert done.parts == {"models": 3}
    assert (await held_in(tmp_path / "new"))[f"{blob}.d/model.pb"] == PB
    assert stat.S_IMODE((tmp_path / "new" / blob).stat().st_mode) == 0o600
    async with push_box(tmp_path / "new", asyncssh.generate_private_key("ssh-ed25519")) as new:
        assert await asyncio.to_thread((await new.models.files(model_id)).pb.read_bytes) == PB


async def test_without_parts_a_backup_is_the_databases_and_the_secret(box: PushBox, tmp_path: Path) -> None:
    await box.model("fast", PB)
    made = await asyncio.to_thread(back_up, box.directory, tmp_path / "stick")
    manifest = await asyncio.to_thread(manifest_of, made)
    assert (manifest.format, sorted(manifest.files)) == (1, ["trackside.db"])


async def test_a_model_deleted_meanwhile_is_in_neither_database_nor_files(
    box: PushBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_id, gone_id = await box.model("kept", PB), await box.model("gone", PB * 2)
    gone = (await box.models.get(gone_id)).archive_sha256
    real, copies = backup_parts.copy_out, []

    def after_a_deletion(paths: list[str], data_dir: Path, target: Path) -> list[str]:
        if not copies:  # The database that was just copied still has the model; its bytes go now.
            Blobs(data_dir / "models").drop(gone)
        copies.append(list(paths))
        return real(paths, data_dir, target)

    monkeypatch.setattr("appliance.backup.copy_out", after_a_deletion)
    monkeypatch.setattr("appliance.backup.TRIES", 3)
    made = await asyncio.to_thread(back_up, box.directory, tmp_path / "stick", PARTS)
    assert len(copies) == 3, "the database was copied anew, in case it does not need them any more"
    assert (await asyncio.to_thread(manifest_of, made)).missing == [f"models/blobs/{gone[:2]}/{gone}"]
    await asyncio.to_thread(restore, made, tmp_path / "new", PARTS)
    kept = (await box.models.get(kept_id)).archive_sha256
    assert (await held_in(tmp_path / "new"))[f"models/blobs/{kept[:2]}/{kept}"] == PB


async def test_what_is_there_already_is_left_alone(box: PushBox, tmp_path: Path) -> None:
    await box.model("fast", PB)
    made = await asyncio.to_thread(back_up, box.directory, tmp_path / "stick", PARTS)
    new = tmp_path / "new"
    await asyncio.to_thread(restore, made, new, PARTS)
    before = {path: path.stat().st_ino for path in (new / "models").rglob("*") if path.is_file()}
    await asyncio.to_thread(restore, made, new, PARTS)
    assert {path: path.stat().st_ino for path in (new / "models").rglob("*") if path.is_file()} == before
    assert before


def name_in_manifest(path: Path, name: str) -> None:
    manifest = json.loads(path.read_text())
    manifest["files"][name] = {"size_bytes": 0, "sha256": "0" * 64}
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "name", ["models/../../evil", "/etc/evil", "models/blobs/aa/evil", "logs/evil.tar", "models/uploads/" + "a" * 64]
)
async def test_a_backup_that_names_other_files_is_refused(box: PushBox, tmp_path: Path, name: str) -> None:
    made = await asyncio.to_thread(back_up, box.directory, tmp_path / "stick", PARTS)
    await asyncio.to_thread(name_in_manifest, made / "manifest.json", name)
    with pytest.raises(InvalidInput, match="made by another version"):
        await asyncio.to_thread(restore, made, tmp_path / "new", PARTS)
    assert not (tmp_path / "new").exists()


async def test_a_folder_of_links_in_a_backup_is_refused(box: PushBox, tmp_path: Path) -> None:
    await box.model("fast", PB)
    made = await asyncio.to_thread(back_up, box.directory, tmp_path / "stick", PARTS)
    (made / "models").rename(tmp_path / "elsewhere")
    (made / "models").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match="is not what was backed up"):
        await asyncio.to_thread(restore, made, tmp_path / "new", PARTS)


async def test_a_disk_that_is_too_small_is_left_as_it_was(
    box: PushBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await box.model("fast", PB)
    room = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(backup_parts, "LEFT_FREE_BYTES", room.free)
    with pytest.raises(NotReady, match="must stay free"):
        await asyncio.to_thread(back_up, box.directory, tmp_path / "stick", PARTS)
    assert list((tmp_path / "stick").iterdir()) == []
    assert os.listdir(box.directory / "models/blobs") != []
