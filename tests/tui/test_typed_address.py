"""Every way people write an address leads to the same places, and what cannot be one says what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.errors import BoxError
from tui.typed_address import EXAMPLE, addresses_typed, url

BARE = ("http://192.168.1.20:8080", "http://192.168.1.20")


@pytest.mark.parametrize(
    ("typed", "addresses"),
    [
        ("192.168.1.20", BARE),
        ("  192.168.1.20\n", BARE),
        ("192.168.1.20/", BARE),
        ("192.168.1.20:80", ("http://192.168.1.20",)),
        ("192.168.1.20:8081", ("http://192.168.1.20:8081",)),
        ("http://192.168.1.20", BARE[::-1]),
        ("HTTP://192.168.1.20:8080/boards/1?track=2#top", ("http://192.168.1.20:8080",)),
        ("RaceBox.local", ("http://racebox.local:8080", "http://racebox.local")),
        ("race_box", ("http://race_box:8080", "http://race_box")),
        ("fd00::20", ("http://[fd00::20]:8080", "http://[fd00::20]")),
        ("[FD00::20]:9000", ("http://[fd00::20]:9000",)),
        ("http://[fd00::20]/", ("http://[fd00::20]", "http://[fd00::20]:8080")),
        ("fe80::1%eth0", ("http://[fe80::1%eth0]:8080", "http://[fe80::1%eth0]")),
        ("/run/trackside-crew/api.sock", ("unix:/run/trackside-crew/api.sock",)),
        ("unix:/run/trackside-crew/api.sock", ("unix:/run/trackside-crew/api.sock",)),
    ],
)
def test_an_address_may_be_written_in_many_ways(typed: str, addresses: tuple[str, ...]) -> None:
    assert addresses_typed(typed) == addresses


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "There is no address yet."),
        ("http://", "There is no address yet."),
        (":8080", "There is no address yet."),
        ("müller.local", "An address has no umlauts and no spaces."),
        ("192.168. 1.20", "An address has no umlauts and no spaces."),
        ("192.168.1", "192.168.1 is not four numbers up to 255 with dots between."),
        ("192.168.1.256", "192.168.1.256 is not four numbers up to 255 with dots between."),
        ("192,168,1,20", "192,168,1,20 is no name of a machine."),
        ("192.168.1.20:web", "web is no port."),
        ("192.168.1.20:", "Nothing is no port."),
        ("192.168.1.20:70000", "70000 is no port."),
        ("https://192.168.1.20", "A box is not reached by https://."),
        ("ssh://pi", "A box is not reached by ssh://."),
        ("http://pi@192.168.1.20", "An address has no name and no password in it."),
        ("fd00::20::1", "fd00::20::1 is no IPv6 address."),
        ("[fd00::20", "The ] of the IPv6 address is missing, or not before the port."),
        ("[fd00::20]8080", "The ] of the IPv6 address is missing, or not before the port."),
        ("fe80::1", "fe80::1 does not say on which of this machine's networks."),
        ("fe80::1%et h0", "An address has no umlauts and no spaces."),
        ("fe80::1%eth;0", "eth;0 is no network of this machine."),
    ],
)
def test_what_cannot_be_an_address_says_why(typed: str, message: str) -> None:
    with pytest.raises(BoxError) as caught:
        addresses_typed(typed)
    assert caught.value.message == message
    assert caught.value.remedy


def test_the_remedy_shows_how_it_is_written() -> None:
    with pytest.raises(BoxError) as caught:
        addresses_typed("ü")
    assert caught.value.remedy == EXAMPLE


@given(st.ip_addresses().filter(lambda ip: not (ip.version == 6 and ip.is_link_local)), st.integers(1, 65_535))
def test_every_address_that_is_shown_can_be_typed(address: object, port: int) -> None:
    shown = url(str(address), port)
    assert addresses_typed(shown)[0] == shown
    assert addresses_typed(shown.removeprefix("http://"))[-1] == shown


@given(st.text(max_size=80))
def test_nothing_else_than_a_box_error_comes_of_typing(text: str) -> None:
    try:
        said = addresses_typed(text)
    except BoxError as error:
        said = (error.message, error.remedy)
    assert 1 <= len(said) <= 2
    assert all(said)
