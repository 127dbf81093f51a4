"""Uploads on a disk that fills up under them: refused in words, nothing half-kept, gone on with once there is room."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import NotReady
from appliance.serve import DATABASE
from cars import blobs
from tests.cars.model_box import model_box, noise, pieces

DATA = noise(3_000_000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 24 MB: writes beyond it fail with the real ENOSPC."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if mount is None or os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def leave(disk: Path, free_bytes: int) -> Path:
    """Fill the disk but for so much."""
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - free_bytes))
    return filler


async def test_a_disk_that_fills_up_in_mid_chunk_keeps_what_fitted_and_loses_nothing(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "RESERVE_BYTES", 0)
    monkeypatch.setattr(blobs, "RESERVE_SHARE", 1 << 60)
    (tmp_path / "models").symlink_to(small_disk)  # The database is elsewhere: it goes on.
    async with model_box(tmp_path) as box:
        assert not (small_disk / DATABASE).exists()
        upload = await box.begin(DATA, await box.racer())
        filler = await asyncio.to_thread(leave, small_disk, 1_000_000)
        with pytest.raises(NotReady) as refusal:
            await box.uploads.receive(upload.upload_id, 0, pieces(DATA, 100_000))
        assert refusal.value.message == "The box has no more room for models."
        stands = (await box.uploads.get(upload.upload_id)).offset
        assert 0 < stands <= 1_000_000
        with pytest.raises(NotReady):
            await box.begin(noise(3_000_000, 1), None, "b.tar.gz")
        await asyncio.to_thread(filler.unlink)
        done = await box.uploads.receive(upload.upload_id, stands, pieces(DATA[stands:], 100_000))
        assert done.model_id is not None
        archive = await box.models.archive(done.model_id)
        assert await asyncio.to_thread(archive.read_bytes) == DATA


async def test_uploads_end_while_the_timing_still_has_its_reserve(small_disk: Path) -> None:
    async with model_box(small_disk) as box:
        with pytest.raises(NotReady):
            await box.begin(DATA, await box.racer())
