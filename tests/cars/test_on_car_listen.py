"""How a model gets onto a car: offered, received, gone on with; and the helper asked verb after verb over one call."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cars.car_tree import SENDER, SETTLED_S, CarTree, digest, needs_root

pytestmark = needs_root

TOKEN = "0123456789abcdef"
PB = bytes(range(256)) * 8000
METADATA = b'{"sensor": []}'
DIGESTS = digest("md5", PB), digest("sha256", PB), digest("sha256", METADATA)
OFFER = ("offer", TOKEN, "anna", *DIGESTS)
INSTALL = ("install", TOKEN, "anna", *DIGESTS)
RECEIVE = ("receive", TOKEN, "model.pb", "0", str(len(PB)))


@contextmanager
def listening(tree: CarTree) -> "Iterator[subprocess.Popen[bytes]]":
    """The helper, listening; it has to end by itself once nobody asks any more."""
    environment = {"SUDO_UID": str(SENDER), "SUDO_GID": str(SENDER)}
    command = [sys.executable, "-IS", str(tree.helper), "listen"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert heard(process) == {"ok": True}
            yield process
            assert process.stdin is not None
            process.stdin.close()
            process.wait(SETTLED_S)
        finally:
            process.kill()


def heard(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Its next line."""
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def say(process: "subprocess.Popen[bytes]", *words: str, sends: bytes = b"") -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(words).encode() + b"\n" + sends)
    process.stdin.flush()


def ask(process: "subprocess.Popen[bytes]", *words: str, sends: bytes = b"") -> dict[str, Any]:
    """A verb, and its answer; what is told on the way is not."""
    say(process, *words, sends=sends)
    while "at" in (told := heard(process)):
        pass
    return told


def test_a_model_is_offered_received_and_installed_over_one_call(tree: CarTree) -> None:
    meta = ("receive", TOKEN, "model_metadata.json", "0", str(len(METADATA)))
    with listening(tree) as helper:
        offered = ask(helper, *OFFER)
        assert (offered["is_there"], offered["staged"]) == (False, {})
        assert ask(helper, *meta, sends=METADATA) == {"ok": True, "sha256": DIGESTS[2]}
        assert ask(helper, *RECEIVE, sends=PB) == {"ok": True, "sha256": DIGESTS[1]}
        assert ask(helper, *INSTALL)["checksum"] == DIGESTS[0]
        assert ask(helper, *OFFER)["is_there"]
    assert (tree.held("anna") or {})["model.pb"] == PB
    assert [path.name for path in tree.work.iterdir()] == [".lock"]


def test_bytes_are_told_as_they_are_written_and_at_the_end(tree: CarTree) -> None:
    with listening(tree) as helper:
        ask(helper, *OFFER)
        say(helper, *RECEIVE, sends=PB)
        told = [heard(helper)]
        while "at" in told[-1]:
            told.append(heard(helper))
    written = [one["at"] for one in told[:-1]]
    assert written == sorted(written)
    assert written[-1] == len(PB)


def test_a_sender_who_goes_away_finds_what_was_written_when_it_is_back(tree: CarTree) -> None:
    with listening(tree) as helper:
        ask(helper, *OFFER)
        say(helper, *RECEIVE, sends=PB[:1_000_000])
    offered = tree.call(*OFFER)
    assert offered["staged"] == {"model.pb": 1_000_000}
    rest = ("receive", TOKEN, "model.pb", "1000000", str(len(PB)))
    assert tree.call(*rest, sends=PB[1_000_000:])["sha256"] == DIGESTS[1]


def test_a_sender_behind_a_lost_link_writes_into_nothing_once_another_goes_on(tree: CarTree) -> None:
    path = tree.work / TOKEN / "model.pb"
    with listening(tree) as lost:
        ask(lost, *OFFER)
        say(lost, *RECEIVE, sends=PB[:1000])
        until = time.monotonic() + SETTLED_S
        while not path.exists() or path.stat().st_size < 1000:
            assert time.monotonic() < until
            time.sleep(0.01)
        rest = ("receive", TOKEN, "model.pb", "1000", str(len(PB)))
        assert tree.call(*rest, sends=PB[1000:])["sha256"] == DIGESTS[1]
        assert lost.stdin is not None
        lost.stdin.write(b"x" * (len(PB) - 1000))
        lost.stdin.flush()
    assert path.read_bytes() == PB


