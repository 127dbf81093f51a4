"""The walls around the child, each tried by a process that has put them up itself."""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

LANDLOCK_CREATE_RULESET, LANDLOCK_VERSION = 444, 1
FENCED = """
import ctypes, errno, json, os, resource, signal, socket, sys
from cars import sandbox
for name in sys.argv[1].split(",") if sys.argv[1] else ():
    setattr(sandbox, name, lambda: False)
opened = os.open(sys.argv[2], os.O_WRONLY)
held = sandbox.close_in()
found = {"held": held}
def attempt(name, act):
    try:
        act()
    except BaseException as error:
        found[name] = type(error).__name__
    else:
        found[name] = "done"
def run_away():
    if os.fork() == 0:
        os._exit(0)
attempt("read", lambda: open("/etc/passwd"))
attempt("write", lambda: open(sys.argv[2] + ".other", "w"))
attempt("rename", lambda: os.rename(sys.argv[2], sys.argv[2] + ".other"))
attempt("remove", lambda: os.remove(sys.argv[2]))
attempt("link", lambda: os.symlink("/etc", sys.argv[2] + ".link"))
attempt("socket", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[3])), timeout=10))
attempt("unix_socket", lambda: socket.socket(socket.AF_UNIX))
attempt("fork", run_away)
attempt("exec", lambda: os.execv("/bin/true", ["true"]))
attempt("signal", lambda: os.kill(os.getppid(), 0))
attempt("memory", lambda: bytearray(700 << 20))
attempt("more_time", lambda: resource.setrlimit(resource.RLIMIT_CPU, (1000, 1000)))
attempt("own_file", lambda: os.write(opened, b"fine"))
attempt("own_memory", lambda: bytearray(100 << 20))
print(json.dumps(found))
"""


def tried(tmp_path: Path, without: str = "", port: int = 9) -> dict[str, str]:
    """What became of each attempt inside the walls, but without these."""
    own = tmp_path / "own"
    own.write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-I", "-c", FENCED, without, str(own), str(port)],
        check=True,
        capture_output=True,
        timeout=100,
    )
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
    found: dict[str, str] = json.loads(done.stdout)
    return found


def has_landlock() -> bool:
    """What the kernel answers to the question which version of it there is (landlock(7))."""
    version: int = ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_VERSION)
    return version >= 1


def test_nothing_can_be_opened_reached_or_started(tmp_path: Path) -> None:
    found = tried(tmp_path)
    assert {"limits", "no_new_privileges", "seccomp"} <= set(found["held"])
    forbidden = ("read", "write", "rename", "remove", "link", "socket", "unix_socket", "fork", "exec", "signal")
    assert {name: found[name] for name in forbidden} == dict.fromkeys(forbidden, "PermissionError")
    assert (found["memory"], found["more_time"]) == ("MemoryError", "ValueError")


def test_its_own_open_files_and_memory_work(tmp_path: Path) -> None:
    found = tried(tmp_path)
    assert (found["own_file"], found["own_memory"]) == ("done", "done")


def test_landlock_alone_keeps_every_file_shut_where_the_kernel_has_it(tmp_path: Path) -> None:
    if not has_landlock():
        assert "landlock" not in tried(tmp_path)["held"]
        return
    found = tried(tmp_path, without="_seccomp")
    forbidden = ("read", "write", "rename", "remove", "link")
    assert {name: found[name] for name in forbidden} == dict.fromkeys(forbidden, "PermissionError")


def test_without_either_the_attempts_would_work(tmp_path: Path) -> None:
    """Else the other tests could pass for nothing."""
    own = tmp_path / "own"
    own.write_bytes(b"")
    program = FENCED.partition('attempt("rename"')[0] + "attempt('signal', lambda: os.kill(os.getppid(), 0))\n"
    program += "print(json.dumps(found))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, "_seccomp,_landlock", str(own), "9"],
        check=True,
        capture_output=True,
        timeout=100,
    )
    found = json.loads(done.stdout)
    assert (found["read"], found["write"], found["signal"]) == ("done", "done", "done")
    assert found["held"] == ["limits", "no_new_privileges"]


def test_the_child_loads_nothing_once_it_is_closed_in() -> None:
    """What the child needs is loaded before; a module that is asked for later would be refused there."""
    program = (
        "import io, json, sys\n"
        "from cars import inspect_child\n"
        "from tests.cars.in_process import look\n"
        "from tests.cars.model_samples import model_archive, tar_gz, model_files\n"
        "good = model_archive(); network, about = model_files()\n"
        "marked = tar_gz([network, (about[0], '{}'.encode('utf-16'))])\n"
        "inspect_child.load_what_comes_late()\n"
        "before = set(sys.modules)\n"
        "look(good); look(b''); look(marked); look(good[:99])\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        timeout=100,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stdout == b"[]\n"
