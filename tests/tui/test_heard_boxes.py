"""What is made of an announcement: anybody in the hall may say anything."""

import pytest
from zeroconf.asyncio import AsyncServiceInfo

from tui.connection import _host_without_zone
from tui.found_boxes import Sighting, Source
from tui.heard_boxes import MOST, MOST_ADDRESSES, SERVICE_TYPE, _announced, _sighting

SAID = {"id": "1f", "v": "0.1.0", "name": "Halle 3. Stock", "events": "Cup, Rookies,,", "tls": "0"}


def announced(
    said: dict[str, str | bytes],
    label: str = "Halle 3  Stock",
    addresses: tuple[str, ...] = ("10.0.0.5",),
    port: int = 8080,
) -> Sighting | None:
    name = f"{label}.{SERVICE_TYPE}"
    return _sighting(
        AsyncServiceInfo(SERVICE_TYPE, name, port, properties=said, server="x.local.", parsed_addresses=list(addresses))
    )


def test_a_box_is_what_it_says() -> None:
    assert announced({**SAID}) == Sighting(
        key=f"Halle 3  Stock.{SERVICE_TYPE}",
        source=Source.HEARD,
        box_id="1f",
        name="Halle 3. Stock",
        addresses=("http://10.0.0.5:8080",),
        events=("Cup", "Rookies"),
        version="0.1.0",
    )


def test_the_second_of_a_name_is_told_apart() -> None:
    second = announced({**SAID}, label="Halle 3  Stock-2")
    assert second is not None
    assert second.name == "Halle 3  Stock-2"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"name": "Halle 3"},
        {"id": ""},
        {"id": b"\xff\xfe\x00"},
        {"id": "1", "events": b"\xff"},
        {"id": "1", "x" * 200: "y"},
    ],
)
def test_nothing_that_is_said_breaks_the_list(said: dict[str, str | bytes]) -> None:
    sighting = announced(said)
    assert (sighting is None) == (not said.get("id"))


def test_a_name_that_is_none_hides_no_box() -> None:
    names = [f"{label}.{SERVICE_TYPE}" for label in ("\x1b[2J", "\x00", "", "Halle 3")]
    assert [info.name for info in _announced(names)] == [f"Halle 3.{SERVICE_TYPE}"]


def test_not_every_name_of_a_liar_is_asked() -> None:
    names = [f"\x07{number}.{SERVICE_TYPE}" for number in range(100)]
    names += [f"{number}.{SERVICE_TYPE}" for number in range(MOST + 1)]
    assert len(_announced(names)) == MOST


def test_what_nobody_can_reach_is_no_box() -> None:
    assert announced({**SAID}, addresses=()) is None
    assert announced({**SAID}, port=0) is None


def test_not_every_address_of_a_liar_is_asked() -> None:
    liar = announced({**SAID}, addresses=tuple(f"10.0.{number}.1" for number in range(200)))
    assert liar is not None
    assert len(liar.addresses) == MOST_ADDRESSES


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://[fe80::1%eth0]:8080", {"host": "[fe80::1]:8080"}),
        ("http://[fe80::1%2]", {"host": "[fe80::1]"}),
        ("http://[fd00::1]:8080", {}),
        ("http://10.0.0.5:8080", {}),
        ("unix:/box/100%/api.sock", {}),
    ],
)
def test_a_box_is_not_told_which_of_our_networks_it_is_on(address: str, host: dict[str, str]) -> None:
    assert _host_without_zone(address) == host
