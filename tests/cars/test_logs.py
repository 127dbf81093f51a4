"""Logs from real sshds with the real helper: whole or not at all, gone on with, behind everything else, and hostile."""

import json
import os
import stat
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from appliance.errors import Conflict, NotFound, NotReady
from cars.log_structs import LogState
from tests.cars.log_box import LogBox, log_box, packed, record, slow_down
from tests.cars.small_car import SmallCar
from tests.timing.sshd import needs_root, needs_sshd

pytestmark = [needs_root, needs_sshd, pytest.mark.xdist_group("pushes")]

BAG = os.urandom(10_000_000)
NAME = "ann-fast-20260101-120000"


@pytest.fixture
async def box(tmp_path: Path, key: asyncssh.SSHKey) -> AsyncIterator[LogBox]:
    async with log_box(tmp_path, key) as box:
        yield box


def bag_in(box: LogBox, log_id: str) -> bytes:
    with tarfile.open(box.logs.files.stored(log_id)) as archive:
        file = archive.extractfile(f"{NAME}/data.mcap")
        assert file is not None
        return file.read()


async def test_what_was_recorded_in_the_race_is_on_the_box_byte_by_byte(box: LogBox, car: SmallCar) -> None:
    record(car, NAME, BAG)
    record(car, "ann-fast-20250101-120000", b"last year", age_s=90_000)
    car_id = await box.box.car(car)
    log_id = await box.ask(car_id)
    view = await box.ended(log_id)
    assert (view.state, view.reason, view.names) == (LogState.STORED, None, [NAME])
    assert packed(box, log_id)[:2] == [f"{NAME}/", f"{NAME}/data.mcap"]
    assert bag_in(box, log_id) == BAG
    stored = box.logs.files.stored(log_id)
    assert view.size_bytes == view.got_bytes == stored.stat().st_size
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert car.staged() == {}
    assert await box.ask(car_id) == log_id, "what is here is not fetched twice"


async def test_a_lost_link_is_gone_on_with_where_it_broke(box: LogBox, car: SmallCar, tmp_path: Path) -> None:
    record(car, NAME, BAG)
    slow_down(car)
    log_id = await box.ask(await box.box.car(car))
    await box.fetching(log_id)
    car.kill()
    lost = await box.until(log_id, lambda view: view.state is LogState.WAITING)
    assert lost.reason is not None
    part = box.logs.files.part(log_id)
    kept = part.stat().st_size
    assert 0 < kept < len(BAG)
    car.start()
    box.logs.line.found(lost.car_id)
    first = await box.until(log_id, lambda view: view.state is LogState.FETCHING)
    assert first.got_bytes >= kept
    assert (await box.ended(log_id)).state is LogState.STORED
    assert bag_in(box, log_id) == BAG


async def test_a_restarted_box_goes_on_with_it(tmp_path: Path, key: asyncssh.SSHKey, car: SmallCar) -> None:
    record(car, NAME, BAG)
    slow_down(car)
    async with log_box(tmp_path, key) as before:
        log_id = await before.ask(await before.box.car(car))
        await before.fetching(log_id)
    kept = before.logs.files.part(log_id).stat().st_size
    assert kept > 0
    async with log_box(tmp_path, key) as box:
        (one,) = box.box.cars.all()
        await box.box.cars.seen(one.car_id, address=one.address, port=one.port)
        view = await box.until(log_id, lambda view: view.state is LogState.FETCHING)
        assert view.got_bytes >= kept
        assert (await box.ended(log_id)).state is LogState.STORED
        assert bag_in(box, log_id) == BAG


async def test_a_race_or_a_model_interrupts_it(box: LogBox, car: SmallCar) -> None:
    record(car, NAME, BAG)
    slow_down(car)
    box.hindered = NotReady("blue-1 is in a race.", "Later.")
    log_id = await box.ask(await box.box.car(car))
    view = await box.until(log_id, lambda view: view.reason is not None)
    assert (view.state, view.reason) == (LogState.WAITING, "blue-1 is in a race.")
    box.hindered = None
    box.logs.line.look()
    await box.fetching(log_id)
    box.hindered = NotReady("blue-1 gets a model.", "Later.")
    box.logs.line.look()
    view = await box.until(log_id, lambda view: view.state is LogState.WAITING)
    assert view.reason == "blue-1 gets a model."
    kept = box.logs.files.part(log_id).stat().st_size
    assert 0 < kept < len(BAG)
    box.hindered = None
    box.logs.line.look()
    assert (await box.ended(log_id)).state is LogState.STORED
    assert bag_in(box, log_id) == BAG


async def test_a_car_that_recorded_nothing_says_so(box: LogBox, car: SmallCar) -> None:
    log_id = await box.ask(await box.box.car(car))
    view = await box.ended(log_id)
    assert (view.state, view.reason) == (LogState.NOTHING, "The car recorded nothing of it.")
    with pytest.raises(Conflict):
        await box.logs.file(log_id)


