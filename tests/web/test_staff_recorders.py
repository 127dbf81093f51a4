"""The page of the recorders: from an empty box to a Pi at the second track whose crossings count."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from appliance.people import NewRacer
from tests.timing.other_machine import OtherMachine
from tests.timing.recorder_process import RecorderProcess
from tests.timing.remote_box import press
from tests.timing.sshd import Sshd, needs_root, needs_sshd, temporary_user
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from timing.facts import RaceChanged, RemotesChanged, StripsChanged
from timing.remotes import NewRemote
from timing.structs import NewEvent, NewRace, NewTrack, StripLine
from web.house import House
from web.pages.staff.recorder_cards import clock_words, time_of_day_words

PASSWORD = "a password of the Pi"
NOWHERE = {"name": "Left track", "host": "127.0.0.1", "username": "pi", "port": "9"}


class Changes:
    """Waits until what the box knows of its recorders is so."""

    def __init__(self, house: House) -> None:
        self._news = asyncio.Event()
        for fact in (RemotesChanged, StripsChanged, RaceChanged):
            house.facts.subscribe(fact, lambda _: self._news.set())

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not is_so():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
def changes(house: House) -> Changes:
    return Changes(house)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path / "sshd") as sshd:
        yield sshd


@pytest.fixture
async def pi(tmp_path: Path) -> AsyncIterator[RecorderProcess]:
    (tmp_path / "pi").mkdir()
    async with RecorderProcess(tmp_path / "pi") as process:
        yield process


def place(sshd: Sshd, pi: RecorderProcess, name: str = "Left track") -> dict[str, str]:
    return {
        "name": name, "host": sshd.host, "port": str(sshd.port), "username": sshd.user, "remote_socket": str(pi.socket),
    }  # fmt: skip


async def add(crew: Crew, changes: Changes, house: House, **fields: str) -> str:
    """Fill in the form; answers the new recorder's address, once its host key was seen."""
    await crew.get("/staff/recorders")
    answer = await crew.send("/staff/recorders", **fields)
    assert answer.status_code == 200, words(answer)
    await changes.until(lambda: all(link.seen_fingerprint for link in house.remotes.links()))
    return str(answer.url.path)


def is_live(house: House, place: int) -> bool:
    """Whether what a recorder sends is what happens now."""
    state = house.strips.recorders()[place]
    return state.connected and state.caught_up


async def test_box_alone_shows_itself_and_how_to_get_a_second_track(site: Site) -> None:
    async with Crew(site, "admin") as crew:
        text = words(await crew.get("/staff/recorders"))
    assert "This box not connected It does not answer." in text
    assert "A second track?" in text
    assert "sudo trackside install --recorder-only" in text
    assert "Add a recorder" in text


@needs_sshd
async def test_recorder_is_added_its_line_pasted_and_it_is_tested(
    site: Site, house: House, changes: Changes, sshd: Sshd, pi: RecorderProcess
) -> None:
    async with Crew(site, "admin") as crew:
        address = await add(crew, changes, house, **place(sshd, pi, "Piste gauche 左"))
        page = await crew.get(address)
        assert "Piste gauche 左 is not paired yet." in words(page)
        assert sshd.fingerprint in page.text
        line = re.search(r"<textarea[^>]*>([^<]*)</textarea>", page.text)
        assert line is not None
        sshd.authorize(line[1].replace("&#34;", '"'))
        text = words(await crew.send(f"{address}/trust", seen=crew.hidden("seen")))
        assert "From now on it must show this host key." in text
        text = words(await crew.send(f"{address}/test"))
        assert re.search(r"It answers: simulated strips, 2 lines, after \d+ ms\.", text)
        await changes.until(lambda: is_live(house, 1))
        text = words(await crew.get("/staff/recorders"))
        assert "Piste gauche 左 connected" in text
        assert "strip 1 · line 17 strip 2 · line 27" in text
        assert "A second track?" not in text


