"""Finding boxes: a real finder on one machine, real boxes on another, a cable between that can be pulled."""

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from tests.appliance.two_machines import Machine, Watched, needs_root, two_machines
from tests.conftest import racing_in
from tests.web.conftest import Site, house, site
from tui.errors import BoxAway
from tui.finder import INSTALLED, first_answer, own_sockets
from tui.found_boxes import FoundBox

__all__ = ["house", "site"]

on_two_machines = [needs_root, pytest.mark.timeout(180)]


class Finding:
    """A finder on a machine."""

    def __init__(self, program: Watched) -> None:
        self._program = program

    @classmethod
    async def on(cls, machine: Machine, *sockets: Path) -> "Finding":
        """Start one."""
        return cls(await machine.start(sys.executable, "-m", "tests.tui.finder_watch", *map(str, sockets)))

    async def boxes(self, is_so: Callable[[list[FoundBox]], bool]) -> list[FoundBox]:
        """What it shows, once it shows this."""
        lines = await self._program.until(lambda lines: bool(lines) and is_so(_boxes(lines[-1])))
        return _boxes(lines[-1])

    async def box(self, is_so: Callable[[FoundBox], object]) -> FoundBox:
        """The only one, once it is so."""
        (box,) = await self.boxes(lambda boxes: len(boxes) == 1 and bool(is_so(boxes[0])))
        return box


def is_one_of_each_name(boxes: list[FoundBox]) -> bool:
    """Two boxes of one name: which has the number is of who was heard first."""
    return sorted(box.name for box in boxes) == ["Halle 3", "Halle 3-2"]


def _boxes(line: str) -> list[FoundBox]:
    return msgspec.json.decode(line, type=list[FoundBox])


@pytest.fixture
async def machines(tmp_path: Path) -> AsyncIterator[tuple[Machine, Machine]]:
    async with two_machines(tmp_path) as both:
        yield both


