"""What goes wrong with a car at the track goes wrong with its stand-in."""

import asyncio
import contextlib
import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
from zeroconf import AddressResolverIPv4
from zeroconf.asyncio import AsyncZeroconf

from cars.on_car_api import HELPER_FILE
from tests.cars.hall import Car, Hall, needs_hall
from tests.cars.hall_car import TREE
from tests.cars.hall_faults import ARTIFACTS

pytestmark = needs_hall
DEADLINE_S = 40
HELPER = "/usr/local/sbin/trackside-car"
TOKEN = "c" * 32


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with Hall() as hall:
        yield hall


async def host_key(car: Car) -> str | None:
    """What sshd at the car's address proves to have; None when nobody answers."""
    try:
        key = await asyncio.wait_for(asyncssh.get_server_host_key(car.address, port=car.port), 1)
    except (OSError, TimeoutError, asyncssh.Error):
        return None
    assert key is not None
    return " ".join(key.export_public_key().decode().split()[:2])


async def until_key(car: Car, expected: str | None) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await host_key(car) != expected:
            pass


async def test_a_reflashed_car_has_another_host_key_and_the_same_serial(hall: Hall) -> None:
    car = await hall.car("community_20", authorized_keys=("ssh-ed25519 AAAA somebody",))
    old = car.host_key
    (car.artifacts / "mine").mkdir()
    await car.reflash()
    assert car.host_key != old
    await until_key(car, car.host_key)
    assert (await car.run("cat /sys/class/dmi/id/chassis_serial")).out == f"{car.serial}\n"
    assert not (car.artifacts / "mine").exists()
    assert not car.path("/home/deepracer/.ssh/authorized_keys").exists()


async def test_a_cloned_image_has_the_host_key_of_another_car(hall: Hall) -> None:
    first, second = await hall.car("community_24"), await hall.car("community_24")
    assert first.host_key != second.host_key
    await second.clone_host_key(first)
    assert first.host_key == second.host_key
    await until_key(second, first.host_key)


async def test_a_car_that_moves_answers_at_its_new_address_only(hall: Hall) -> None:
    car = await hall.car("community_24")
    old = car.address
    await car.new_address()
    assert car.address != old
    await until_key(car, car.host_key)
    car.address = old
    assert await host_key(car) is None


async def test_out_of_reach_is_silence_and_within_again_all_is_well(hall: Hall) -> None:
    car = await hall.car("community_24")
    await until_key(car, car.host_key)
    await car.link_down()
    assert await host_key(car) is None
    await car.link_up()
    await until_key(car, car.host_key)


async def test_a_reboot_ends_sessions_and_comes_back_with_another_boot_id(hall: Hall) -> None:
    car = await hall.car("community_24")
    boot_id = car.path("/proc/sys/kernel/random/boot_id").read_text()
    options = {"username": car.username, "password": car.password, "known_hosts": None, "client_keys": None}
    async with asyncssh.connect(car.address, keepalive_interval=1, **options) as ssh:
        with contextlib.suppress(asyncssh.Error, OSError):
            await ssh.run("sudo -n systemctl reboot; sleep 60")
    await until_key(car, car.host_key)
    assert car.path("/proc/sys/kernel/random/boot_id").read_text() != boot_id


async def test_five_wrong_passwords_close_port_22_for_this_address(hall: Hall) -> None:
    car = await hall.car("stock_20_drem")
    options = {"username": car.username, "known_hosts": None, "client_keys": None}
    await until_key(car, car.host_key)
    for at in range(5):
        with pytest.raises((asyncssh.PermissionDenied, OSError)):
            await asyncssh.connect(car.address, password=f"wrong {at}", **options)
    await until_key(car, None)
    await car.unban()
    await until_key(car, car.host_key)


async def test_a_full_disk_refuses_the_next_byte(hall: Hall) -> None:
    car = await hall.car("community_24", opt_bytes=20_000_000)
    await car.fill_disk()
    told = await car.run("head -c 1000000 /dev/zero > /opt/aws/deepracer/artifacts/x")
    assert "No space left on device" in told.err


async def test_a_usb_stick_wipes_every_model_but_the_golden_one(hall: Hall) -> None:
    car = await hall.car("community_24")
    (car.artifacts / "Sample_single_cam").rename(car.artifacts / "AWS Sample")
    await car.usb_wipe()
    assert [path.name for path in car.artifacts.iterdir()] == ["AWS Sample"]


async def test_the_clock_of_a_car_is_its_own(hall: Hall) -> None:
    car = await hall.car("community_24", clock_off_s=-2 * 365 * 86_400)
    before = time.time()
    assert abs(int((await car.run("date +%s")).out) - before + 2 * 365 * 86_400) < DEADLINE_S
    assert (await car.run("date -u -s @1800000000 && date -u +%Y")).out.split()[-1] == "2027"
    assert abs(time.time() - before) < DEADLINE_S
    assert (await car.run("/usr/lib/standin/date -s @0")).code != 0


async def test_a_slow_wifi_lets_through_what_it_is_told_to(hall: Hall) -> None:
    car = await hall.car("community_24")
    await car.slow(kbit_s=4000, loss_percent=1)
    options = {"username": car.username, "password": car.password, "known_hosts": None, "client_keys": None}
    async with asyncssh.connect(car.address, **options) as ssh:
        started = time.monotonic()
        told = await ssh.run("head -c 400000 /dev/zero", encoding=None)
        took = time.monotonic() - started
    assert len(told.stdout or b"") == 400_000
    assert took > 0.5  # 400 kB at 500 kB/s, less what the bucket holds: no machine is faster
    await car.slow()


