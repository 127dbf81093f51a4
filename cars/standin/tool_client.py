#!/usr/bin/python3 -IS
"""A tool of a stand-in car, under every name it has: asks the car's machine what to print. Python 3.8; starts fast."""

# `socket` and `json` would more than double the time that each of a car's hundred calls takes.
import _socket
import os
import sys

SOCKET = "/run/standin/socket"


def main() -> int:
    """Ask; print; or become the real tool with other arguments."""
    asked = b"\0".join(map(os.fsencode, [os.path.basename(sys.argv[0]), *sys.argv[1:]]))
    machine = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    machine.connect(SOCKET)
    machine.sendall(len(asked).to_bytes(4, "big") + asked)
    while True:
        head = taken(machine, 5)
        said = taken(machine, int.from_bytes(head[1:], "big"))
        if head[:1] in (b"o", b"e"):
            printed(1 if head[:1] == b"o" else 2, said)
        elif head[:1] == b"b":
            become = said.decode().split("\0")
            os.execv(become[0], become)  # noqa: S606  the real `date`
        else:
            return int(said or b"1")


def taken(machine: _socket.socket, count: int) -> bytes:
    """As many bytes; none once the machine has gone."""
    got = b""
    while len(got) < count:
        more = machine.recv(count - len(got))
        if not more:
            return b""
        got += more
    return got


def printed(stream: int, text: bytes) -> None:
    """All of it."""
    while text:
        text = text[os.write(stream, text) :]


if __name__ == "__main__":
    sys.exit(main())