class TestOnTwoMachines:
    pytestmark = on_two_machines

    async def test_a_box_is_found_with_its_event_and_where_it_answers(self, machines: tuple[Machine, Machine]) -> None:
        there, desk = machines
        async with racing_in(there.directory / "data") as racing:
            await racing.event()
        finding = await Finding.on(desk)
        await there.box("data", "Halle 3. Stock")
        box = await finding.box(lambda box: box.answers_at)
        assert (box.name, box.events, box.answers_at) == ("Halle 3. Stock", ("Cup",), "http://10.9.8.1:8080")
        assert not box.is_here

    async def test_a_box_with_two_addresses_is_one_and_a_lost_one_is_replaced(
        self, machines: tuple[Machine, Machine]
    ) -> None:
        there, desk = machines
        there.ip("address", "add", "10.77.0.1/24", "dev", there.name)
        finding = await Finding.on(desk)
        await there.box("data", "Halle 3")
        box = await finding.box(lambda box: box.answers_at)
        assert set(box.addresses) == {"http://10.77.0.1:8080", "http://10.9.8.1:8080"}
        assert box.answers_at == "http://10.9.8.1:8080"
        there.add_address("10.9.8.7")
        there.remove_address("10.9.8.1")
        box = await finding.box(lambda box: "http://10.9.8.1:8080" not in box.addresses and box.answers_at)
        assert box.answers_at == "http://10.9.8.7:8080"

    async def test_a_cable_without_any_addresses_is_enough_for_a_box_that_listens_on_ipv6(
        self, machines: tuple[Machine, Machine]
    ) -> None:
        there, desk = machines
        there.remove_address("10.9.8.1")
        desk.remove_address("10.9.8.2")
        for machine in machines:  # an address that may be somebody else's is not used in its first second
            await machine.asked(lambda told: not told.strip(), "ip", "-6", "-o", "address", "show", "tentative")
        finding = await Finding.on(desk)
        await there.box("data", "Halle 3", host="::")
        box = await finding.box(lambda box: box.answers_at)
        assert box.answers_at is not None
        assert box.answers_at.startswith("http://[fe80::")
        assert "%" in box.answers_at

    async def test_a_box_that_ends_goes_and_one_that_is_killed_is_seen_not_to_answer(
        self, machines: tuple[Machine, Machine]
    ) -> None:
        there, desk = machines
        finding = await Finding.on(desk)
        box = await there.box("data", "Halle 3")
        first = await finding.box(lambda box: box.answers_at)
        await box.end(signal.SIGKILL)
        await finding.box(lambda box: box.is_asked and box.answers_at is None)
        box = await there.box("data", "Halle 3")
        again = await finding.box(lambda box: box.answers_at)
        assert again == first
        await box.line("announced name=")
        await box.end()
        await finding.boxes(lambda boxes: boxes == [])

    async def test_a_pulled_cable_is_seen_and_survived(self, machines: tuple[Machine, Machine]) -> None:
        there, desk = machines
        desk.pull()
        await there.box("data", "Halle 3")
        finding = await Finding.on(desk)
        assert await finding.boxes(lambda boxes: True) == []
        desk.plug()
        await finding.box(lambda box: box.answers_at)
        there.pull()
        await finding.box(lambda box: box.is_asked and box.answers_at is None)
        there.plug()
        await finding.box(lambda box: box.answers_at)

    async def test_two_boxes_of_one_name_are_two(self, machines: tuple[Machine, Machine]) -> None:
        there, desk = machines
        finding = await Finding.on(desk)
        await there.box("data", "Halle 3")
        await finding.box(lambda box: box.answers_at)
        await desk.box("more-data", "Halle 3")
        boxes = await finding.boxes(lambda boxes: is_one_of_each_name(boxes) and all(box.answers_at for box in boxes))
        assert {box.answers_at for box in boxes} == {"http://10.9.8.1:8080", "http://10.9.8.2:8080"}

    async def test_the_box_on_this_machine_comes_first_and_its_copy_is_another(
        self, machines: tuple[Machine, Machine]
    ) -> None:
        there, desk = machines
        await desk.box("data", "Halle 3")
        await asyncio.to_thread((there.directory / "copy").mkdir)
        await asyncio.to_thread(shutil.copy, desk.directory / "data/secret.key", there.directory / "copy/secret.key")
        socket = desk.directory / "data/api.sock"
        finding = await Finding.on(desk, socket)
        mine = await finding.box(lambda box: len(box.addresses) == 2)
        assert (mine.name, mine.is_here, mine.answers_at) == ("Halle 3", True, f"unix:{socket}")
        await there.box("copy", "Halle 3")
        first, other = await finding.boxes(lambda boxes: is_one_of_each_name(boxes) and bool(boxes[1].answers_at))
        assert first.box_id == other.box_id == mine.box_id
        assert (first.is_here, other.is_here, other.answers_at) == (True, False, "http://10.9.8.1:8080")


async def test_the_first_address_that_answers_is_taken(site: Site) -> None:
    address, identity = await first_answer(["http://127.0.0.1:1", site.url])
    assert address == site.url
    assert identity.id == site.house.box.id


async def test_another_box_at_the_address_is_no_answer(site: Site) -> None:
    with pytest.raises(BoxAway, match=r"^Another box answers there\. Choose one from the list\.$"):
        await first_answer([site.url], "another")


async def test_nobody_at_an_address_is_told() -> None:
    with pytest.raises(BoxAway, match=r"^The box at http://127\.0\.0\.1:1 does not answer\."):
        await first_answer(["http://127.0.0.1:1"])


def test_a_box_on_this_machine_may_be_in_four_places() -> None:
    home = Path.home() / ".local/share/trackside/api.sock"
    assert own_sockets({}) == [home, INSTALLED]
    given = {"TRACKSIDE_API_SOCKET": "/a/b.sock", "TRACKSIDE_DATA": "/data", "XDG_DATA_HOME": "/xdg"}
    assert own_sockets(given) == [
        Path("/a/b.sock"),
        Path("/data/api.sock"),
        Path("/xdg/trackside/api.sock"),
        INSTALLED,
    ]
