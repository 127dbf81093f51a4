"""The root helper of a car: what it takes, what it does, what it leaves alone. Real files, as root."""

import ast
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cars.car_tree import HELPER, SENDER, CarTree, digest, needs_root, oldest_python

pytestmark = needs_root

TOKEN = "0123456789abcdef"
PB = b"a frozen graph" * 1000
METADATA = b'{"sensor": ["FRONT_FACING_CAMERA"]}'
NONE = "0" * 32, "0" * 64, "0" * 64


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> CarTree:
    """A car on which nothing happens."""
    return CarTree(tmp_path_factory.mktemp("untouched") / "car")


def test_it_is_python_3_8_and_imports_nothing_but_its_standard_library() -> None:
    tree = ast.parse(HELPER.read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported
    assert {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names} == set()


def test_every_verb_is_in_the_docs_and_no_other() -> None:
    page = (HELPER.parents[2] / "docs/pairing.md").read_text().partition("## The helper")[2]
    written = {verb for cell in re.findall(r"^\| (`.*?) \|", page, re.M) for verb in re.findall(r"`([a-z-]+)", cell)}
    verbs = re.findall(r'^    "([a-z-]+)": \([a-z_]+, \(', HELPER.read_text(), re.M)
    assert len(verbs) > 20
    assert written == set(verbs)


def test_it_runs_on_the_oldest_python_of_this_machine(tree: CarTree) -> None:
    """A stock car has 3.8."""
    python = oldest_python()
    version = subprocess.run([python, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    digests = tree.stage(TOKEN, PB, METADATA)
    assert tree.call("install", TOKEN, "anna-fast", *digests, python=python)["ok"]
    assert tree.call("facts", python=python)["python"] == version


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("",),
        ("exec", "id"),
        ("install",),
        ("install", TOKEN, "../etc", *NONE),
        ("install", TOKEN, "a/b", *NONE),
        ("install", TOKEN, "a.b", *NONE),
        ("install", TOKEN, "a\n", *NONE),
        ("install", TOKEN, "ä", *NONE),
        ("install", TOKEN, "", *NONE),
        ("install", TOKEN, "-" * 81, *NONE),
        ("install", TOKEN, "Sample_single_cam", *NONE),
        ("install", TOKEN, "sample_mine", *NONE),
        ("install", "../../../etc", "anna", *NONE),
        ("install", ".lock", "anna", *NONE),
        ("install", TOKEN, "anna", "0" * 31, "0" * 64, "0" * 64),
        ("install", TOKEN, "anna", "O" * 32, "0" * 64, "0" * 64),
        ("install", TOKEN, "anna", *NONE, "more"),
        ("delete",),
        ("load-model", "../anna"),
        ("load-model", "AWS Sample"),
        ("delete", "Sample_stereo_cam"),
        ("delete", "AWS Sample"),
        ("delete", "anna", ".."),
        ("delete-all", "--everything"),
        ("light", "256", "0", "0"),
        ("light", "-1", "0", "0"),
        ("light", "1}", "0", "0"),
        ("light", "٣", "0", "0"),
        ("set-time", "0"),
        ("set-time", "99999999999999999999"),
        ("console-password", "0" * 56),
        ("logs-pack", TOKEN, "1"),
        ("logs-pack", TOKEN, "-1", "2"),
        ("logs-pack", TOKEN, "1", "2 hours ago"),
        ("logs-pack", TOKEN, "1", "2", "../../../etc"),
        ("logs-pack", TOKEN, "1", "2", "."),
        ("setup-firewall", "0.0.0.0/0"),
        ("setup-firewall", "any"),
        ("setup-firewall", "192.168.1.0/24 to any"),
        ("setup-time", "192.168.1.1"),
        ("setup-avahi", "<x/>"),
        ("reboot", "now"),
        ("offer", TOKEN, "../etc", *NONE),
        ("offer", TOKEN, "anna", "0" * 32),
        ("receive", TOKEN, "checksum.txt", "0", "1"),
        ("receive", TOKEN, "../model.pb", "0", "1"),
        ("receive", TOKEN, "model.pb", "-1", "1"),
        ("receive", TOKEN, "model.pb", "0", "9" * 11),
        ("stage-open", "short"),
        ("stage-open", "a" * 65),
    ],
)
def test_what_is_not_allowed_is_refused_before_anything_is_done(untouched: CarTree, arguments: tuple[str, ...]) -> None:
    told = untouched.call(*arguments)
    assert not told["ok"]
    assert told["code"] in ("bad_argument", "unknown_verb")
    assert untouched.calls == []
    assert not untouched.work.exists()


def test_it_does_nothing_for_who_is_not_root() -> None:
    script = (
        "import __future__, os, sys, json, shutil, subprocess, hashlib, fcntl, errno, contextlib, signal\n"
        f"text = open({str(HELPER)!r}).read(); os.setuid({SENDER}); sys.argv = ['trackside-car', 'poweroff']\n"
        "exec(compile(text, 'trackside-car', 'exec'), {'__name__': '__main__'})"
    )
    done = subprocess.run([sys.executable, "-IBc", script], capture_output=True, text=True, timeout=60, check=False)
    assert '"code": "not_root"' in done.stdout


def test_a_model_is_installed_whole_and_read_back(tree: CarTree) -> None:
    md5, sha256, metadata_sha256 = tree.stage(TOKEN, PB, METADATA)
    told = tree.call("install", TOKEN, "anna-fast", md5, sha256, metadata_sha256)
    assert told == {
        "ok": True,
        "folder": "anna-fast",
        "is_already": False,
        "is_replaced": False,
        "pb_sha256": sha256,
        "metadata_sha256": metadata_sha256,
        "checksum": md5,
        "files": {"checksum.txt": 32, "model.pb": len(PB), "model_metadata.json": len(METADATA)},
    }
    assert tree.held("anna-fast") == {
        "model.pb": PB,
        "model_metadata.json": METADATA,
        "checksum.txt": md5.encode(),
    }


def test_what_is_installed_belongs_to_root_and_everybody_may_read_it(tree: CarTree) -> None:
    tree.call("install", TOKEN, "anna", *tree.stage(TOKEN, PB, METADATA))
    folder = tree.artifacts / "anna"
    entries = [folder, *sorted(folder.iterdir())]
    found = [(entry.stat().st_uid, entry.stat().st_gid, stat.S_IMODE(entry.stat().st_mode)) for entry in entries]
    assert found == [(0, 0, 0o755), (0, 0, 0o644), (0, 0, 0o644), (0, 0, 0o644)]


def test_a_model_takes_the_place_of_all_that_was_in_its_folder(tree: CarTree) -> None:
    tree.model("anna", b"old", b"{}", model__xml=b"stale", model__tflite=b"stale")
    told = tree.call("install", TOKEN, "anna", *tree.stage(TOKEN, PB, METADATA))
    assert told["is_replaced"]
    assert set(tree.held("anna") or {}) == {"model.pb", "model_metadata.json", "checksum.txt"}
    assert [name.name for name in tree.work.iterdir()] == [".lock"]


def test_a_stale_conversion_is_not_taken_for_the_model_that_is_there_already(tree: CarTree) -> None:
    made_of_another_model(tree.model("anna", PB, METADATA, model__xml=b"old") / "model.xml")
    assert not tree.call("offer", TOKEN, "anna", digest("md5", PB), digest("sha256", PB), digest("sha256", METADATA))[
        "is_there"
    ]
    told = tree.call("install", TOKEN, "anna", *tree.stage(TOKEN, PB, METADATA))
    assert (told["is_already"], told["is_replaced"]) == (False, True)


def made_of_another_model(conversion: Path) -> None:
    """It is older than the model.pb beside it."""
    os.utime(conversion, (1_700_000_000, 1_700_000_000))


def test_what_the_car_made_of_this_very_model_stays_whoever_asks(tree: CarTree) -> None:
    digests = tree.stage(TOKEN, PB, METADATA)
    tree.call("install", TOKEN, "anna", *digests)
    (tree.artifacts / "anna/model.xml").write_bytes(b"made when it was loaded")
    assert tree.call("offer", TOKEN, "anna", *digests)["is_there"]
    assert tree.call("install", TOKEN, "anna", *digests)["is_already"]
    assert (tree.held("anna") or {})["model.xml"] == b"made when it was loaded"


def test_a_model_that_is_there_already_is_left_as_it_is(tree: CarTree) -> None:
    digests = tree.stage(TOKEN, PB, METADATA)
    tree.call("install", TOKEN, "anna", *digests)
    before = (tree.artifacts / "anna").stat().st_ino
    assert tree.call("offer", TOKEN, "anna", *digests)["is_there"]
    assert tree.call("install", TOKEN, "anna", *digests)["is_already"]
    assert (tree.artifacts / "anna").stat().st_ino == before


def test_other_bytes_than_were_sent_change_nothing(tree: CarTree) -> None:
    tree.model("anna", b"old", b"{}")
    before = tree.held("anna")
    md5, sha256, metadata_sha256 = tree.stage(TOKEN, PB, METADATA)
    told = tree.call("install", TOKEN, "anna", md5, "0" * 64, metadata_sha256)
    assert (told["code"], told["message"]) == ("digest", "model.pb arrived with other bytes than were sent.")
    (tree.work / TOKEN / "model.pb").write_bytes(PB[::-1])
    told = tree.call("install", TOKEN, "anna", md5, sha256, metadata_sha256)
    assert (told["code"], told["message"]) == ("digest", "model.pb arrived with other bytes than were sent.")
    (tree.work / TOKEN / "model.pb").write_bytes(PB)
    told = tree.call("install", TOKEN, "anna", md5, sha256, "0" * 64)
    assert (told["code"], told["message"]) == ("digest", "model_metadata.json arrived with other bytes than were sent.")
    assert tree.held("anna") == before


def test_a_file_that_was_not_sent_is_named(tree: CarTree) -> None:
    tree.call("offer", TOKEN, "anna", *NONE)
    told = tree.call("install", TOKEN, "anna", *NONE)
    assert (told["code"], told["message"]) == ("not_staged", "model.pb has not been sent.")


def test_what_somebody_else_may_write_to_is_never_installed(tree: CarTree) -> None:
    digests = tree.stage(TOKEN, PB, METADATA)
    os.chown(tree.work / TOKEN, SENDER, SENDER)
    assert tree.call("install", TOKEN, "anna", *digests)["code"] == "no_stage"
    assert tree.call("receive", TOKEN, "model.pb", "0", "1", sends=b"x")["code"] == "no_stage"
    assert tree.call("offer", TOKEN, "anna", *digests)["staged"] == {}
    assert (tree.work / TOKEN).stat().st_uid == 0


def test_a_stage_of_somebody_else_is_not_touched(tree: CarTree) -> None:
    tree.call("stage-open", TOKEN)
    os.chown(tree.work / TOKEN, SENDER + 1, SENDER + 1)
    assert tree.call("stage-state", TOKEN)["code"] == "no_stage"


def test_a_stage_that_is_a_link_is_not_followed(tree: CarTree) -> None:
    tree.call("recover")
    elsewhere = tree.root / "elsewhere"
    elsewhere.mkdir()
    os.chown(elsewhere, SENDER, SENDER)
    (tree.work / TOKEN).symlink_to(elsewhere)
    assert tree.call("stage-state", TOKEN)["code"] == "no_stage"
    assert tree.call("stage-open", TOKEN)["code"] == "no_stage"
    assert elsewhere.stat().st_uid == SENDER


def test_only_the_sender_may_look_into_a_stage(tree: CarTree) -> None:
    told = tree.call("stage-open", TOKEN)
    entry = Path(f"{tree.root}{told['path']}").stat()
    assert told["path"] == f"/opt/aws/deepracer/.trackside/{TOKEN}"
    assert (entry.st_uid, entry.st_gid, stat.S_IMODE(entry.st_mode)) == (SENDER, SENDER, 0o700)


def test_a_stage_tells_what_lies_there_until_it_is_closed(tree: CarTree) -> None:
    tree.call("stage-open", TOKEN)
    (tree.work / TOKEN / "logs.tar").write_bytes(b"some")
    assert tree.call("stage-open", TOKEN)["files"] == {"logs.tar": {"size_bytes": 4}}
    assert tree.call("stage-state", TOKEN)["files"] == {"logs.tar": {"size_bytes": 4}}
    assert tree.call("stage-close", TOKEN) == {"ok": True}
    assert tree.call("stage-close", TOKEN) == {"ok": True}
    assert tree.call("stage-state", TOKEN)["code"] == "no_stage"


def test_a_stage_is_closed_once_or_twice(tree: CarTree) -> None:
    tree.stage(TOKEN, PB, METADATA)
    assert tree.call("stage-close", TOKEN) == {"ok": True}
    assert tree.call("stage-close", TOKEN) == {"ok": True}
    assert tree.call("stage-state", TOKEN)["code"] == "no_stage"


def test_a_stage_whose_making_was_killed_is_given_to_the_sender(tree: CarTree) -> None:
    tree.call("recover")
    (tree.work / TOKEN).mkdir(mode=0o700)
    assert tree.call("stage-open", TOKEN)["ok"]
    assert (tree.work / TOKEN).stat().st_uid == SENDER


def test_old_stages_go_when_there_are_too_many(tree: CarTree) -> None:
    tree.call("recover")
    for number in range(16):
        folder = tree.work / f"{TOKEN}{number:02}"
        folder.mkdir()
        os.utime(folder, (1000 + number, 1000 + number))
    tree.call("stage-open", TOKEN)
    assert not (tree.work / f"{TOKEN}00").exists()
    assert (tree.work / f"{TOKEN}01").exists()


def test_the_inventory_is_what_the_disk_holds(tree: CarTree) -> None:
    tree.model("anna", PB, METADATA, model__xml=b"x")
    (tree.artifacts / "anna/checksum.txt").write_text("f" * 32 + "\n")
    told = tree.call("inventory", "--hash")
    models = {model["folder"]: model for model in told["models"]}
    assert [name for name, model in models.items() if model["is_sample"]] == [
        "AWS Sample",
        "Sample_single_cam",
        "Sample_stereo_cam",
    ]
    anna = models["anna"]
    assert anna.pop("changed_at_s") > 0
    assert anna == {
        "folder": "anna",
        "is_sample": False,
        "files": {"checksum.txt": 33, "model.pb": len(PB), "model.xml": 1, "model_metadata.json": len(METADATA)},
        "checksum": "f" * 32,
        "pb_md5": digest("md5", PB),
        "pb_sha256": digest("sha256", PB),
        "metadata_sha256": digest("sha256", METADATA),
    }


def test_the_inventory_of_one_model_is_asked_for_by_its_folder(tree: CarTree) -> None:
    tree.model("anna", PB, METADATA)
    told = tree.call("inventory", "anna", "absent")
    assert [(model["folder"], model["pb_md5"]) for model in told["models"]] == [("anna", None)]


def test_a_folder_whose_name_is_no_utf_8_is_listed_and_deleted(tree: CarTree) -> None:
    os.mkdir(os.fsencode(tree.artifacts) + b"/caf\xe9")
    assert "caf?" in [model["folder"] for model in tree.call("inventory")["models"]]
    assert tree.call("delete-all")["deleted"] == ["caf?"]


def test_models_are_deleted_and_a_name_that_is_not_there_is_gone_already(tree: CarTree) -> None:
    tree.model("anna", PB, METADATA)
    tree.model("bob", PB, METADATA)
    assert tree.call("delete", "anna", "absent")["deleted"] == ["anna"]
    assert tree.held("anna") is None
    assert tree.held("bob") is not None


def test_deleting_all_keeps_the_samples_and_the_logs(tree: CarTree) -> None:
    tree.model("anna", PB, METADATA)
    (tree.home / "logs/bag").mkdir()
    assert tree.call("delete-all")["deleted"] == ["anna"]
    assert sorted(folder.name for folder in tree.artifacts.iterdir()) == [
        "AWS Sample",
        "Sample_single_cam",
        "Sample_stereo_cam",
    ]
    assert (tree.home / "logs/bag").exists()


def test_the_logs_go_when_asked_and_a_link_among_them_is_not_followed(tree: CarTree) -> None:
    kept = tree.put("home/deepracer/kept", "mine")
    bag = tree.put("opt/aws/deepracer/logs/bag/data.mcap", "x").parent
    (bag.parent / "link").symlink_to(kept.parent)
    tree.put("root/.ros/log/core.log", "x")
    assert tree.call("delete-all", "--logs")["deleted_logs"] == 3
    assert list(bag.parent.iterdir()) == []
    assert kept.read_text() == "mine"


def test_one_change_at_a_time(tmp_path: Path) -> None:
    tree = CarTree(tmp_path / "car", {"LOCK_S = 30": "LOCK_S = 0"})
    tree.call("recover")
    holder = subprocess.Popen(
        ["flock", str(tree.work / ".lock"), "sh", "-c", "echo held; exec sleep 600"], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        assert tree.call("delete-all")["code"] == "busy"
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
