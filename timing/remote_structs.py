"""Recorders on other machines: what is typed in, what is shown, what can go wrong with reaching one."""

import re
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from appliance.errors import ApplianceError, InvalidInput

DEFAULT_PORT = 22
DEFAULT_SOCKET = "/run/trackside/timing.sock"
"""Where the systemd unit of a recorder listens."""
MAX_SOCKET_BYTES = 107
"""sun_path in unix(7)."""

_HOST = re.compile(r"[\w.:%-]{1,253}")
_USERNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_SOCKET = re.compile(r"/[A-Za-z0-9._/+@-]+")
"""Nothing that would have to be quoted in a shell or in authorized_keys."""


class NewRemote(Struct, frozen=True, kw_only=True):
    """Where a recorder is: `remote_socket` is a path on the machine `host`, `username` who may open it there."""

    name: str
    host: str
    username: str
    port: int = DEFAULT_PORT
    remote_socket: str = DEFAULT_SOCKET


class RemoteLink(Struct, frozen=True, kw_only=True):
    """
    The way to one recorder at this moment; whoever follows it connects to `socket_path`.

    `problem`: why it cannot be reached, with what to do; None when all is well, or it is only just being tried.
    `fingerprint`: of the host key it must show; None until paired. `seen_fingerprint`: of the one it showed last.
    """

    remote_id: str
    name: str
    host: str
    port: int
    username: str
    remote_socket: str
    socket_path: Path
    is_open: bool
    problem: str | None
    fingerprint: str | None
    seen_fingerprint: str | None

    @property
    def is_paired(self) -> bool:
        """Whether its host key is known, so that it may be signed in to."""
        return self.fingerprint is not None

    @property
    def has_other_key(self) -> bool:
        """Whether it showed another host key than the known one: a new card, or somebody else."""
        return self.is_paired and self.seen_fingerprint not in (None, self.fingerprint)


class SocketSeen(StrEnum):
    """What the user who was paired finds at `remote_socket`."""

    READY = "ready"
    CLOSED = "closed"
    """It is there, but this user may not open it."""
    ABSENT = "absent"


def checked(new: NewRemote) -> NewRemote:
    """
    The same without blanks around it.

    Raises:
        InvalidInput: `field` says which one is wrong.
    """
    name, host, username, socket = (text.strip() for text in (new.name, new.host, new.username, new.remote_socket))
    if not 1 <= len(name) <= 40 or not name.isprintable():
        raise InvalidInput("A recorder's name has 1 to 40 characters.", "For example: Left track.", field="name")
    if not _HOST.fullmatch(host):
        raise InvalidInput(
            "That is no name or address of a machine.", "For example: 192.168.1.20 or track-2.local.", field="host"
        )
    if not 1 <= new.port <= 65_535:
        raise InvalidInput("A port is a number from 1 to 65535.", "SSH usually has 22.", field="port")
    if not _USERNAME.fullmatch(username):
        raise InvalidInput("That is no user of a Linux machine.", "For example: pi.", field="username")
    if not _SOCKET.fullmatch(socket) or len(socket) > MAX_SOCKET_BYTES:
        raise InvalidInput(
            f"The socket is a path of at most {MAX_SOCKET_BYTES} letters, digits and . _ - + @ / that starts with /.",
            f"Usually it is {DEFAULT_SOCKET}.",
            field="remote_socket",
        )
    return NewRemote(name=name, host=host, port=new.port, username=username, remote_socket=socket)


def in_words(error: ApplianceError) -> str:
    """What to show as a link's problem."""
    return f"{error.message} {error.remedy}"
