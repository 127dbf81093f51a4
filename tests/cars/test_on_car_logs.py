"""The recordings of a car, as its root helper lists and packs them. Real files, as root."""

import os
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests.cars.car_tree import SENDER, CarTree, needs_root

pytestmark = needs_root

TOKEN = "0123456789abcdef"


@pytest.fixture
def tree(tmp_path: Path) -> CarTree:
    return CarTree(tmp_path / "car")


def test_logs_since_a_moment_are_listed_and_packed_for_the_sender(tree: CarTree) -> None:
    tree.put("opt/aws/deepracer/logs/anna-20260101-120000/data.mcap", "bag")
    bag = tree.home / "logs/anna-20260101-120000"
    (bag / "link").symlink_to("/etc/shadow")
    old = tree.put("opt/aws/deepracer/logs/old/data.mcap", "bag")
    for path in (old, old.parent):
        os.utime(path, (1000, 1000))
    listed = tree.call("logs-list", "2000")["logs"]
    assert [log["name"] for log in listed] == ["anna-20260101-120000"]
    assert listed[0]["began_at_s"] == int(datetime(2026, 1, 1, 12).astimezone().timestamp())
    tree.call("stage-open", TOKEN)
    told = tree.call("logs-pack", TOKEN, "1000", "2000", "anna-20260101-120000")
    packed = tree.work / TOKEN / "logs.tar"
    assert told["size_bytes"] == packed.stat().st_size
    assert packed.stat().st_uid == SENDER
    inside = subprocess.run(["tar", "tf", str(packed)], capture_output=True, text=True, check=True).stdout
    assert inside.splitlines() == ["anna-20260101-120000/", "anna-20260101-120000/data.mcap"]


def test_a_recording_that_runs_is_ended_and_a_car_that_never_recorded_is_not_asked_to(tree: CarTree) -> None:
    ended = "ros2 service call /logging_pkg/stop_logging std_srvs/srv/Trigger {}"
    assert tree.call("logs-list", "0", "--end-recording")["logs"] == []
    assert ended not in tree.calls
    tree.put("opt/aws/deepracer/logs/anna-20260101-120000/data.mcap", "bag")
    tree.call("logs-list", "0")
    assert ended not in tree.calls
    tree.call("logs-list", "0", "--end-recording")
    assert tree.calls.count(ended) == 1


def test_what_the_software_said_is_packed_too(tree: CarTree) -> None:
    tree.tells("journalctl", "2026-01-01T12:00:00+0000 car core: it drives\n")
    tree.call("stage-open", TOKEN)
    told = tree.call("logs-pack", TOKEN, "1767268800", "1767268900")
    assert "journalctl -u deepracer-core --since @1767268800 --until @1767268900" in "\n".join(tree.calls)
    packed = tree.work / TOKEN / "logs.tar"
    said = subprocess.run(["tar", "xOf", str(packed), "deepracer-core.log"], capture_output=True, text=True, check=True)
    assert said.stdout == "2026-01-01T12:00:00+0000 car core: it drives\n"
    assert told["size_bytes"] == packed.stat().st_size
    assert [file.name for file in (tree.work / TOKEN).iterdir()] == ["logs.tar"]


def test_a_car_that_recorded_nothing_and_said_nothing_says_so(tree: CarTree) -> None:
    tree.call("stage-open", TOKEN)
    assert tree.call("logs-pack", TOKEN, "1", "2")["code"] == "nothing"
