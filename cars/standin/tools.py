"""Every tool of a stand-in car by its name, and the socket at which tool_client.py asks for it."""

import contextlib
import os
import select
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from cars.standin import car_tools, ros_tools, systemd_tools
from cars.standin.machine import Answer, Call, Machine

Tool = Callable[[Machine, Call], Answer]
TOOLS: dict[str, tuple[str, Tool]] = {
    "systemctl": ("usr/bin", systemd_tools.systemctl),
    "service": ("usr/sbin", systemd_tools.service),
    "hostnamectl": ("usr/bin", systemd_tools.hostnamectl),
    "timedatectl": ("usr/bin", systemd_tools.timedatectl),
    "journalctl": ("usr/bin", systemd_tools.journalctl),
    "reboot": ("usr/sbin", systemd_tools.reboot),
    "poweroff": ("usr/sbin", systemd_tools.poweroff),
    "shutdown": ("usr/sbin", systemd_tools.shutdown),
    "ros2": ("opt/ros/bin", ros_tools.ros2),
    "get_ad_level.sh": ("opt/aws/deepracer/util", ros_tools.get_ad_level),
    "dpkg-query": ("usr/bin", car_tools.dpkg_query),
    "ufw": ("usr/sbin", car_tools.ufw),
    "nmcli": ("usr/bin", car_tools.nmcli),
    "iw": ("usr/sbin", car_tools.iw),
    "date": ("usr/bin", car_tools.date),
    "hwclock": ("usr/sbin", car_tools.hwclock),
    "lsb_release": ("usr/bin", car_tools.lsb_release),
}
"""The folder where the real one lies, and who answers."""


CLIENT = Path(__file__).with_name("tool_client.py").read_text()
"""Read before the stand-in has its own root: the project may lie in a folder that the car has another of."""


def place_tools(root: Path, socket_path: Path, *, interpreter: str = "/usr/bin/python3") -> None:
    """Put the tools into the car's tree, in the place of the real ones."""
    source = CLIENT.replace("#!/usr/bin/python3", f"#!{interpreter}")
    source = source.replace("/run/standin/socket", str(socket_path))
    for name, (folder, _) in TOOLS.items():
        path = root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        path.write_text(source)
        path.chmod(0o755)


class ToolSocket:
    """Answers the tools; each in a thread of its own, for some wait for ever."""

    def __init__(self, machine: Machine, path: Path, *, root_uid: int = 0) -> None:
        self._machine = machine
        self._root_uid = root_uid
        path.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._socket.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True, name="tools")
        self._thread.start()

    def close(self) -> None:
        """Nobody is answered any more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                asker, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(asker,), daemon=True, name="tool").start()

    def _serve(self, asker: socket.socket) -> None:
        with asker, contextlib.suppress(OSError):
            _, uid, _ = struct.unpack("3i", asker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            with asker.makefile("rb") as sent:
                asked = sent.read(int.from_bytes(sent.read(4), "big"))
            argv = tuple(os.fsdecode(word) for word in asked.split(b"\0"))
            answer = answered(self._machine, _call(asker, argv, 0 if uid == self._root_uid else uid))
            _send(asker, b"o", answer.out)
            _send(asker, b"e", answer.err)
            _send(asker, *((b"b", "\0".join(answer.become)) if answer.become else (b"x", str(answer.code))))


def answered(machine: Machine, call: Call) -> Answer:
    """What the tool of this call says."""
    machine.calls.append(call.argv)
    return TOOLS[os.path.basename(call.argv[0])][1](machine, call)


def _call(asker: socket.socket, argv: tuple[str, ...], uid: int) -> Call:
    return Call(argv, uid, say=lambda text: _send(asker, b"o", text), is_gone=lambda: _is_gone(asker))


def _is_gone(asker: socket.socket) -> bool:
    readable, _, _ = select.select([asker], [], [], 0)
    return bool(readable) and not asker.recv(1, socket.MSG_PEEK)


def _send(asker: socket.socket, kind: bytes, text: str) -> None:
    """One frame, as tool_client.py reads it: o and e are printed, b is become, x ends."""
    said = text.encode()
    asker.sendall(kind + len(said).to_bytes(4, "big") + said)