def test_more_than_lies_there_is_not_gone_on_from(tree: CarTree) -> None:
    tree.call(*OFFER)
    tree.call("receive", TOKEN, "model.pb", "0", "3", sends=b"abc")
    told = tree.call("receive", TOKEN, "model.pb", "4", "5", sends=b"e")
    assert (told["code"], told["message"]) == ("not_staged", "model.pb is shorter than its sender thinks.")


@pytest.mark.parametrize(("name", "size"), [("model.pb", (1 << 30) + 1), ("model_metadata.json", (1 << 20) + 1)])
def test_what_is_larger_than_any_model_is_refused(tree: CarTree, name: str, size: int) -> None:
    tree.call(*OFFER)
    told = tree.call("receive", TOKEN, name, "0", str(size))
    assert (told["code"], told["message"]) == ("too_large", f"{name} is larger than a car takes.")


def test_a_full_disk_is_told_before_the_first_byte_is_taken(tmp_path: Path) -> None:
    tree = CarTree(tmp_path / "car", {"RESERVE_BYTES = 50 << 20": "RESERVE_BYTES = 1 << 60"})
    tree.call(*OFFER)
    assert tree.call(*RECEIVE, sends=PB)["code"] == "disk_full"
    assert not (tree.work / TOKEN / "model.pb").exists()


def test_what_the_car_made_of_a_model_may_lie_beside_it(tree: CarTree) -> None:
    tree.model("anna", PB, METADATA, model__xml=b"made when it was loaded")
    assert tree.call(*OFFER)["is_there"]
    assert list(tree.work.glob("[0-9a-f]*")) == []


@pytest.mark.parametrize("changed", ["model.pb", "model_metadata.json", "checksum.txt"])
def test_a_model_that_was_touched_is_not_there_even_for_one_who_has_just_read_it(tree: CarTree, changed: str) -> None:
    tree.model("anna", PB, METADATA)
    with listening(tree) as helper:
        assert ask(helper, *OFFER)["is_there"]
        assert ask(helper, *OFFER)["is_there"]
        file = tree.artifacts / "anna" / changed
        times = file.stat().st_atime_ns, file.stat().st_mtime_ns
        with file.open("r+b") as opened:
            opened.write(b"#")
        os.utime(file, ns=times)  # Whoever hides it cannot hide the ctime.
        assert not ask(helper, *OFFER)["is_there"]


def test_no_words_ask_whether_somebody_listens(tree: CarTree) -> None:
    with listening(tree) as helper:
        assert ask(helper) == {"ok": True}
        assert ask(helper, "inventory")["models"]


def test_a_verb_that_fails_is_the_last(tree: CarTree) -> None:
    with listening(tree) as helper:
        assert ask(helper, "exec", "id")["code"] == "unknown_verb"
        assert helper.wait(SETTLED_S) == 1


@pytest.mark.parametrize("line", [b"no json\n", b"{}\n", b"[1]\n", b"\xff\n", b"x" * 200_000])
def test_what_is_no_list_of_words_ends_it(tree: CarTree, line: bytes) -> None:
    done = tree.run("listen", sends=line)
    assert (done.stdout, done.returncode) == (b'{"ok": true}\n', 1)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_nobody_is_listened_to_after_the_helper_went_or_was_renewed(tree: CarTree, is_replaced: bool) -> None:
    with listening(tree) as helper:
        text = tree.helper.read_bytes()
        tree.helper.unlink()
        if is_replaced:
            tree.helper.write_bytes(text)
        say(helper, "inventory")
        assert helper.wait(SETTLED_S) == 1
        assert helper.stdout is not None
        assert helper.stdout.read() == b""


def test_only_the_car_that_is_meant_listens(tree: CarTree) -> None:
    assert json.loads(tree.run("for", "AMSS-1234", "listen").stdout) == {"ok": True}
    assert json.loads(tree.run("for", "AMSS-4321", "listen").stdout)["code"] == "other_car"
