"""The box announces itself: real boxes and a real avahi-daemon on two machines with a cable between."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance import announce
from appliance.announce import Announcer
from appliance.health import Check
from appliance.identity import identity_of
from appliance.networks import Network, addresses_of, networks
from appliance.permissions import Role
from appliance.service_record import EVENTS_BYTES, events_text
from appliance.settings import Settings, load
from tests.appliance.two_machines import Machine, needs_avahi, needs_root, two_machines
from tests.conftest import racing_in

LIST = ("avahi-browse", "-rpt", "_trackside._tcp")
PASSWORD = "correct-horse-battery"
REMEDY = "It is tried again by itself. The terminal takes the address of the box typed as well."
on_two_machines = [needs_root, needs_avahi, pytest.mark.timeout(180)]


@pytest.fixture
async def machines(tmp_path: Path) -> AsyncIterator[tuple[Machine, Machine]]:
    async with two_machines(tmp_path) as both:
        yield both


class TestOnTwoMachines:
    pytestmark = on_two_machines

    async def test_avahi_finds_the_box_beside_the_avahi_of_the_box(self, machines: tuple[Machine, Machine]) -> None:
        here, desk = machines
        await here.avahi("racebox")
        await desk.avahi("desk")
        found = await desk.browse()
        await here.box("data", "Halle 3")
        line = await found.line("=", "Halle")
        parts = line.split(";")
        assert parts[3:5] == ["Halle\\0323", "_trackside._tcp"]
        assert parts[7:9] == ["10.9.8.1", "8080"]
        answer = json.loads(await desk.told("curl", "-s", f"http://{parts[7]}:{parts[8]}/api/box"))
        assert answer["name"] == "Halle 3"
        for text in (f'"id={answer["id"]}"', f'"v={answer["version"]}"', '"name=Halle 3"', '"events="', '"tls=0"'):
            assert text in line
        assert parts[6] != "racebox.local"
        assert await desk.told("avahi-resolve", "-4n", parts[6]) == f"{parts[6]}\t10.9.8.1\n"
        assert await desk.told("avahi-resolve", "-4n", "racebox.local") == "racebox.local\t10.9.8.1\n"

    async def test_the_avahi_of_the_box_may_come_later(self, machines: tuple[Machine, Machine]) -> None:
        here, desk = machines
        await desk.avahi("desk")
        found = await desk.browse()
        await here.box("data", "Halle 3")
        await found.line("=", "Halle")
        await here.avahi("racebox")
        assert await desk.told("avahi-resolve", "-4n", "racebox.local") == "racebox.local\t10.9.8.1\n"
        assert "Halle" in await here.asked(lambda told: "=;" in told, *LIST)

    async def test_it_follows_the_events(self, machines: tuple[Machine, Machine]) -> None:
        here, desk = machines
        async with racing_in(here.directory / "data") as racing:
            await racing.people.add_staff("ann", [Role.ADMIN], PASSWORD, "test")
            await racing.event()
        await desk.avahi("desk")
        await here.box("data", "Halle 3")
        assert '"events=Cup"' in await desk.asked(lambda told: "=;" in told, *LIST)
        login = json.dumps({"username": "ann", "password": PASSWORD})
        token = json.loads(await post(desk, "session", login))["token"]
        await post(desk, "events", json.dumps({"name": "Night race, open"}), token)
        await desk.asked(lambda told: '"events=Night race  open"' in told, *LIST)

    async def test_it_follows_its_addresses(self, machines: tuple[Machine, Machine]) -> None:
        here, desk = machines
        await desk.avahi("desk")
        await here.box("data", "Halle 3")
        await desk.asked(lambda told: ";10.9.8.1;" in told, *LIST)
        here.add_address("10.9.8.7")
        await desk.asked(lambda told: ";10.9.8.7;" in told, *LIST)
        here.remove_address("10.9.8.1")
        address = await desk.asked(lambda told: "10.9.8.7" in told, "avahi-resolve", "-4n", await server_of(desk))
        assert "10.9.8.1" not in address
        await desk.asked(lambda told: ";10.9.8.7;" in told and ";10.9.8.1;" not in told, *LIST)

    async def test_a_box_without_a_network_is_announced_when_it_comes(self, machines: tuple[Machine, Machine]) -> None:
        here, desk = machines
        here.remove_address("10.9.8.1")
        here.ip("link", "set", "lo", "down")
        await desk.avahi("desk")
        found = await desk.browse()
        await here.box("data", "Halle 3")
        here.add_address("10.9.8.1")
        assert ";10.9.8.1;8080;" in await found.line("=", "Halle")

    async def test_a_pulled_cable_is_survived(self, machines: tuple[Machine, Machine]) -> None:
        here, desk = machines
        await desk.avahi("desk")
        found = await desk.browse()
        here.pull()
        box = await here.box("data", "Halle 3")
        here.plug()
        await found.line("=", "Halle")
        here.pull()
        here.plug()
        await box.end()
        await found.line("-;", "Halle")

    async def test_an_ended_box_leaves_the_list_and_a_killed_one_comes_back_under_its_name(
        self, machines: tuple[Machine, Machine]
    ) -> None:
        here, desk = machines
        await desk.avahi("desk")
        found = await desk.browse()
        box = await here.box("data", "Halle 3")
        await found.line("=", "Halle")
        await box.end(signal.SIGKILL)
        box = await here.box("data", "Halle 3")
        await here.avahi("racebox")
        await here.asked(lambda told: "=;" in told, *LIST)
        assert await box.end() == 0
        await found.line("-;", "Halle")
        assert {line.split(";")[3] for line in found.lines} == {r"Halle\0323"}

    async def test_the_second_box_of_a_name_takes_another(self, machines: tuple[Machine, Machine]) -> None:
        here, desk = machines
        await desk.avahi("desk")
        found = await desk.browse()
        await here.box("data", "Halle 3")
        await found.line("=", "Halle", "10.9.8.1")
        await desk.box("more-data", "Halle 3")
        await desk.asked(is_one_of_each_name, *LIST)

    async def test_two_boxes_of_a_name_come_together_and_part_again(self, machines: tuple[Machine, Machine]) -> None:
        here, desk = machines
        here.pull()
        await asyncio.gather(here.box("data", "Halle 3"), desk.box("more-data", "Halle 3"))
        await desk.avahi("desk")
        assert "-2;" not in await desk.asked(lambda told: ";10.9.8.2;" in told, *LIST)
        here.plug()
        await desk.asked(is_one_of_each_name, *LIST)

    async def test_a_box_that_is_told_not_to_is_silent(self, machines: tuple[Machine, Machine]) -> None:
        here, desk = machines
        await desk.avahi("desk")
        await here.box("data", "Halle 3", announce="false")
        found = await desk.browse()
        await desk.box("more-data", "Halle 4")
        await found.line("=", "Halle")
        assert not [line for line in found.lines if "Halle\\0323" in line]


def is_one_of_each_name(told: str) -> bool:
    """Both boxes, each with a name of its own: which has the number is of who was heard first."""
    lines = [line.split(";") for line in told.splitlines() if line.startswith("=;")]
    pairs = {(parts[7], parts[3]) for parts in lines if parts[7].startswith("10.9.8.")}
    addresses, names = {address for address, _ in pairs}, {name for _, name in pairs}
    return len(pairs) == 2 and addresses == {"10.9.8.1", "10.9.8.2"} and names == {"Halle\\0323", "Halle\\0323-2"}


async def post(machine: Machine, call: str, body: str, token: str = "") -> str:
    """Ask the box of the first machine from another one."""
    headers = ["-H", "content-type: application/json", "-H", f"authorization: Bearer {token}"]
    headers = headers if token else headers[:2]
    return await machine.told("curl", "-s", f"http://10.9.8.1:8080/api/{call}", *headers, "-d", body)


async def server_of(machine: Machine) -> str:
    """The host name that the box is announced with."""
    return (await machine.told(*LIST)).splitlines()[-1].split(";")[6]


def announcer(settings: Settings) -> Announcer:
    return Announcer(settings, identity_of(settings, b"0" * 32), lambda: ["Cup"])


async def check_of(one: Announcer, words: str) -> Check:
    """What the health check says, once it says these words; the box announces meanwhile."""
    running = asyncio.create_task(one.run())
    async with asyncio.timeout(20):
        while words not in one.check().message:
            assert not running.done()
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    return one.check()


def test_a_box_for_this_machine_only_is_not_announced(tmp_path: Path) -> None:
    settings = load(tmp_path, {"host": "127.0.0.1"}, {})
    message = "Not announced: no network that reaches 127.0.0.1."
    assert asyncio.run(check_of(announcer(settings), "no network")) == Check(ok=True, message=message, remedy=REMEDY)


def test_what_goes_wrong_is_told_and_hurts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(host: str) -> tuple[Network, ...]:
        raise OSError("no such device")

    monkeypatch.setattr(announce, "_networks", broken)
    check = asyncio.run(check_of(announcer(load(tmp_path, {}, {})), "no such device"))
    assert check == Check(ok=True, message="Not announced: no such device.", remedy=REMEDY)


def test_a_box_that_does_not_announce_says_so(tmp_path: Path) -> None:
    one = announcer(load(tmp_path, {"announce": False}, {}))
    asyncio.run(one.run())
    assert one.check() == Check(ok=True, message="The box does not announce itself: announce = false.")


def test_the_id_stays_with_the_secret_and_does_not_give_it_away(tmp_path: Path) -> None:
    settings = load(tmp_path, {"box_name": "Halle 3"}, {})
    first, again, other = (identity_of(settings, secret) for secret in (b"a" * 32, b"a" * 32, b"b" * 32))
    assert first == again != other
    assert first.name == "Halle 3"
    assert len(first.id) == 32
    assert (b"a" * 32).hex()[:8] not in first.id


def test_a_box_without_a_name_has_the_machine_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for host_name in ("racebox.fritz.box", "localhost", ""):
        monkeypatch.setattr("socket.gethostname", lambda host_name=host_name: host_name)
        names.append(identity_of(load(tmp_path, {}, {}), b"a" * 32).name)
    assert names == ["racebox", "Trackside", "Trackside"]


@example(["x" * 300, "y"])
@example(["ü" * 99, "y"])
@given(st.lists(st.text(min_size=1)))
def test_names_of_events_fit_into_their_record(names: list[str]) -> None:
    told = events_text(names)
    assert len(told.encode()) <= EVENTS_BYTES
    parts = told.split(",") if told else []
    assert parts[1:] == [name.replace(",", " ") for name in names[1 : len(parts)]]


def test_addresses_are_told_once_and_ipv4_first() -> None:
    cable = Network("eth0", 2, True, ("10.0.0.5",), ("fe80::5", "fd00::5"))
    wifi = Network("wlan0", 3, True, ("10.0.1.5",), ("fe80::5",))
    assert cable.addresses == ("10.0.0.5", "fd00::5", "fe80::5")
    assert addresses_of([cable, wifi]) == ["10.0.0.5", "10.0.1.5", "fd00::5", "fe80::5"]


def test_this_machine_s_own_addresses_are_no_network() -> None:
    every = [address for host in ("0.0.0.0", "::") for network in networks(host) for address in network.addresses]
    assert not [address for address in every if address.startswith("127.") or address == "::1"]
    assert networks("127.0.0.1") == ()
    assert [address for network in networks("0.0.0.0") for address in network.ipv6] == []


NO_NEW_CODE = """
import ctypes
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
    raise SystemExit(77)
import asyncio, appliance.service_record
from appliance.networks import networks
networks("::")
print("loaded")
"""


def test_it_loads_where_the_unit_forbids_memory_that_is_written_and_run() -> None:
    """MemoryDenyWriteExecute= of systemd/trackside.service; the addresses are asked of libc by way of ctypes."""
    done = subprocess.run([sys.executable, "-c", NO_NEW_CODE], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this kernel has no PR_SET_MDWE (6.3)")
    assert done.stdout == "loaded\n", done.stderr
