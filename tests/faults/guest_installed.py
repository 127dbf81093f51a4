"""
An installed box under a real systemd: `python -m tests.faults.guest_installed SHARE OPT`, inside the private kernel.

Run as a service of that systemd (tests/faults/test_installed.py boots it). Each proved fact is one line of SHARE/notes;
the last one is the press of the shutdown button, after which this machine is to be off.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "/opt/trackside/venv/bin/trackside"
DATA = Path("/var/lib/trackside")
SOCKET = Path("/run/trackside/timing.sock")
LOGIN = """
import socket
sock = socket.socket(socket.AF_UNIX)
sock.connect("/run/trackside-crew/api.sock")
sock.sendall(b"GET /api/session HTTP/1.1\\r\\nhost: box\\r\\nconnection: close\\r\\n\\r\\n")
assert b'"roles":["operator"]' in sock.makefile("rb").read()
"""
"""Signed in by the group alone, or an error."""
STRIPS = Path("/run/strips")
SHUTDOWN_BUTTON = 3
PATIENCE_S = 40.0
RESTART_S = 2.5
"""RestartSec is 0.2 s; systemd, a shell and a dying recorder need their share of one slow simulated processor."""
OFF_S = 30.0


def said_by(*command: str, status: int = 0) -> str:
    """Run it; what it says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=100)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def until(what: str, is_so: Callable[[], object]) -> None:
    """Wait for it."""
    gives_up_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < gives_up_s, f"not in {PATIENCE_S} s: {what}"
        time.sleep(0.1)


def pull(line: int, way: str) -> None:
    """Close a contact to ground (down), or open it (up)."""
    (STRIPS / f"line{line}" / "pull").write_text(f"pull-{way}")


def unit(name: str, what: str) -> str:
    """One property of a unit."""
    return said_by("systemctl", "show", "-P", what, name).strip()


def edges_after(seq: int | None) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The recorder's hello, and every edge it has kept since."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(5.0)
        sock.connect(str(SOCKET))
        sock.sendall(json.dumps({"type": "hello", "protocol": 1, "after": seq}).encode() + b"\n")
        edges = []
        with sock.makefile("rb") as stream:
            hello = json.loads(stream.readline())
            for line in stream:
                message = json.loads(line)
                if message["type"] == "caught_up":
                    break
                edges.append(message)
    return hello, [edge for edge in edges if edge["type"] == "edge"]


def recorder_answers() -> bool:
    """Whether somebody listens and says hello."""
    try:
        return bool(edges_after(None)[0])
    except OSError:
        return False


