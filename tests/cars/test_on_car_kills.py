"""The root helper is killed before every single step it does: the car has the old model or the new one."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cars.car_tree import SENDER, CarTree, needs_root

pytestmark = needs_root

TOKEN = "0123456789abcdef"
DEADLINE_S = 110
NO_EXCHANGE = {"RENAME_EXCHANGE = 2": "RENAME_EXCHANGE = 64"}
"""A flag that no kernel knows: as one without renameat2."""


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: thousands of fsyncs prove nothing about a kill."""
    fast = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=fast if os.access(fast, os.W_OK) else None) as folder:
        yield Path(folder)


def tries(tree: CarTree, *arguments: str) -> list[dict[str, Any]]:
    """One killed call after the other, each from the state that the car has now; the last one lives."""
    saved = tree.root / "saved"
    shutil.copytree(tree.home, saved, symlinks=True)
    program = Path(__file__).with_name("kill_everywhere.py")
    done = subprocess.run(
        [sys.executable, "-IB", str(program), str(tree.helper), str(saved), str(tree.root), *arguments],
        env={"SUDO_UID": str(SENDER), "SUDO_GID": str(SENDER)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["was_killed"] for one in found] == [True] * (len(found) - 1) + [False]
    return found


def of(model: str, files: dict[str, str]) -> dict[str, str]:
    """What one model's folder holds."""
    return {path: text for path, text in files.items() if path.startswith(f"{model}/")}


@pytest.mark.parametrize(("changes", "may_be_away"), [({}, False), (NO_EXCHANGE, True)])
def test_a_kill_before_any_step_leaves_the_old_model_or_the_new(
    memory: Path, changes: dict[str, str], may_be_away: bool
) -> None:
    tree = CarTree(memory / "car", changes)
    tree.model("anna", b"old", b"{}", model__xml=b"made of old")
    digests = tree.stage(TOKEN, b"new", b"[]")
    found = tries(tree, "install", TOKEN, "anna", *digests)
    assert len(found) > 15
    old, new = of("anna", found[0]["after_kill"]), of("anna", found[-1]["after_kill"])
    assert (old["anna/model.pb"], new["anna/model.pb"]) == ("old", "new")
    seen = [of("anna", one["after_kill"]) for one in found]
    assert [one for one in seen if one not in (old, new)] == [{}] * seen.count({})
    assert ({} in seen) == may_be_away
    for one in found:
        assert (one["recovered"], one["again"]) == (0, 0)
        assert of("anna", one["after_recover"]) in (old, new)
        assert one["rubbish"] == [".lock"]
        assert of("anna", one["at_last"]) == new


def test_a_kill_while_a_first_model_is_installed_leaves_it_whole_or_absent(memory: Path) -> None:
    tree = CarTree(memory / "car")
    found = tries(tree, "install", TOKEN, "anna", *tree.stage(TOKEN, b"new", b"[]"))
    assert len(found) > 15
    new = of("anna", found[-1]["at_last"])
    assert set(new) == {"anna/model.pb", "anna/model_metadata.json", "anna/checksum.txt"}
    assert [one for one in found if of("anna", one["after_kill"]) not in ({}, new)] == []
    assert [of("anna", one["at_last"]) for one in found] == [new] * len(found)


def test_a_kill_while_a_model_is_deleted_leaves_it_whole_or_gone(memory: Path) -> None:
    tree = CarTree(memory / "car")
    tree.call("recover")
    tree.model("anna", b"old", b"{}")
    found = tries(tree, "delete", "anna")
    old = of("anna", found[0]["after_kill"])
    assert len(old) == 3
    assert [one for one in found if of("anna", one["after_kill"]) not in ({}, old)] == []
    assert [of("anna", one["at_last"]) for one in found] == [{}] * len(found)
    assert {tuple(one["rubbish"]) for one in found} == {(".lock",)}
