"""A word to systemd, as systemd would hear it."""

import socket

import pytest

from appliance.notify import READY, STOPPING, WATCHDOG, Notifier


@pytest.fixture
def systemd(tmp_path):
    """A datagram socket like the one systemd gives a unit."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        yield sock


def test_words_arrive_in_order(systemd):
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    for word in (READY, WATCHDOG, STOPPING):
        notifier.say(word)
    assert [systemd.recv(64) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_abstract_socket_is_understood():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("")  # The kernel chooses an abstract name.
        sock.settimeout(10)
        Notifier({"NOTIFY_SOCKET": "@" + sock.getsockname()[1:].decode()}).say(READY)
        assert sock.recv(64) == b"READY=1"


def test_no_child_inherits_the_socket():
    environment = {"NOTIFY_SOCKET": "/run/notify", "HOME": "/"}
    Notifier(environment)
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/notify"}], ids=str)
def test_nobody_who_listens_is_no_fault(environment):
    Notifier(environment).say(READY)


def test_systemd_that_does_not_read_is_not_waited_for(systemd):
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    for _ in range(2_000):
        notifier.say(WATCHDOG)
    assert systemd.recv(64) == b"WATCHDOG=1"