async def test_recordings_are_listed_as_the_disk_has_them_and_one_is_fetched(box: LogBox, car: SmallCar) -> None:
    record(car, NAME, b"old", age_s=9_000)
    record(car, "ben-20260101-130000", b"new")
    car_id = await box.box.car(car)
    listed = await box.logs.on_car(car_id)
    assert [(one.name, one.folder, one.log_id) for one in listed.recordings] == [
        ("ben-20260101-130000", "ben", None),
        (NAME, "ann-fast", None),
    ]
    assert abs(listed.clock_off_s) <= 60
    log_id = (await box.logs.ask_recording(car_id, NAME, "crew")).log_id
    assert (await box.ended(log_id)).names == [NAME]
    assert [one.log_id for one in (await box.logs.on_car(car_id)).recordings] == [None, log_id]
    missing = (await box.logs.ask_recording(car_id, "gone-20260101-130000", "crew")).log_id
    view = await box.ended(missing)
    assert (view.state, view.reason) == (LogState.FAILED, "gone-20260101-130000 is not on blue-1 any more.")


async def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, key: asyncssh.SSHKey, car: SmallCar) -> None:
    record(car, NAME, os.urandom(1_200_000))
    async with log_box(tmp_path, key, keep_mb=2) as box:
        car_id = await box.box.car(car)
        ids = []
        for race in ("race-0001", "race-0002"):
            ids.append(await box.ask(car_id, race_id=race))
            assert (await box.ended(ids[-1])).state is LogState.STORED
        await box.until(ids[0], lambda view: view.state is LogState.DELETED)
        oldest = await box.logs.get(ids[0])
        assert oldest.reason == "It was the oldest, and all logs together took more than the setting logs_mb allows."
        assert not box.logs.files.stored(ids[0]).exists()
        assert [view.log_id for view in await box.logs.find()] == ids[:0:-1]


async def test_the_reserve_of_the_disk_is_not_touched(
    box: LogBox, car: SmallCar, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(car, NAME)
    monkeypatch.setattr(box.logs.files, "reserve_bytes", lambda: 1 << 60)
    view = await box.ended(await box.ask(await box.box.car(car)))
    assert (view.state, view.reason) == (LogState.FAILED, "The box has no more room for logs.")
    assert view.remedy == "Delete logs or models on the box, then fetch them again."


def lying_stage(size_bytes: int) -> dict[str, object]:
    return {"ok": True, "path": "/root", "files": {"logs.tar": {"size_bytes": size_bytes}}}


async def test_a_car_that_lies_is_given_nothing(box: LogBox, car: SmallCar) -> None:
    record(car, NAME)
    honest = car.helper.with_name("honest")
    car.helper.rename(honest)
    car_id = await box.box.car(car)
    for verb, answer, words in (
        ("logs-list", {"ok": True, "logs": "many", "now_s": 1}, "The car's helper answers in a way that is not ours."),
        ("stage-state", lying_stage(1 << 40), "They are 1,099,512 MB; 100 MB are fetched at most."),
        ("logs-pack", {"ok": False, "code": "x", "message": "a" * 5_000}, "a" * 300),
    ):
        car.helper.write_text(
            f"#!/bin/sh\ncase \" $* \" in *' {verb} '*) echo '{json.dumps(answer)}';; *) exec {honest} \"$@\";; esac\n"
        )
        honest.chmod(0o755)
        car.helper.chmod(0o755)
        view = await box.ended(await box.ask(car_id))
        assert (view.state, view.reason) == (LogState.FAILED, words)
        assert list(box.logs.files.directory.rglob("*.tar")) == []
        assert not box.logs.files.part(view.log_id).exists()


async def test_deleting_ends_it_and_takes_the_file(box: LogBox, car: SmallCar) -> None:
    record(car, NAME, BAG)
    slow_down(car)
    log_id = await box.ask(await box.box.car(car))
    await box.fetching(log_id)
    assert (await box.logs.delete(log_id, "crew")).state is LogState.DELETED
    again = await box.ask(box.box.cars.all()[0].car_id)
    assert again != log_id
    assert (await box.ended(again)).state is LogState.STORED
    assert not box.logs.files.part(log_id).exists()
    await box.logs.delete(again, "crew")
    assert not box.logs.files.stored(again).exists()
    assert await box.logs.find() == []


async def test_logs_of_a_forgotten_racer_are_gone_with_every_name(box: LogBox, car: SmallCar) -> None:
    record(car, NAME)
    racer_id = await box.box._racer("ann")
    log_id = await box.ask(await box.box.car(car), racer_id=racer_id)
    await box.ended(log_id)
    changed = box.until(log_id, lambda view: view.state is LogState.DELETED)
    await box.box.people.forget(racer_id, actor=racer_id)
    await changed
    await box.logs.stop()
    assert not box.logs.files.stored(log_id).exists()
    view = await box.logs.get(log_id)
    assert (view.racer_id, view.names, view.reason) == (None, [], None)


async def test_a_released_car_is_not_asked(box: LogBox, car: SmallCar) -> None:
    with pytest.raises(NotFound):
        await box.ask("nobody")
