"""Models: looked into, shared, renamed, deleted, scanned, and what becomes of them when people change."""

import asyncio
from pathlib import Path

import pytest

from appliance.errors import Conflict, InvalidInput, NotFound, NotReady
from cars import looking, models_store, scanning
from cars.inspection import Inspection
from cars.inspector import Inspector
from cars.model_structs import ModelStatus
from cars.models_store import Sought
from cars.virus_scan import Clean, Failed, Found, NotThere, Verdict
from tests.cars.model_box import ModelBox, NeverLooks, digest, model_box, noise
from tests.cars.model_samples import model_archive

DATA = noise(10_000)


class Counting:
    """The real inspector, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self._inspector = Inspector()

    async def inspect(self, archive: Path, into: Path) -> Inspection:
        """As the real one."""
        self.asked += 1
        return await self._inspector.inspect(archive, into)


class Scripted:
    """An inspector or a scanner that answers what it is told; an error is raised."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.is_asked = asyncio.Event()

    async def inspect(self, archive: Path, into: Path) -> Inspection:
        """The next answer."""
        return await self.answer(archive)

    async def answer(self, _: Path) -> Inspection | Verdict:  # type: ignore[return]
        """The next answer; the last one again and again."""
        self.is_asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]


async def unpacked(box: ModelBox, model_id: str) -> tuple[bytes, bytes]:
    """What would go onto a car."""
    files = await box.models.files(model_id)
    return await asyncio.to_thread(lambda: (files.pb.read_bytes(), files.metadata.read_bytes()))


# looked into


async def test_a_good_model_becomes_available_and_its_two_files_lie_ready(tmp_path: Path) -> None:
    async with model_box(tmp_path, inspector=Inspector()) as box:
        model = await box.looked_into(await box.send(model_archive(), await box.racer()))
        assert (model.status, model.reason, model.remedy) == (ModelStatus.AVAILABLE, None, None)
        pb, metadata = await unpacked(box, model.model_id)
        assert model.facts is not None
        assert (digest(pb), digest(metadata)) == (model.facts.pb_sha256, model.facts.metadata_sha256)


async def test_what_no_car_could_drive_says_why_and_its_bytes_go(tmp_path: Path) -> None:
    async with model_box(tmp_path, inspector=Inspector()) as box:
        racer_id = await box.racer()
        model = await box.looked_into(await box.send(DATA, racer_id))
        assert model.status is ModelStatus.NOT_VALID
        assert model.reason
        assert model.remedy
        await box.kept_at_last(set())
        for refused in (box.models.files(model.model_id), box.models.archive(model.model_id)):
            with pytest.raises(Conflict) as refusal:
                await refused
            assert refusal.value.message == f"fast cannot be used: {model.reason}"
        assert (await box.begin(DATA, racer_id)).offset == 0, "may be tried again"


async def test_what_was_not_finished_before_a_restart_is_looked_into_after_it(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        model_id = await box.send(model_archive(), await box.racer())
        assert (await box.models.get(model_id)).status is ModelStatus.UPLOADED
    async with model_box(tmp_path, inspector=Inspector()) as box:
        assert (await box.looked_into(model_id)).status is ModelStatus.AVAILABLE


async def test_the_same_bytes_of_two_racers_are_kept_and_looked_into_once(tmp_path: Path) -> None:
    inspector = Counting()
    async with model_box(tmp_path, inspector=inspector) as box:
        data = model_archive()
        first = await box.looked_into(await box.send(data, await box.racer("anna"), "a.tar.gz"))
        second = await box.looked_into(await box.send(data, await box.racer("berta"), "b.tar.gz"))
        assert (first.status, second.status) == (ModelStatus.AVAILABLE, ModelStatus.AVAILABLE)
        assert first.facts == second.facts
        assert (inspector.asked, await box.kept()) == (1, {digest(data)})
        assert await unpacked(box, first.model_id) == await unpacked(box, second.model_id)


async def test_what_one_deletes_the_other_keeps_until_both_have(tmp_path: Path) -> None:
    async with model_box(tmp_path, inspector=Inspector()) as box:
        data = model_archive()
        anna, berta = await box.racer("anna"), await box.racer("berta")
        first = await box.looked_into(await box.send(data, anna))
        second = await box.looked_into(await box.send(data, berta))
        await box.models.delete(first.model_id, anna)
        assert (await unpacked(box, second.model_id))[0]
        with pytest.raises(Conflict) as refusal:
            await box.models.files(first.model_id)
        assert str(refusal.value) == "fast was deleted. Upload it again."
        await box.models.delete(second.model_id, berta)
        assert await box.kept() == set()


async def test_a_model_deleted_while_it_is_looked_into_leaves_nothing(tmp_path: Path) -> None:
    async with model_box(tmp_path, inspector=Inspector()) as box:
        racer_id = await box.racer()
        model_id = await box.send(model_archive(), racer_id)
        await box.models.delete(model_id, racer_id)
        other = await box.looked_into(await box.send(model_archive(seed=1), racer_id))
        await box.kept_at_last({other.archive_sha256})
        assert (await box.models.get(model_id)).status is ModelStatus.DELETED


async def test_a_box_that_cannot_look_now_tries_again_and_holds_it_against_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "AGAIN_S", 0.01)
    busy = [NotReady("The box was too busy.", "It will be tried again.")] * (models_store.LOOKS + 3)
    real = Inspector()

    class Busy(Scripted):
        async def inspect(self, archive: Path, into: Path) -> Inspection:
            if self.answers:
                raise self.answers.pop()  # type: ignore[misc]
            return await real.inspect(archive, into)

    async with model_box(tmp_path, inspector=Busy(*busy)) as box:
        model = await box.looked_into(await box.send(model_archive(), await box.racer()))
        assert model.status is ModelStatus.AVAILABLE