def pages_answer() -> bool:
    """Whether somebody serves the pages."""
    try:
        with urllib.request.urlopen("http://127.0.0.1/api/health", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def may(user: str, groups: list[str], code: str) -> bool:
    """Whether this user could run a line of Python without an error."""
    done = subprocess.run(
        ["/opt/trackside/venv/bin/python", "-I", "-c", code],
        user=user,
        group=user if user != "nobody" else "nogroup",
        extra_groups=groups,
        check=False,
        capture_output=True,
        cwd="/",
    )
    return done.returncode == 0


def hit_is_recorded(line: int) -> None:
    """One press of a strip comes out of the recorder's memory as two edges of this line."""
    before = edges_after(0)[1]
    pull(line, "down")
    time.sleep(0.05)
    pull(line, "up")
    until("a hit is recorded", lambda: len(edges_after(0)[1]) >= len(before) + 2)
    assert [(edge["line"], edge["edge"]) for edge in edges_after(0)[1][len(before) :]] == [
        (line, "active"),
        (line, "inactive"),
    ]


def bring_program(opt: Path) -> None:
    """Lay what `install` copies over /opt: copying it here takes this kernel half a minute."""
    layer = Path("/run/opt")
    subprocess.run(["umount", "--lazy", "/opt", layer], check=False, capture_output=True)
    layer.mkdir(exist_ok=True)
    said_by("mount", "-t", "tmpfs", "opt", str(layer))
    for name in ("upper", "work"):
        (layer / name).mkdir()
    options = f"lowerdir={opt}:/opt,upperdir={layer}/upper,workdir={layer}/work"
    said_by("mount", "-t", "overlay", "-o", options, "opt", "/opt")


def main(share: Path, opt: Path) -> None:
    """Everything, in one life of one machine."""
    notes = (share / "notes").open("a")
    bring_program(opt)

    def proved(fact: str) -> None:
        print(f"{time.monotonic():.1f} {fact}", file=notes, flush=True)

    DATA.mkdir(mode=0o700)
    settings = f'port = 80\nstrips = "gpio"\ngpio_lines = ["17", "27"]\ngpio_shutdown_button = "{SHUTDOWN_BUTTON}"\n'
    (DATA / "trackside.toml").write_text(settings)
    for line in (17, 27, SHUTDOWN_BUTTON):
        pull(line, "up")
    said = said_by(PROGRAM, "install")
    assert "Recorder: gpio: " in said, said
    assert "17" in said, said
    assert "Pages: http://localhost\n" in said, said
    assert re.search(r"/setup with the set-up code \S+\n", said), said
    proved("install starts recorder and server and tells the set-up code; the server has port 80 without root")
    assert settings in (DATA / "trackside.toml").read_text()
    assert said_by(PROGRAM, "install").startswith("Nothing to do.\n")
    proved("install again does nothing")

    hit_is_recorded(17)
    proved("an edge of the kernel is recorded by a user that is not root")
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect('{SOCKET}')"
    assert may("trackside", ["trackside"], connect)
    assert not may("nobody", [], connect)
    for what in (f"open('{DATA}/edges.db')", "open('/dev/gpiochip0')", f"__import__('os').unlink('{DATA}/edges.db')"):
        assert not may("trackside", ["trackside", "trackside-data"], what), what
        assert may("root", [], what.replace("unlink", "stat")), what
    proved("the server may use the socket, and touch neither edges nor GPIO chip")
    assert may("nobody", ["trackside-crew"], LOGIN)
    assert may("root", [], LOGIN)
    for user, groups in (("nobody", []), ("nobody", ["trackside"]), ("trackside-recorder", ["trackside-data"])):
        assert not may(user, groups, LOGIN), (user, groups)
    proved("the group of the crew is the login on the box itself")

    recorder, server = unit("trackside-recorder", "MainPID"), unit("trackside", "MainPID")
    assert Path(f"/proc/{recorder}/oom_score_adj").read_text() == "-900\n"
    killed_s = time.monotonic()
    os.kill(int(recorder), 9)
    until("the recorder answers again", recorder_answers)
    answered_s = time.monotonic() - killed_s
    assert unit("trackside-recorder", "MainPID") not in ("0", recorder)
    restarted_s = int(unit("trackside-recorder", "ExecMainStartTimestampMonotonic")) / 1e6 - killed_s
    assert restarted_s < RESTART_S, restarted_s
    hit_is_recorded(27)
    assert unit("trackside", "MainPID") == server
    proved(f"a killed recorder is started again after {restarted_s:.2f} s and answers after {answered_s:.2f} s")

    recorder = unit("trackside-recorder", "MainPID")
    # Not stopped by a signal: this kernel spins over a stopped process. It cannot be heard any more, which is the same.
    said_by("nsenter", "-m", "-r", "-t", recorder, "mount", "--bind", "/dev/null", "/run/systemd/notify")
    until("the watchdog has ended it", lambda: not Path(f"/proc/{recorder}").exists())
    until("the recorder answers again", recorder_answers)
    assert "Watchdog timeout" in said_by("journalctl", "--no-pager", "-o", "cat", "-u", "trackside-recorder")
    proved("a recorder that is not heard any more is ended by the watchdog and started again")

    recorder = unit("trackside-recorder", "MainPID")
    os.kill(int(server), 9)
    until("the server is ready again", lambda: not Path(f"/proc/{server}").exists() and pages_answer())
    assert unit("trackside", "MainPID") not in ("0", server)
    said_by("systemctl", "restart", "trackside")
    assert unit("trackside-recorder", "MainPID") == recorder
    proved("the server is killed and restarted, the recorder lives on")

    recorder_id, count = edges_after(0)[0]["recorder_id"], len(edges_after(0)[1])
    said = said_by(PROGRAM, "uninstall")
    assert said.endswith(f"The data stays in {DATA}.\n")
    assert not Path("/opt/trackside").exists()
    assert not Path("/etc/systemd/system/trackside.service").exists()
    assert said_by("systemctl", "list-units", "--plain", "--no-legend", "--all", "trackside*").strip() == ""
    proved("uninstall leaves the data and nothing else")
    bring_program(opt)
    said_by(PROGRAM, "install")
    hello, edges = edges_after(0)
    assert (hello["recorder_id"], len(edges)) == (recorder_id, count)
    proved("installed again it is the same recorder with the same edges")

    pull(SHUTDOWN_BUTTON, "down")
    proved("the shutdown button is held")
    time.sleep(OFF_S)
    journal = said_by("journalctl", "--no-pager", "-b", "-o", "cat", "-n", "60")
    raise AssertionError(f"still on after {OFF_S} s\n{journal}")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except BaseException:
        (Path(sys.argv[1]) / "failure").write_text(traceback.format_exc())
        raise
