"""The child that takes too long, breaks, is killed or given up, and the box that has no room: in the real process."""

import asyncio
import contextlib
import gzip
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from appliance.errors import NotReady
from cars.inspection import Fit, NotFit
from cars.inspector import BROKE_OFF, TOO_MUCH_WORK, Inspector
from tests.cars.model_samples import write_model


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A good model."""
    return write_model(tmp_path / "model.tar.gz")


@contextlib.contextmanager
def child_is(monkeypatch: pytest.MonkeyPatch, program: str) -> Iterator[None]:
    """Another program in the place of the child; it gets the same files."""
    real = asyncio.create_subprocess_exec

    async def run(*command: str, **arguments: object) -> asyncio.subprocess.Process:
        assert command[:4] == (sys.executable, "-I", "-m", "cars.inspect_child")
        return await real(sys.executable, "-I", "-c", program, *command[4:], **arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", run)
        yield


def left_in(into: Path) -> list[str]:
    """All names in the folder."""
    return sorted(path.name for path in into.iterdir())


async def test_a_child_that_needs_too_much_of_the_processor_is_ended(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "from cars import sandbox\nsandbox.MAX_CPU_S = 1\nsandbox.close_in()\nwhile True: pass"
    with child_is(monkeypatch, endless):
        assert await Inspector().inspect(archive, tmp_path / "out") == TOO_MUCH_WORK
    assert left_in(tmp_path / "out") == []


async def test_a_child_that_does_nothing_says_nothing_of_the_archive(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        child_is(monkeypatch, "import signal\nsignal.pause()"),
        pytest.raises(NotReady, match=r"^The box was too busy to look into the model\. It will be tried again\.$"),
    ):
        await Inspector(wall_s=0.5).inspect(archive, tmp_path / "out")
    assert left_in(tmp_path / "out") == []


@pytest.mark.parametrize(
    "program",
    [
        "1/0",
        "print('hello')",
        "print('x' * 10_000_000)",
        "import os\nos.abort()",
        'print(\'{"inspection": {"type": "fit"}, "held": []}\')',
    ],
)
async def test_a_child_that_breaks_is_no_model(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    with child_is(monkeypatch, program):
        assert await Inspector().inspect(archive, tmp_path / "out") == BROKE_OFF
    assert left_in(tmp_path / "out") == []


async def test_a_child_that_says_fit_of_other_files_is_not_believed(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was taken over by its archive could claim anything; what it wrote is measured."""
    report = tmp_path / "report"
    report.write_bytes(await real_report(archive, tmp_path))
    with child_is(monkeypatch, f"print(open({str(report)!r}).read())"):
        assert await Inspector().inspect(archive, tmp_path / "out") == BROKE_OFF
    assert left_in(tmp_path / "out") == []


async def real_report(archive: Path, tmp_path: Path) -> bytes:
    """What the real child says of an archive."""
    network = os.open(tmp_path / "n", os.O_RDWR | os.O_CREAT)
    about = os.open(tmp_path / "m", os.O_RDWR | os.O_CREAT)
    try:
        with await asyncio.to_thread(archive.open, "rb") as file:
            done = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-I", "-m", "cars.inspect_child", str(network), str(about)],
                stdin=file,
                stdout=subprocess.PIPE,
                pass_fds=(network, about),
                check=True,
                timeout=100,
            )
    finally:
        os.close(network)
        os.close(about)
    return done.stdout


async def test_a_full_disk_is_not_the_fault_of_the_model(archive: Path, tmp_path: Path, small_disk: Path) -> None:
    big = write_model(tmp_path / "big.tar.gz", pb_bytes=3_000_000)
    with pytest.raises(NotReady, match=r"^The disk of the box is full or failing\. Ask the crew"):
        await Inspector().inspect(big, small_disk / "out")
    assert left_in(small_disk / "out") == []
    assert isinstance(await Inspector().inspect(archive, small_disk / "out"), Fit)


@pytest.fixture
async def small_disk(tmp_path: Path) -> AsyncIterator[Path]:
    """A file system of 1 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    await asyncio.to_thread(subprocess.run, mount, check=True)
    yield disk
    await asyncio.to_thread(subprocess.run, ["umount", str(disk)], check=True)


async def test_giving_up_ends_the_child_and_leaves_nothing(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "pid"
    os.mkfifo(told)
    slow = f"import os, signal\nopen({str(told)!r}, 'w').write(str(os.getpid()))\nsignal.pause()"
    with child_is(monkeypatch, slow):
        task = asyncio.create_task(Inspector().inspect(archive, tmp_path / "out"))
        pid = int(await asyncio.to_thread(told.read_text))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert left_in(tmp_path / "out") == []


async def test_what_an_earlier_one_left_is_no_hindrance(archive: Path, tmp_path: Path) -> None:
    into = tmp_path / "out"
    into.mkdir()
    (into / ".model.pb.part").write_bytes(b"half of it")
    (into / ".model_metadata.json.part").symlink_to("/etc/passwd")
    (into / "model.pb").write_bytes(b"an older one")
    assert isinstance(await Inspector().inspect(archive, into), Fit)
    assert left_in(into) == ["model.pb", "model_metadata.json"]
    assert (into / "model.pb").stat().st_size > 1_000


async def test_many_at_once_do_not_mix(tmp_path: Path) -> None:
    archives = [write_model(tmp_path / f"{seed}.tar.gz", seed=seed) for seed in range(3)]
    inspections = await asyncio.gather(
        *(Inspector().inspect(one, tmp_path / f"out{seed}") for seed, one in enumerate(archives))
    )
    digests = {inspection.facts.pb_sha256 for inspection in inspections if isinstance(inspection, Fit)}
    assert len(digests) == 3


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
async def test_only_a_file_is_looked_into(archive: Path, tmp_path: Path, kind: str) -> None:
    other = tmp_path / "other"
    if kind == "link":
        other.symlink_to(archive)
    elif kind == "pipe":
        os.mkfifo(other)
    else:
        other.mkdir()
    with pytest.raises(NotReady, match="The uploaded file is not there any more, or is no file"):
        await Inspector().inspect(other, tmp_path / "out")


async def test_a_bomb_ends_in_the_real_child_as_well(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.tar.gz"
    bomb.write_bytes(gzip.compress(bytes(100 << 20), compresslevel=1))
    inspection = await Inspector().inspect(bomb, tmp_path / "out")
    assert isinstance(inspection, NotFit)
    assert inspection.reason.startswith("This file blows up to more than 100 times its size")


async def test_the_walls_that_held_are_known_afterwards(archive: Path, tmp_path: Path) -> None:
    assert Inspector().held is None
    looking = Inspector()
    await looking.inspect(archive, tmp_path / "out")
    assert looking.held is not None
    assert {"limits", "no_new_privileges", "seccomp"} <= set(looking.held)


async def test_giving_up_at_any_moment_leaves_no_file_open(archive: Path, tmp_path: Path) -> None:
    looking, into = Inspector(), tmp_path / "out"
    await looking.inspect(archive, into)
    before = len(os.listdir("/proc/self/fd"))
    for turns in range(12):
        task = asyncio.create_task(looking.inspect(archive, into))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(20):  # The pipes of a child that was just begun are closed a turn later.
        while len(os.listdir("/proc/self/fd")) > before:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert left_in(into) == ["model.pb", "model_metadata.json"]
