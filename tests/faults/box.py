"""
A whole box as a person starts it, `trackside serve` in a directory of its own, to be hurt.

Owns the processes: who is who (supervisor, server, recorder), and ending each of them in the hard way.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.demo_client import Api
from appliance.demo_data import LINES
from tests.ports import free_port

READY_S = 90.0
"""A box that does not answer by then will not; a loaded machine of two cores needs some seconds."""
PASSWORD = "paddock-pass-1"
TRACKSIDE = (sys.executable, "-m", "appliance.cli")


def clean_environment() -> dict[str, str]:
    """The environment without anybody's own settings of Trackside."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TRACKSIDE_")}


def add_user(data: Path, username: str, role: str) -> None:
    """A staff account, before the first start."""
    data.mkdir(parents=True, exist_ok=True)
    command = [*TRACKSIDE, "user", "add", username, "--role", role, "--password-stdin", "--data", str(data)]
    subprocess.run(command, input=PASSWORD, text=True, check=True, capture_output=True, env=clean_environment())


class Box:
    """One box on 127.0.0.1."""

    def __init__(self, data: Path, environment: Mapping[str, str] = {}) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / f"{data.name}.log"
        self._environment = dict(environment)
        self._serve: subprocess.Popen[bytes] | None = None

    @property
    def timing_socket(self) -> Path:
        """Where its recorder listens."""
        return self.data / "timing.sock"

    def start(self) -> None:
        """Start `trackside serve`; does not wait."""
        lines = ",".join(map(str, LINES))
        mine = {"TRACKSIDE_STRIPS": "simulated", "TRACKSIDE_SIMULATED_LINES": lines} | self._environment
        command = [*TRACKSIDE, "serve", "--data", str(self.data), "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._serve = subprocess.Popen(command, env=clean_environment() | mine, stdout=log, stderr=log)

    async def ready(self) -> None:
        """Wait until it serves and hears its recorder."""
        async with asyncio.timeout(READY_S), Api(self.url, patience_s=READY_S) as api:
            await api.send("GET", "/api/health")

    def stop(self) -> int:
        """End it as Ctrl-C does, the recorder with it; the exit status."""
        assert self._serve is not None
        self._serve.terminate()
        status = self._serve.wait(20)
        for pid in self._mine("timing.recorder"):
            os.kill(pid, signal.SIGKILL)
        return status

    def output(self) -> str:
        """What it printed and logged."""
        return self.log.read_text(errors="replace")

    # killing

    def kill_server(self) -> None:
        """kill -9 of the server child, when there is one."""
        self._kill(self._mine("appliance.serve"))

    def kill_recorder(self) -> None:
        """kill -9 of the recorder, when there is one."""
        self._kill(self._mine("timing.recorder"))

    def kill_supervisor(self) -> None:
        """kill -9 of `trackside serve` itself; the server ends with it, the recorder lives on. Then start anew."""
        assert self._serve is not None
        self._serve.kill()
        self._serve.wait()
        self.start()

    def server_pids(self) -> list[int]:
        """The server child's process id, if it runs."""
        return self._mine("appliance.serve")

    def recorder_pids(self) -> list[int]:
        """The recorder's process id, if it runs; also of one that an earlier supervisor started."""
        return self._mine("timing.recorder")

    def push_worker_pids(self) -> list[int]:
        """The process that sends models, while there is one."""
        return self._mine("cars.push_worker")

    def _kill(self, pids: list[int]) -> None:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _mine(self, module: str) -> list[int]:
        """Processes of this box that run `module`, by their command line."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if module.encode() in command and any(str(self.data).encode() in word for word in command):
                found.append(int(entry.name))
        return found


@asynccontextmanager
async def running_box(data: Path, environment: Mapping[str, str] = {}) -> AsyncIterator[tuple[Box, Api]]:
    """A box with an admin signed in; stopped at the end."""
    add_user(data, "crew", "admin")
    box = Box(data, environment)
    box.start()
    try:
        await box.ready()
        async with Api(box.url) as api:
            await api.sign_in("crew", PASSWORD)
            yield box, api
    finally:
        box.stop()
