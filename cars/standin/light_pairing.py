"""
What a light stand-in answers a box that pairs or releases it, besides the helper: some commands, word for word.

None of them is run. What a shell would do on a real car is done here, inside the car's folder; a command that differs
by one letter does not exist, and no other program than this project's own helper is ever installed.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from cars.enrol_steps.rooting import SCRIPT, SENT
from cars.enrol_steps.trusting import KEYS
from cars.standin.light_tree import HELPER, SOURCE

AUTHORIZED = "root/.ssh/authorized_keys"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command prints and ends with."""

    out: str = ""
    err: str = ""
    code: int = 0


NOTHING_THERE = Said(err="This stand-in knows what a box asks, and nothing else.\n", code=127)


class Pairing:
    """Who is let in, and whether the helper is there; both are files of the car and survive a restart."""

    def __init__(self, root: Path, put: Callable[[], None]) -> None:
        """`put` writes the helper's copy."""
        self._root = root
        self._put = put

    def lets_in(self, key: asyncssh.SSHKey) -> bool:
        """Whether a box left this key."""
        blob = key.export_public_key().split()[1].decode()
        return any(blob in line.split() for line in self._lines())

    def answer(self, words: list[str], sent: str) -> Said:
        """A command; `sent` is its standard input."""
        said = NOTHING_THERE
        match words:
            case ["true"] | ["sudo", "-n", "true"]:
                said = Said()
            case ["cat", "/etc/os-release"]:
                said = Said((self._root / "etc/os-release").read_text())
            case ["test", "-x", place] if place == HELPER:
                said = Said(code=0 if self.has_helper() else 1)
            case ["rm", "-f", place] if place == f"/{SENT}":
                (self._root / SENT).unlink(missing_ok=True)
                said = Said()
            case ["sh", "-c", script] if script == KEYS:
                said = self._change_keys(sent)
            case ["sudo", "-n", "--", "sh", "-c", script, "sh", place, digest, _] if script == SCRIPT:
                said = self._install(place, digest)
        return said

    def has_helper(self) -> bool:
        """Whether it was installed, and not taken away since."""
        return (self._root / HELPER.lstrip("/")).exists()

    def _lines(self) -> list[str]:
        path = self._root / AUTHORIZED
        return path.read_text().splitlines() if path.exists() else []

    def _change_keys(self, sent: str) -> Said:
        blob, _, line = sent.partition("\n")
        kept = [one for one in self._lines() if blob not in one]
        path = self._root / AUTHORIZED
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text("".join(f"{one}\n" for one in (*kept, line.strip()) if one))
        return Said("changed\n")

    def _install(self, place: str, digest: str) -> Said:
        ours, sent = SOURCE.read_bytes(), self._root / SENT
        is_ours = place == f"/{SENT}" and sent.exists() and sent.read_bytes() == ours
        if not is_ours or digest != hashlib.sha256(ours).hexdigest():
            return Said(err="other bytes than were sent\n", code=4)
        self._put()
        return Said("installed\n")