@needs_sshd
@needs_root
async def test_recorder_is_paired_with_a_password(site: Site, house: House, changes: Changes, tmp_path: Path) -> None:
    with temporary_user(PASSWORD) as (user, home), Sshd(tmp_path / "ssh", passwords=True, own_keys=False) as sshd:
        sshd.user = user
        async with RecorderProcess(home, data=tmp_path / "pi-data") as pi, Crew(site, "admin") as crew:
            address = await add(crew, changes, house, **place(sshd, pi))
            await crew.get(address)
            seen = crew.hidden("seen")
            answer = await crew.send(f"{address}/pair", seen=seen, password="wrong")
            assert answer.status_code == 400
            assert f"127.0.0.1 does not take this password for {user}." in words(answer)
            assert "wrong" not in answer.text.partition("<main")[2]
            answer = await crew.send(f"{address}/pair", seen=seen, password=PASSWORD)
            assert "Paired, but this user may not open the recorder's socket yet" in words(answer)
            assert PASSWORD not in answer.text
            shutil.chown(pi.socket, user)
            answer = await crew.send(f"{address}/pair", seen=seen, password=PASSWORD)
            assert "Paired. Its recorder is there." in words(answer)
            assert "It answers: simulated strips" in words(await crew.send(f"{address}/test"))


@needs_sshd
async def test_changed_host_key_needs_one_more_tick(
    site: Site, house: House, changes: Changes, sshd: Sshd, pi: RecorderProcess
) -> None:
    async with Crew(site, "admin") as crew:
        address = await add(crew, changes, house, **place(sshd, pi))
        await crew.get(address)
        old = crew.hidden("seen")
        await crew.send(f"{address}/trust", seen=old)
        sshd.kill()
        sshd.new_host_key()
        sshd.start()
        await changes.until(lambda: house.remotes.links()[0].has_other_key)
        text = words(await crew.get(address))
        assert f"It shows another host key Before: {old} Now: {sshd.fingerprint}" in text
        assert "another host key" in words(await crew.get("/staff/recorders"))
        answer = await crew.send(f"{address}/trust", seen=sshd.fingerprint)
        assert answer.status_code == 400
        assert "Compare the two, then tick this." in words(answer)
        assert house.remotes.links()[0].fingerprint == old
        await crew.send(f"{address}/trust", seen=sshd.fingerprint, agreed="1")
        assert house.remotes.links()[0].fingerprint == sshd.fingerprint


@needs_sshd
@needs_root
async def test_clock_of_another_machine_is_shown_with_how_well_it_is_known(
    site: Site, house: House, changes: Changes, sshd: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "pi").mkdir()
    async with OtherMachine(tmp_path / "pi") as pi:
        fields = {**place(sshd, pi), "port": sshd.port}
        link = await house.remotes.add(NewRemote(**fields), "test")  # type: ignore[arg-type]
        sshd.authorize(await house.remotes.authorized_line(link.remote_id))
        await house.remotes.trust(link.remote_id, sshd.fingerprint, "test")
        await changes.until(lambda: house.strips.recorders()[1].clock_difference_ms is not None)
        state = house.strips.recorders()[1]
        assert state.offset_us is not None
        assert state.offset_error_us is not None
        assert 0 < state.offset_error_us < 1_000_000
        assert abs(state.offset_us - OtherMachine.ahead_s * 1_000_000) <= state.offset_error_us
        async with Crew(site, "admin") as crew:
            text = words(await crew.get("/staff/recorders"))
    shown = re.search(r"Clock \+([\d,]+\.\d{3}) ms ± (\d+\.\d{3}) ms to ours", text)
    assert shown is not None, text
    assert abs(float(shown[1].replace(",", "")) - OtherMachine.ahead_s * 1000) <= float(shown[2])
    assert "Time of day" in text


async def test_field_that_is_wrong_is_marked_and_keeps_what_was_typed(site: Site, house: House) -> None:
    async with Crew(site, "admin") as crew:
        await crew.get("/staff/recorders")
        answer = await crew.send("/staff/recorders", name="Left", host="not a machine", username="pi", port="22")
        assert answer.status_code == 400
        assert "That is no name or address of a machine." in words(answer)
        assert 'value="not a machine"' in answer.text
        answer = await crew.send("/staff/recorders", name="", host="", username="", port="99999")
        assert "Give it a name" in words(answer)
        assert "Type a whole number from 1 to 65535." in words(answer)
        assert house.remotes.links() == []


