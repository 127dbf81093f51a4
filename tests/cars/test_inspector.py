"""The real child process behind its walls: what comes back, and what lies in the folder afterwards."""

import hashlib
import stat
from pathlib import Path

import pytest

from cars.inspection import Fit, NotFit
from cars.inspector import Inspector
from cars.model_structs import ActionSpace
from tests.cars.model_samples import model_files, tar_gz, write_model


def names_in(folder: Path) -> list[str]:
    """All names, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


async def test_a_model_is_fit_and_its_two_files_lie_there(tmp_path: Path) -> None:
    archive = write_model(tmp_path / "model.tar.gz")
    into = tmp_path / "out"
    inspection = await Inspector().inspect(archive, into)
    assert isinstance(inspection, Fit)
    network, about = (into / "model.pb").read_bytes(), (into / "model_metadata.json").read_bytes()
    assert [network, about] == [data for _, data in model_files()]
    facts = inspection.facts
    assert facts.pb_md5 == hashlib.md5(network, usedforsecurity=False).hexdigest()
    assert facts.pb_sha256 == hashlib.sha256(network).hexdigest()
    assert facts.metadata_sha256 == hashlib.sha256(about).hexdigest()
    assert (facts.pb_bytes, facts.metadata_bytes) == (len(network), len(about))
    assert (facts.sensors, facts.actions, facts.algorithm) == (("FRONT_FACING_CAMERA",), 5, "clipped_ppo")
    assert facts.action_space is ActionSpace.DISCRETE
    assert facts.warnings == ()


async def test_only_the_box_may_read_them(tmp_path: Path) -> None:
    into = tmp_path / "out"
    await Inspector().inspect(write_model(tmp_path / "model.tar.gz"), into)
    assert {stat.S_IMODE(path.stat().st_mode) for path in into.iterdir()} == {0o600}
    assert names_in(into) == ["model.pb", "model_metadata.json"]


@pytest.mark.parametrize("files", [[], model_files()[:1], model_files()[1:]])
async def test_nothing_is_left_of_what_is_not_fit(tmp_path: Path, files: list[tuple[str, bytes]]) -> None:
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(tar_gz(files))
    inspection = await Inspector().inspect(archive, tmp_path / "out")
    assert isinstance(inspection, NotFit)
    assert names_in(tmp_path / "out") == []