async def test_a_file_that_takes_the_box_down_again_and_again_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "AGAIN_S", 0.01)
    async with model_box(tmp_path, inspector=Scripted(RuntimeError("boom"))) as box:
        model = await box.looked_into(await box.send(DATA, await box.racer()))
        assert (model.status, model.reason) == (ModelStatus.NOT_VALID, "The box could not look into this file.")


async def test_no_inspection_begins_on_a_disk_without_room_for_what_it_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspector = Counting()
    monkeypatch.setattr(looking, "AGAIN_S", 0.01)
    async with model_box(tmp_path, inspector=inspector) as box:
        racer_id = await box.racer()
        monkeypatch.setattr(looking, "KEEP_FREE_BYTES", 1 << 60)
        model_id = await box.send(model_archive(), racer_id)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await box.looked_into(model_id)
        assert inspector.asked == 0
        monkeypatch.setattr(looking, "KEEP_FREE_BYTES", 0)
        assert (await box.looked_into(model_id)).status is ModelStatus.AVAILABLE


# called


async def test_two_files_of_one_name_are_two_models(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        for seed in range(3):
            await box.send(noise(5_000, seed), racer_id, "Fast.tar.gz")
        assert [model.name for model in await box.models.find(Sought())] == ["Fast-3", "Fast-2", "Fast"]


async def test_a_model_can_be_called_something_else_that_no_other_is(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer()
        model_id = await box.send(DATA, racer_id)
        await box.send(noise(5_000, 1), racer_id, "Slow.tar.gz")
        with pytest.raises(Conflict) as refusal:
            await box.models.rename(model_id, "slow", racer_id)
        assert str(refusal.value) == "There is another model called slow. Choose another name."
        with pytest.raises(InvalidInput):
            await box.models.rename(model_id, "so slow", racer_id)
        assert (await box.models.rename(model_id, "Rapid", racer_id)).name == "Rapid"
        await box.models.delete(model_id, racer_id)
        with pytest.raises(Conflict):
            await box.models.rename(model_id, "Gone", racer_id)


async def test_models_are_found_by_owner_and_state_newest_first(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        anna, berta = await box.racer("anna"), await box.racer("berta")
        ids = [await box.send(noise(5_000, seed), owner) for seed, owner in enumerate([anna, berta, None, anna])]
        await box.models.delete(ids[0], anna)

        async def found(**sought: object) -> list[str]:
            return [model.model_id for model in await box.models.find(Sought(**sought))]  # type: ignore[arg-type]

        assert await found() == [ids[3], ids[2], ids[1]]
        assert await found(racer_id=anna) == [ids[3]]
        assert await found(racer_id=anna, with_deleted=True) == [ids[3], ids[0]]
        assert await found(is_box=True) == [ids[2]]
        assert await found(status=ModelStatus.DELETED) == [ids[0]]
        assert await found(before=ids[3], limit=1) == [ids[2]]
        with pytest.raises(NotFound):
            await box.models.get("nobody's")


# people


async def test_a_merged_racer_s_models_and_uploads_are_the_other_s(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        keep, duplicate = await box.racer("anna"), await box.racer("anna2")
        await box.send(DATA, keep)
        model_id = await box.send(noise(5_000, 1), duplicate)
        upload = await box.begin(noise(5_000, 2), duplicate, "third.tar.gz")
        await box.people.merge(keep, duplicate, "box")

        async def is_moved() -> bool:
            return (await box.models.get(model_id)).racer_id == keep

        await box.until(is_moved)
        model = await box.models.get(model_id)
        assert (model.username, model.name) == ("anna", "fast-2")
        assert [one.upload_id for one in await box.uploads.unfinished(keep)] == [upload.upload_id]
        assert (await box.begin(noise(5_000, 3), duplicate, "late.tar.gz")).racer_id == keep


async def test_of_a_forgotten_racer_no_byte_and_no_name_is_left(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        racer_id = await box.racer("anna")
        model_id = await box.send(DATA, racer_id, "Annas-Traum.tar.gz")
        await box.begin(noise(5_000, 1), racer_id, "Annas-Zweiter.tar.gz")
        await box.people.forget(racer_id, "box")

        async def is_gone() -> bool:
            return (await box.models.get(model_id)).status is ModelStatus.DELETED

        await box.until(is_gone)
        with pytest.raises(Conflict) as refusal:
            await box.begin(DATA, racer_id)
        assert refusal.value.remedy == "Choose another racer."
    files = await asyncio.to_thread(lambda: {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()})
    assert tmp_path / "trackside.db" in files
    assert [path.name for path, data in files.items() if b"Annas" in data or DATA in data] == []


async def test_a_box_that_died_between_a_merge_and_what_follows_catches_up(tmp_path: Path) -> None:
    async with model_box(tmp_path) as box:
        keep, duplicate, gone = [await box.racer(name) for name in ("anna", "anna2", "berta")]
        moved = await box.send(DATA, duplicate)
        erased = await box.send(noise(5_000, 1), gone)
        box.facts._handlers.clear()  # It dies before anybody hears of it.
        await box.people.merge(keep, duplicate, "box")
        await box.people.forget(gone, "box")
        assert (await box.models.get(moved)).racer_id == duplicate
    async with model_box(tmp_path) as box:
        assert (await box.models.get(moved)).racer_id == keep
        assert (await box.models.get(erased)).status is ModelStatus.DELETED
        assert await box.kept() == {digest(DATA)}


# viruses


async def scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scanner: Scripted) -> ModelStatus:
    """Two racers' model of the same bytes, once the scanner has had them."""
    monkeypatch.setattr(scanning.Scanning.__init__, "__kwdefaults__", {"scan_file": scanner.answer})
    async with model_box(tmp_path, inspector=Inspector()) as box:
        data = model_archive()
        ids = [await box.send(data, await box.racer(name)) for name in ("anna", "berta")]
        for model_id in ids:
            await box.looked_into(model_id)
        async with asyncio.timeout(20):
            await scanner.is_asked.wait()
        if isinstance(scanner.answers[0], Found):

            async def are_out() -> bool:
                found = [await box.models.get(model_id) for model_id in ids]
                return all(model.status is ModelStatus.QUARANTINED for model in found)

            await box.until(are_out)
            await box.kept_at_last(set())
            assert (await box.models.get(ids[0])).reason == "The virus scanner found Eicar in this file."
        return (await box.models.get(ids[1])).status


async def test_a_virus_quarantines_the_bytes_whoever_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await scanned(tmp_path, monkeypatch, Scripted(Found("Eicar"))) is ModelStatus.QUARANTINED


@pytest.mark.parametrize("verdict", [Clean(), Failed("no signatures"), NotThere()])
async def test_a_scanner_that_finds_nothing_or_is_not_there_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    assert await scanned(tmp_path, monkeypatch, Scripted(verdict)) is ModelStatus.AVAILABLE


async def test_what_lies_about_without_a_row_goes_at_the_next_start(tmp_path: Path) -> None:
    async with model_box(tmp_path, inspector=NeverLooks()) as box:
        await box.send(DATA, await box.racer())
    blobs = tmp_path / "models" / "blobs"
    for lost in ("00" * 32, "ff" * 32 + ".d"):
        (blobs / lost[:2]).mkdir()
        (blobs / lost[:2] / lost).mkdir() if lost.endswith(".d") else (blobs / lost[:2] / lost).write_bytes(b"x")
    (tmp_path / "models" / "uploads" / "lost").write_bytes(b"x")
    async with model_box(tmp_path) as box:
        assert await box.kept() == {digest(DATA)}
        assert await box.unfinished_files() == set()
