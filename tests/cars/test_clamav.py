"""The real ClamAV with one signature of our own: what it finds goes, what it cannot tell stays, nobody waits for it."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.errors import Conflict
from cars import virus_scan
from cars.car_structs import Platform
from cars.cars import Cars
from cars.inspector import Inspector
from cars.model_structs import ModelStatus
from cars.push_structs import NewPushes
from cars.pushes import Pushes
from cars.virus_scan import Clean, Failed, Found, scan
from tests.cars.model_box import ModelBox, model_box
from tests.cars.model_samples import model_archive, model_files, tar_gz

MARKER = b"This is what the signature of Trackside's own tests looks for."
NAME = "Trackside.Marker.UNOFFICIAL"
MISSING = [tool for tool in ("clamscan", "clamdscan", "clamd")
           if shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None]  # fmt: skip
pytestmark = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"),
    reason=f"missing: {MISSING}: apt install clamav clamav-daemon clamdscan",
)


class ClamAv:
    """Scanners on a path of their own, that know one signature; `start` the daemon, or leave clamscan alone."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.signatures = directory / "signatures"
        self.programs = directory / "programs"
        self.config = directory / "clamd.conf"
        self.socket = directory / "clamd.sock"
        for folder in (self.signatures, self.programs):
            folder.mkdir()
        (self.signatures / "own.ndb").write_text(f"Trackside.Marker:0:*:{MARKER.hex()}\n")
        (self.programs / "nice").symlink_to("/usr/bin/nice")
        self.config.write_text(
            f"LocalSocket {self.socket}\nDatabaseDirectory {self.signatures}\nForeground yes\nLogTime no\n"
        )
        self.daemon: asyncio.subprocess.Process | None = None

    def install(self, name: str, option: str) -> None:
        """The real one, with what Debian's configuration would tell it."""
        script = self.programs / name
        script.write_text(f'#!/bin/sh\nexec /usr/bin/{name} {option} "$@"\n')
        script.chmod(0o755)

    def install_clamscan(self) -> None:
        """Reads its signatures anew for each file."""
        self.install("clamscan", f"--database={self.signatures}")

    async def start_daemon(self) -> None:
        """Until it takes files, with its own client."""
        self.install("clamdscan", f"--config-file={self.config}")
        self.daemon = await asyncio.create_subprocess_exec(
            "/usr/sbin/clamd", f"--config-file={self.config}", stdout=asyncio.subprocess.PIPE
        )
        assert self.daemon.stdout is not None
        said = b""
        async with asyncio.timeout(60):
            while b"Self checking" not in said:
                said = await self.daemon.stdout.readline()
                assert said, "clamd ended"

    async def stop_daemon(self) -> None:
        """As after a crash: its socket is still there."""
        if self.daemon is not None and self.daemon.returncode is None:
            self.daemon.kill()
            await self.daemon.wait()


@pytest.fixture
async def clamav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClamAv]:
    """Nothing else is on the path."""
    (tmp_path / "clamav").mkdir()
    there = ClamAv(tmp_path / "clamav")
    monkeypatch.setenv("PATH", str(there.programs))
    monkeypatch.setattr(virus_scan, "ALONE_NEEDS_BYTES", 1)
    yield there
    await there.stop_daemon()


def marked(seed: int = 0) -> bytes:
    """A model that drives well, with the marker among its weights."""
    (path, network), about = model_files(seed=seed)
    middle = len(network) // 2
    return tar_gz([(path, network[:middle] + MARKER + network[middle + len(MARKER) :]), about])


async def quarantined(box: ModelBox, model_id: str) -> None:
    """Once it is."""

    async def is_out() -> bool:
        return (await box.models.get(model_id)).status is ModelStatus.QUARANTINED

    await box.until(is_out)


async def scanned(box: ModelBox, model_id: str) -> None:
    """Once the scanner has said that it is clean."""
    known = "SELECT 1 FROM model WHERE model_id = ? AND scanned_at IS NOT NULL"
    async with asyncio.timeout(30):
        while await box.db.fetch_one(known, [model_id]) is None:
            pass


