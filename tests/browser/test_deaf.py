"""The Chromium of these tests hears nothing of the addresses that other tests give this machine."""

import errno
import socket
import subprocess
import sys

import pytest

from tests.browser.conftest import deaf_environment

ASK = "import socket; socket.socket().close(); socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux tells over netlink")
def test_nothing_tells_it_of_addresses() -> None:
    environment = deaf_environment()
    if "LD_PRELOAD" not in environment:
        pytest.skip("a C compiler is needed to make it deaf: apt install gcc")
    asked = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=False)
    assert f"[Errno {errno.EAFNOSUPPORT}]" in asked.stderr