async def test_form_sent_twice_adds_one_recorder(site: Site, house: House) -> None:
    async with Crew(site, "admin") as crew:
        await crew.get("/staff/recorders")
        form_id = crew.hidden("form_id")
        for _ in range(2):
            assert (await crew.send("/staff/recorders", form_id=form_id, **NOWHERE)).status_code == 200
    assert [link.name for link in house.remotes.links()] == ["Left track"]


async def test_recorder_is_renamed_and_removed(site: Site, house: House) -> None:
    link = await house.remotes.add(NewRemote(name="Left track", host="127.0.0.1", port=9, username="pi"), "test")
    address = f"/staff/recorders/{link.remote_id}"
    async with Crew(site, "admin") as crew:
        await crew.get(address)
        assert "Saved." in words(await crew.send(address, **{**NOWHERE, "name": "Right track"}))
        assert house.remotes.links()[0].name == "Right track"
        assert "Removed. What it recorded stays on it." in words(await crew.send(f"{address}/remove"))
        assert (await crew.get(address)).status_code == 404
    assert house.remotes.links() == []


@pytest.mark.parametrize(("offset_us", "error_us", "shown"), [
    (5_000_012_345, 210, "+5,000,012.345 ms ± 0.210 ms"),
    (-1_500, 80, "-1.500 ms ± 0.080 ms"),
    (None, None, None),
])  # fmt: skip
def test_offset_is_shown_in_ms_with_its_error(offset_us: int | None, error_us: int | None, shown: str | None) -> None:
    assert clock_words(offset_us, error_us) == shown


@pytest.mark.parametrize(("difference_ms", "shown"), [
    (1_240, "1.240 s ahead of ours"), (-3_600_000, "3,600.000 s behind ours"), (0, "as ours"), (None, None),
])  # fmt: skip
def test_time_of_day_is_shown_against_ours(difference_ms: int | None, shown: str | None) -> None:
    assert time_of_day_words(difference_ms) == shown


@needs_sshd
async def test_a_pi_at_each_of_two_tracks_times_its_own_race(
    house: House, changes: Changes, sshd: Sshd, pi: RecorderProcess, tmp_path: Path
) -> None:
    (tmp_path / "pi-2").mkdir()
    async with RecorderProcess(tmp_path / "pi-2") as second:
        with Sshd(tmp_path / "sshd-2") as other:
            for name, server, recorder in (("Left", sshd, pi), ("Right", other, second)):
                fields = {**place(server, recorder, name), "port": server.port}
                link = await house.remotes.add(NewRemote(**fields), "test")  # type: ignore[arg-type]
                server.authorize(await house.remotes.authorized_line(link.remote_id))
                await house.remotes.trust(link.remote_id, server.fingerprint, "test")
            await changes.until(lambda: all(state.caught_up for state in house.strips.recorders()[1:]))
            left, right = (state.recorder_id for state in house.strips.recorders()[1:])
            tracks = [
                NewTrack(name=name, lines=[StripLine(recorder_id=recorder_id, line=17)])
                for name, recorder_id in (("Left", left), ("Right", right))
            ]
            event = await house.events.create(NewEvent(name="Two tracks", tracks=tracks), "test")
            races = []
            for track in ("1", "2"):
                racer = (await house.people.register(NewRacer(username=f"racer-{track}"), "test")).person_id
                races.append(await house.control.create(
                    NewRace(event_id=event.event_id, track_id=track, racer_id=racer), "test"
                ))  # fmt: skip
            sshd.freeze()
            try:
                await press(pi, 1)
                await press(second, 1)
                await changes.until(lambda: _state(house, event.event_id, "2") == "running")
                assert _state(house, event.event_id, "1") == "ready"
            finally:
                sshd.thaw()
            await changes.until(lambda: _state(house, event.event_id, "1") == "running")


def _state(house: House, event_id: str, track_id: str) -> str:
    race = house.control.live(event_id, track_id)
    return "" if race is None else race.state.value
