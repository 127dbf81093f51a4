"""Health: the box's own probes, and that a broken one neither hangs nor hides the others."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance import health
from appliance.database import Database
from appliance.errors import NotReady
from appliance.health import Check, ClockProbe, Health, check_disk
from appliance.people_schema import MIGRATIONS

SECOND_NS = 1_000_000_000
NOW_NS = 1_800_000_000 * SECOND_NS


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "trackside.db", [MIGRATIONS])
    yield database
    await database.close()


async def test_a_well_box_is_ok(db: Database, tmp_path: Path) -> None:
    box = Health(tmp_path, db)
    box.register("recorder", lambda: Check(ok=True, message="Beats."))
    report = await box.report()
    assert report.ok
    assert list(report.checks) == ["database", "disk", "clock", "recorder"]


async def test_one_failed_check_is_trouble_and_says_what_to_do(db: Database, tmp_path: Path) -> None:
    box = Health(tmp_path, db)

    async def recorder() -> Check:
        raise NotReady("The recorder is away.", "Look at its cable.")

    box.register("recorder", recorder)
    report = await box.report()
    assert report.status == "trouble"
    assert report.checks["recorder"] == Check(ok=False, message="The recorder is away.", remedy="Look at its cable.")
    assert report.checks["disk"].ok


async def test_a_probe_that_hangs_does_not_hang_the_answer(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE_TIMEOUT_S", 0.05)
    box = Health(tmp_path, db)
    never = asyncio.Event()

    async def stuck() -> Check:
        await never.wait()
        return Check(ok=True, message="")

    box.register("stuck", stuck)
    report = await box.report()
    assert not report.checks["stuck"].ok
    assert report.checks["database"].ok


def test_a_full_disk_and_a_nearly_full_one_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_disk(tmp_path).ok
    monkeypatch.setattr(health, "LOW_BYTES", 2**60)
    low = check_disk(tmp_path)
    assert low.ok
    assert low.remedy
    monkeypatch.setattr(health, "FULL_BYTES", 2**60)
    assert check_disk(tmp_path).message.startswith("The disk is full: ")


@pytest.mark.parametrize(("wall_ns", "is_ok"), [(NOW_NS, True), (0, False), (5_000_000_000 * SECOND_NS, False)])
def test_a_clock_that_cannot_be_right_is_trouble(wall_ns: int, is_ok: bool) -> None:
    assert ClockProbe(lambda: wall_ns, lambda: 5)().ok is is_ok


def test_a_clock_that_was_set_is_told_and_no_trouble() -> None:
    wall_ns = [NOW_NS]
    probe = ClockProbe(lambda: wall_ns[0], lambda: 5)
    wall_ns[0] += 7200 * SECOND_NS
    assert probe() == Check(ok=True, message="The clock was set by 7200 s since the start. No lap changed.")


async def test_a_failed_write_is_trouble_until_writing_works_again(db: Database, tmp_path: Path) -> None:
    with pytest.raises(NotReady):
        await db.write(lambda connection: connection.execute("COMMIT"))
    assert db.trouble is not None
    assert (await Health(tmp_path, db).report()).ok
    assert db.trouble is None
