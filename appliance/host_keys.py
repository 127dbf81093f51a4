"""How a machine proves itself over SSH, and its two ways of saying no. Light: asyncssh is for appliance/ssh.py."""

import base64
import hashlib

from appliance.errors import NotReady


class Refused(NotReady):
    """The machine is there and says no: trying again soon would only have it shut us out for longer."""


class OtherHostKey(Refused):
    """It showed `seen`, another host key than the known one."""

    def __init__(self, message: str, remedy: str, *, seen: str | None) -> None:
        super().__init__(message, remedy)
        self.seen = seen


def fingerprint(host_key: str) -> str:
    """SHA256:… of "ssh-ed25519 AAAA…", as `ssh-keygen -lf` prints it."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
