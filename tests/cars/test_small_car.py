"""A small car ends whole: nothing of it goes on after its test, whatever was done to it."""

import json
import os
import select
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from cars.on_car_api import HELPER_PATH
from tests.cars.small_car import SmallCar
from tests.timing.sshd import needs_root, needs_sshd

pytestmark = [needs_root, needs_sshd]

DEADLINE_S = 60
TIMES = 20
"""sudo noticed a helper that had been stopped before it in one of some such times."""


class Listener:
    """A line to the car's helper that is kept, as a push keeps it."""

    def __init__(self, car: SmallCar, process: "asyncssh.SSHClientProcess[str]") -> None:
        self.process = process
        (self.sudo,) = [pid for pid in car.all_pids() if Path(f"/proc/{pid}/comm").read_text() == "sudo\n"]

    async def answers(self) -> bool:
        """No words at all ask whether somebody listens."""
        self.process.stdin.write("[]\n")
        return json.loads(await self.process.stdout.readline()) == {"ok": True}


@asynccontextmanager
async def listening(car: SmallCar, key: asyncssh.SSHKey) -> AsyncIterator[Listener]:
    async with (
        asyncssh.connect(car.host, car.port, username=car.user, client_keys=[key], known_hosts=None) as connection,
        connection.create_process(f"sudo -n {HELPER_PATH} listen") as process,
    ):
        assert json.loads(await process.stdout.readline()) == {"ok": True}
        yield Listener(car, process)


def ends(fd: int) -> bool:
    """Whether the process of this pidfd is gone, or goes within the deadline."""
    return select.select([fd], [], [], DEADLINE_S)[0] == [fd]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_a_car_that_was_frozen_goes_on_with_its_sudo_too(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    with SmallCar(tmp_path / "car", key) as car:
        async with listening(car, key) as line:
            for _ in range(TIMES):
                car.freeze()
                car.thaw()
                assert await line.answers()
            line.process.stdin.write_eof()
            await line.process.wait(timeout=DEADLINE_S)
        assert line.sudo not in car.all_pids()


async def test_what_lost_its_sshd_ends_with_the_car(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    with SmallCar(tmp_path / "car", key) as car:
        async with listening(car, key) as line:
            sudo = os.pidfd_open(line.sudo)
            os.kill(line.sudo, signal.SIGSTOP)
            session = parent_of(line.sudo)
            session_fd = os.pidfd_open(session)
            os.kill(session, signal.SIGKILL)
            assert ends(session_fd)
        assert line.sudo in car.all_pids()
        assert line.sudo not in car._family(), "else killing the sshd would do"
    assert ends(sudo)
    os.close(sudo)
    os.close(session_fd)
