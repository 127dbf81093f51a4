"""Which kind of car it is, and what may be typed to pair one."""

import pytest

from appliance.errors import InvalidInput
from cars.car_structs import Platform
from cars.pairing_structs import NewPairing, checked
from cars.platforms import is_too_old, platform_of


@pytest.mark.parametrize(
    ("os_version", "has_device_tree", "core_version", "platform"),
    [
        ("20.04", False, "2.0.0.7", Platform.STOCK_20),
        ("20.04", False, "2.1.2.7+community", Platform.COMMUNITY_20),
        ("24.04", False, "2.1.9.9+community", Platform.COMMUNITY_24),
        ("24.04", True, "2.1.9.9+community", Platform.PI),
        ("22.04", True, None, Platform.PI),
        ("16.04", False, "1.0.590.0", Platform.STOCK_16),
        ("22.04", False, None, Platform.UNKNOWN),
        (None, False, None, Platform.UNKNOWN),
    ],
)
def test_a_car_is_told_by_its_system(
    os_version: str | None, has_device_tree: bool, core_version: str | None, platform: Platform
) -> None:
    told = platform_of(os_version=os_version, has_device_tree=has_device_tree, core_version=core_version)
    assert told is platform


@pytest.mark.parametrize(
    ("told", "is_old"),
    [
        ({"core_version": "1.0.590.0"}, True),
        ({"core_version": "2.0.0.7"}, False),
        ({"os_version": "16.04"}, True),
        ({"banner": "SSH-2.0-OpenSSH_7.2p2 Ubuntu-4ubuntu2.8"}, True),
        ({"banner": "SSH-2.0-OpenSSH_8.2p1 Ubuntu-4ubuntu0.11"}, False),
        ({}, False),
    ],
)
def test_ubuntu_16_is_known_before_anybody_signs_in(told: dict[str, str], is_old: bool) -> None:
    assert is_too_old(**told) is is_old


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": ""}, "address"),
        ({"address": "car.local"}, "address"),
        ({"address": "192.168.1.256"}, "address"),
        ({"address": "10.0.0.1"}, "address"),
        ({"address": "10.0.1.1"}, "address"),
        ({"address": "224.0.0.251"}, "address"),
        ({"address": "127.0.0.1"}, "address"),
        ({"address": "0.0.0.0"}, "address"),
        ({"address": "-oProxyCommand=x"}, "address"),
        ({"username": "Pilot"}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "-r"}, "username"),
        ({"username": "ALL, root"}, "username"),
        ({"port": 0}, "port"),
        ({"console_port": 70_000}, "console_port"),
        ({"password": "two\nlines"}, "password"),
        ({"new_password": "x" * 201}, "new_password"),
        ({"name": "x" * 41}, "name"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(changes: dict[str, object], field: str) -> None:
    fields: dict[str, object] = {"address": "192.168.1.42", **changes}
    with pytest.raises(InvalidInput) as caught:
        checked(NewPairing(**fields))  # type: ignore[arg-type]
    assert caught.value.field == field


def test_blanks_around_an_address_go_and_those_of_a_password_stay() -> None:
    told = checked(NewPairing(address=" 192.168.1.42 ", name=" Blue 3 ", username=" ", password=" secret "))
    assert (told.address, told.name, told.username, told.password) == (
        "192.168.1.42",
        "Blue 3",
        "deepracer",
        " secret ",
    )