async def test_a_stock_car_says_its_name_over_mdns(hall: Hall) -> None:
    car = await hall.car("stock_20")
    resolver = AddressResolverIPv4(f"{car.serial.lower()}.local.")
    async with AsyncZeroconf(interfaces=[hall.address]) as zero:
        assert await resolver.async_request(zero.zeroconf, DEADLINE_S * 1000)
    assert resolver.parsed_addresses() == [car.address]


CHILD = """
import asyncio, os, sys
from tests.cars.hall import Hall

async def main():
    async with Hall() as hall:
        cars = await asyncio.gather(hall.car("stock_20"), hall.car("community_24"))
        print(hall.name, hall.pid, *(car.pid for car in cars), flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


def test_nothing_is_left_of_a_hall_whose_test_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], cwd=TREE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        name, *pids = child.stdout.readline().split()
        there = [Path(f"/sys/class/net/{name}"), *(Path(f"/proc/{pid}") for pid in pids)]
        assert len(there) == 4
        assert all(path.exists() for path in there)
        child.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE_S
    while any(path.exists() for path in there):
        assert time.monotonic() < deadline, there
        time.sleep(0.02)


async def test_two_halls_at_once_have_networks_of_their_own() -> None:
    async with Hall() as one, Hall() as other:
        assert one.net != other.net
        first, second = await asyncio.gather(one.car("community_24"), other.car("community_24"))
        await until_key(first, first.host_key)
        await until_key(second, second.host_key)
        told = await first.run(f"timeout 1 bash -c 'exec 3<>/dev/tcp/{second.address}/22'")
        assert told.code != 0


async def test_the_helper_is_killed_between_its_renames_and_the_next_one_mends_it(hall: Hall) -> None:
    car = await hall.car("community_24", opt_bytes=400_000_000)
    helper = car.path("/usr/local/sbin/trackside-car")
    helper.write_bytes(HELPER_FILE.read_bytes())
    helper.chmod(0o755)
    await stage(car, b"old graph")
    assert (await car.run(install_of(b"old graph"))).code == 0
    await stage(car, b"new graph")
    await car.kill_at_rename(1, below=ARTIFACTS)
    assert (await car.run(install_of(b"new graph"))).code == -signal.SIGKILL
    assert not (car.artifacts / "racer").exists()
    await car.mend_helper()
    assert (await car.run(f"{HELPER} recover")).code == 0
    assert (car.artifacts / "racer/model.pb").read_bytes() in {b"old graph", b"new graph"}


async def stage(car: Car, graph: bytes) -> None:
    """As a push brings it."""
    assert (await car.run(f"{HELPER} offer {identity(graph)}")).code == 0
    for name, data in (("model.pb", graph), ("model_metadata.json", b"{}")):
        words = f"{HELPER} receive {TOKEN} {name} 0 {len(data)}"
        assert (await car.run(f"printf %s '{data.decode()}' | {words}")).code == 0


def install_of(graph: bytes) -> str:
    return f"{HELPER} install {identity(graph)}"


def identity(graph: bytes) -> str:
    md5 = hashlib.md5(graph, usedforsecurity=False).hexdigest()
    digests = [hashlib.sha256(data).hexdigest() for data in (graph, b"{}")]
    return f"{TOKEN} racer {md5} {' '.join(digests)}"


async def test_sshd_is_away_for_a_while_when_a_stock_core_starts(hall: Hall) -> None:
    car = await hall.car("stock_20_drem")
    await until_key(car, car.host_key)
    await car.refuse_ssh_at_core_restart(1000)
    await car.call("restart", "deepracer-core")
    assert await host_key(car) is None
    await car.call("start", "ssh")
    await until_key(car, car.host_key)


async def test_a_cut_of_the_power_is_silence_until_somebody_presses_the_button(hall: Hall) -> None:
    car = await hall.car("community_24")
    await until_key(car, car.host_key)
    await car.vanish()
    assert await host_key(car) is None
    await car.come_back()
    await until_key(car, car.host_key)


async def test_a_car_that_hangs_opens_the_connection_and_says_nothing(hall: Hall) -> None:
    car = await hall.car("community_24")
    await until_key(car, car.host_key)
    await car.freeze()
    reader, writer = await asyncio.open_connection(car.address, 22)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.3)
    await car.thaw()
    assert (await asyncio.wait_for(reader.readline(), DEADLINE_S)).startswith(b"SSH-2.0-OpenSSH")
    writer.close()


async def test_of_two_cars_of_one_name_avahi_calls_either_dash_2(hall: Hall) -> None:
    first, second = await hall.car("stock_20_drem"), await hall.car("stock_20_drem")
    await second.same_name_as(first)
    assert await second.get("host_name") == await first.get("host_name") == first.serial.lower()
    resolver = AddressResolverIPv4(f"{first.serial.lower()}-2.local.")
    async with AsyncZeroconf(interfaces=[hall.address]) as zero:
        assert await resolver.async_request(zero.zeroconf, DEADLINE_S * 1000)
    assert set(resolver.parsed_addresses()) <= {first.address, second.address}
