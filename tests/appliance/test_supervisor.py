"""`trackside serve` with real processes: what is restarted, what is adopted, what ends."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from appliance.supervisor import listening_pid
from tests.ports import free_port

T = TypeVar("T")

PATIENCE_S = 40.0
"""Two cores that run other tests beside this one."""
TRACKSIDE = [sys.executable, "-m", "appliance.cli"]


def wait_for(what: Callable[[], T | None], message: str) -> T:
    """Look every few ms until there is an answer that counts."""
    ends_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_s:
        if answer := what():
            return answer
        time.sleep(0.01)
    raise AssertionError(f"waited {PATIENCE_S} s for: {message}")


def is_running(pid: int) -> bool:
    """Whether a process runs; one that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Serve:
    """`trackside serve` on a free port."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        self.port = free_port()
        self.arguments = arguments
        self.started_pids: set[int] = set()
        self.start()

    def start(self) -> None:
        command = [*TRACKSIDE, "serve", "--data", str(self.data), "--host", "127.0.0.1", "--port", str(self.port)]
        self.log = self.data.parent / f"{self.data.name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*command, *self.arguments], stdout=log, stderr=log)

    def children(self, module: str) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit():
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if module.encode() in words and str(self.data).encode() in words and is_running(int(entry.name)):
                        found.append(int(entry.name))
        self.started_pids.update(found)
        return found

    def child(self, module: str, *, other_than: int = 0) -> int:
        return wait_for(lambda: next((p for p in self.children(module) if p != other_than), None), module)

    def server(self, *, other_than: int = 0) -> int:
        return self.child("appliance.serve", other_than=other_than)

    def recorder(self, *, other_than: int = 0) -> int:
        def listens() -> int | None:
            pid = listening_pid(self.data / "timing.sock")
            return pid if pid not in {None, other_than} else None

        pid = wait_for(listens, "a recorder that listens")
        self.started_pids.add(pid)
        return pid

    def ask(self) -> dict[str, object]:
        """One request, which waits as long as the server needs; "trouble" is an answer too."""
        try:
            answer = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/health", timeout=PATIENCE_S)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            found: dict[str, object] = json.load(answer)
            return found

    def is_up(self) -> bool:
        try:
            return bool(self.ask())
        except OSError:
            return False

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def sweep(self) -> None:
        """Whatever a failing test leaves behind: exactly the processes of this data directory."""
        for pid in [self.process.pid, *self.children("appliance.serve"), *self.children("timing.recorder")]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    box = Serve(tmp_path / "data")
    wait_for(box.is_up, "the first answer")
    yield box
    box.sweep()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(serve: Serve, number: signal.Signals) -> None:
    server, recorder = serve.server(), serve.recorder()
    assert serve.end(number) == 0
    assert f"Finished server process [{server}]" in serve.log.read_text()
    assert not is_running(server)
    assert not is_running(recorder)
    assert not (serve.data / "timing.sock").exists()


def test_a_signal_lets_the_server_close_its_database(serve: Serve) -> None:
    serve.end(signal.SIGTERM)
    assert not (serve.data / "trackside.db-wal").exists()


def test_it_prints_where_it_is_and_the_set_up_code_that_is_in_force(serve: Serve) -> None:
    printed = wait_for(lambda: re.search(r"Set-up code: (\S+)", serve.log.read_text()), "the set-up code")
    assert f"Trackside is ready: http://127.0.0.1:{serve.port}\n" in serve.log.read_text()
    assert re.fullmatch(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", printed[1])


def test_a_killed_server_comes_back_and_phones_wait_instead_of_being_refused(serve: Serve) -> None:
    server, recorder = serve.server(), serve.recorder()
    os.kill(server, signal.SIGKILL)
    # Asked at once: the supervisor's socket holds the connection until somebody answers.
    assert serve.ask()["status"]
    assert serve.server(other_than=server) != server
    assert serve.recorder() == recorder
    assert "supervisor: server ended" in serve.log.read_text()
    assert "again_in_s=0.2" in serve.log.read_text()


def test_a_killed_recorder_comes_back_and_the_server_stays(serve: Serve) -> None:
    server, recorder = serve.server(), serve.recorder()
    os.kill(recorder, signal.SIGKILL)
    assert serve.recorder(other_than=recorder) != recorder
    assert serve.server() == server
    assert serve.ask()["status"]


def test_after_kill_9_of_the_supervisor_the_recorder_records_on_and_is_adopted(serve: Serve) -> None:
    server, recorder = serve.server(), serve.recorder()
    serve.process.kill()
    serve.process.wait()
    wait_for(lambda: not is_running(server), "the server to die with its supervisor")
    assert is_running(recorder)
    serve.start()
    wait_for(serve.is_up, "the second start's answer")
    assert serve.recorder() == recorder
    assert f"supervisor: recorder adopted pid={recorder}" in serve.log.read_text()
    assert serve.end(signal.SIGTERM) == 0
    wait_for(lambda: not is_running(recorder), "the adopted recorder to end")


def test_an_adopted_recorder_is_watched_too(serve: Serve) -> None:
    server, recorder = serve.server(), serve.recorder()
    serve.process.kill()
    serve.process.wait()
    wait_for(lambda: not is_running(server), "the port to be free again")
    serve.start()
    wait_for(lambda: "recorder adopted" in serve.log.read_text(), "the adoption")
    os.kill(recorder, signal.SIGKILL)
    assert serve.recorder(other_than=recorder) != recorder


def test_with_a_recorder_of_ones_own_none_is_started(serve: Serve, tmp_path: Path) -> None:
    recorder = serve.recorder()
    second = Serve(tmp_path / "second", "--timing-socket", str(serve.data / "timing.sock"))
    try:
        wait_for(second.is_up, "the second box")
        assert second.children("timing.recorder") == []
        assert second.end(signal.SIGTERM) == 0
        assert is_running(recorder)
    finally:
        second.sweep()


def refused(*arguments: str) -> str:
    command = [*TRACKSIDE, "serve", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_of_both_children_only_the_server_speaks_to_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        box = Serve(tmp_path / "data")
        try:
            heard = {systemd.recv(64), systemd.recv(64)}
            told = {name: Path(f"/proc/{pid}/environ").read_bytes() for name, pid in pids(box).items()}
        finally:
            box.sweep()
    assert b"READY=1" in heard
    assert {name: b"NOTIFY_SOCKET=" in environment for name, environment in told.items()} == {
        "server": True,
        "recorder": False,
    }


def pids(box: Serve) -> dict[str, int]:
    """Both children."""
    return {"server": box.server(), "recorder": box.recorder()}


def test_the_server_gives_large_buffers_back_to_the_system(serve: Serve) -> None:
    """How much that is, the benchmark `intake` measures: glibc's own habit costs 70 MB after eight uploads at once."""
    environment = Path(f"/proc/{serve.child('appliance.serve')}/environ").read_bytes().split(b"\0")
    assert {b"MALLOC_MMAP_THRESHOLD_=131072", b"MALLOC_ARENA_MAX=1"} <= set(environment)


def test_a_second_serve_on_the_same_directory_is_refused_and_harms_nothing(serve: Serve) -> None:
    server, recorder = serve.server(), serve.recorder()
    message = refused("--data", str(serve.data), "--port", "1")
    assert f"A Trackside runs on {serve.data} already (process {serve.process.pid})." in message
    assert "--data DIR --port P" in message
    assert (serve.server(), serve.recorder()) == (server, recorder)


def test_a_port_in_use_is_named_and_nothing_is_started(serve: Serve, tmp_path: Path) -> None:
    message = refused("--data", str(tmp_path / "other"), "--host", "127.0.0.1", "--port", str(serve.port))
    assert message == (
        f"Port {serve.port} is in use by another program, perhaps another Trackside.\n"
        f"Stop that one, or choose another port: --port {serve.port + 1}.\n"
    )
    assert not (tmp_path / "other" / "edges.db").exists()


def test_a_server_that_cannot_start_says_why_and_everything_ends(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "trackside.db").write_text("not a database " * 500)
    message = refused("--data", str(tmp_path / "data"), "--host", "127.0.0.1", "--port", str(free_port()))
    assert "is damaged" in message
    assert "trackside restore" in message
    assert listening_pid(tmp_path / "data" / "timing.sock") is None
