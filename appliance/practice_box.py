"""
`python -m appliance.practice_box PARENT`: a whole box for practice, gone without a trace when its parent is gone.

Prints one JSON line (port and account), then is `trackside serve` on a temporary directory until SIGTERM. The kernel
sends that when the parent ends, however it ends; the directory goes with it. Whatever else it prints is why it ended.
"""

import ctypes
import json
import os
import secrets
import signal
import socket
import sys
import tempfile
from pathlib import Path

from appliance.child import PR_SET_PDEATHSIG
from appliance.demo_data import LINES
from appliance.errors import ApplianceError

ACCOUNT = "practice"
ROLES = ("operator", "registration")
"""Run races, make the event and its racers; nothing else."""
HOST = "127.0.0.1"
LOG = "box.log"


def main(parent: int) -> int:
    """Make the box, say where it is, run it."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the terminal's.
    end_with(parent)
    to_parent = os.dup(sys.stdout.fileno())  # not inherited: its end is the end of this process
    with tempfile.TemporaryDirectory(prefix="trackside-practice-") as directory:
        try:
            return _serve(Path(directory), to_parent)
        except ApplianceError as error:
            os.write(to_parent, f"{error.message} {error.remedy}\n".encode())
            return 2


def end_with(parent: int) -> None:
    """SIGTERM for this process when `parent`, which started it, is gone."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # It ended before that.
        raise SystemExit(0)


def _serve(data: Path, to_parent: int) -> int:
    from appliance.settings import load
    from appliance.shell_people import add
    from appliance.supervisor import Supervisor

    password = secrets.token_urlsafe(12)
    add(data, ACCOUNT, ROLES, None, password)
    port = _free_port()
    wanted = {
        "host": HOST,
        "port": port,
        "strips": "simulated",
        "simulated_lines": ",".join(map(str, LINES)),
        "announce": False,  # nobody at the track is to take it for the box
        "quiet": True,
    }
    settings = load(data, wanted, environment={})
    _write_to(data / LOG)
    account = {"port": port, "username": ACCOUNT, "password": password}
    os.write(to_parent, (json.dumps(account) + "\n").encode())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKSIDE_")}
    return Supervisor(settings, environment).run()


def _write_to(path: Path) -> None:
    """From here on nothing may reach the screen of the terminal."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for fd in (1, 2):
        os.dup2(log, fd)
    os.close(log)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _leave(number: int, frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