async def push(box: ModelBox, data_dir: Path, model_id: str) -> None:
    """Ask for it on a car."""
    cars = Cars(box.db, box.facts)
    car = await cars.add_enrolled(
        serial="AMSS-0001",
        name="Blue 1",
        platform=Platform.STOCK_20,
        username="deepracer",
        host_key="ssh-ed25519 AAAA",
        address="10.9.8.7",
        actor="test",
    )
    pushes = Pushes(box.db, box.facts, models=box.models, cars=cars, data_dir=data_dir)
    await pushes.add(NewPushes(car_ids=[car.car_id], model_ids=[model_id]), "crew")


async def test_clamscan_looks_into_the_archive(clamav: ClamAv, tmp_path: Path) -> None:
    clamav.install_clamscan()
    bad, good = tmp_path / "bad.tar.gz", tmp_path / "good.tar.gz"
    bad.write_bytes(marked())
    good.write_bytes(model_archive())
    assert MARKER not in bad.read_bytes()
    assert await scan(bad) == Found(name=NAME)
    assert await scan(good) == Clean()


async def test_clamscan_without_signatures_is_no_verdict(clamav: ClamAv, tmp_path: Path) -> None:
    clamav.install_clamscan()
    (clamav.signatures / "own.ndb").unlink()
    model = tmp_path / "bad.tar.gz"
    model.write_bytes(marked())
    assert await scan(model) == Failed(
        reason=f"LibClamAV Error: cli_loaddbdir: No supported database files found in {clamav.signatures}"[:200]
    )


async def test_the_daemon_is_asked_and_after_its_end_clamscan(clamav: ClamAv, tmp_path: Path) -> None:
    await clamav.start_daemon()
    model = tmp_path / "bad.tar.gz"
    model.write_bytes(marked())
    model.chmod(0o600)
    assert await scan(model) == Found(name=NAME)
    await clamav.stop_daemon()
    verdict = await scan(model)
    assert isinstance(verdict, Failed)
    assert "Could not connect to clamd" in verdict.reason, verdict
    clamav.install_clamscan()
    assert await scan(model) == Found(name=NAME)


async def test_a_model_that_is_found_out_is_nobody_s_any_more(clamav: ClamAv, tmp_path: Path) -> None:
    clamav.install_clamscan()
    async with model_box(tmp_path, inspector=Inspector()) as box:
        bad = await box.send(marked(), await box.racer("anna"), "bad.tar.gz")
        good = await box.send(model_archive(seed=1), await box.racer("berta"), "good.tar.gz")
        await box.looked_into(bad)
        await quarantined(box, bad)
        await scanned(box, good)
        model = await box.models.get(bad)
        assert model.facts is not None  # it was AVAILABLE before
        assert model.reason == f"The virus scanner found {NAME} in this file."
        assert (await box.models.get(good)).status is ModelStatus.AVAILABLE
        words = rf"bad cannot be used: The virus scanner found {NAME} in this file\."
        for refused in (box.models.archive(bad), box.models.files(bad), push(box, tmp_path, bad)):
            with pytest.raises(Conflict, match=words):
                await refused
        await box.kept_at_last({(await box.models.get(good)).archive_sha256})


async def test_a_daemon_that_hangs_keeps_nobody_waiting(clamav: ClamAv, tmp_path: Path) -> None:
    await clamav.start_daemon()
    assert clamav.daemon is not None
    clamav.daemon.send_signal(signal.SIGSTOP)
    async with model_box(tmp_path, inspector=Inspector()) as box:
        for seed, name in enumerate(("anna", "berta")):
            model_id = await box.send(model_archive(seed=seed), await box.racer(name))
            assert (await box.looked_into(model_id)).status is ModelStatus.AVAILABLE
            assert (await box.models.archive(model_id)).exists()
    clamav.daemon.send_signal(signal.SIGCONT)
