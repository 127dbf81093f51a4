"""A stand-in car is what the reference says of the real one, over real SSH."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from tests.cars.hall import Car, Hall, needs_hall

pytestmark = needs_hall
ROS = "source /opt/aws/deepracer/lib/setup.bash && ros2 service call"


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with Hall() as hall:
        yield hall


def connected(car: Car, **options: object) -> "asyncssh.connect":
    """As somebody who knows the password and the host key."""
    known = asyncssh.import_known_hosts(f"{car.address} {car.host_key}\n")
    return asyncssh.connect(
        car.address, username=car.username, password=car.password, known_hosts=known, client_keys=None,
        preferred_auth="password", **options,
    )  # fmt: skip


async def test_a_community_car_lets_its_user_be_root(hall: Hall) -> None:
    car = await hall.car("community_24")
    async with connected(car) as ssh:
        told = await ssh.run(
            "sudo -n id -u; . /etc/os-release; echo $VERSION_ID; uname -n; sudo -n cat /etc/shadow | wc -l"
        )
    assert told.stderr == ""
    assert str(told.stdout).split()[:3] == ["0", "24.04", "deepracer"]


async def test_a_key_opens_neither_a_command_nor_sftp_before_the_first_password_is_changed(
    hall: Hall, tmp_path: Path
) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = key.export_public_key().decode().strip()
    car = await hall.car("stock_20", ssh_on=True, authorized_keys=(public,))
    async with asyncssh.connect(car.address, username=car.username, client_keys=[key], known_hosts=None) as ssh:
        told = await ssh.run("true")
        with pytest.raises(asyncssh.SFTPError):
            await ssh.start_sftp_client()
    assert told.exit_status == 1
    assert "Password change required but no TTY available." in str(told.stderr)


async def test_ssh_is_off_as_a_stock_car_comes(hall: Hall) -> None:
    car = await hall.car("stock_20")
    with pytest.raises((OSError, TimeoutError)):
        await asyncssh.connect(car.address, username=car.username, known_hosts=None, connect_timeout=0.3)
    assert (await car.run("systemctl is-active ssh")).out == "inactive\n"


async def test_its_tools_say_what_the_real_ones_say(hall: Hall) -> None:
    car = await hall.car("stock_20_drem")
    light = '/servo_pkg/set_led_state deepracer_interfaces_pkg/srv/SetLedCtrlSrv "{red: 0, green: 7, blue: 9999825}"'
    told = await car.run(f"bash -c '{ROS} {light}'")
    assert told.out == (
        "waiting for service to become available...\n"
        "requester: making request: "
        "deepracer_interfaces_pkg.srv.SetLedCtrlSrv_Request(red=0, green=7, blue=9999825)\n\n"
        "response:\ndeepracer_interfaces_pkg.srv.SetLedCtrlSrv_Response(error=0)\n\n"
    )
    assert await car.get("light") == [0, 7, 9999825]
    assert (await car.run("dpkg-query -W -f='${Package} ${Version}\\n' aws-deepracer-core")).out == (
        "aws-deepracer-core 2.0.0.7\n"
    )
    assert (await car.run("cat /sys/class/dmi/id/chassis_serial")).out == f"{car.serial}\n"
