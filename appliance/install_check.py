"""Whether an installed box works: its recorder answers, its pages answer; and what their journal says when not."""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from appliance.addresses import page_addresses
from appliance.errors import NotReady
from appliance.install_files import RECORDER, SERVER, SOCKET
from appliance.settings import Settings

RECORDER_PATIENCE_S = 30.0
SERVER_PATIENCE_S = 60.0
"""A Pi Zero needs a quarter of it."""
ANSWER_TIMEOUT_S = 5.0
AGAIN_S = 0.1
JOURNAL_LINES = 15
HELLO = b'{"type":"hello","protocol":1,"after":null}\n'


@dataclass(frozen=True, slots=True)
class Running:
    """What answers: the recorder's strips in words, the addresses of the pages, the set-up code while there is one."""

    strips: str
    addresses: list[str]
    setup_code: str | None


def check(settings: Settings, *, recorder_only: bool) -> Running:
    """
    Wait until what was started answers.

    Raises:
        NotReady: it does not; holds the end of its journal.
    """
    strips = wait_for_recorder(SOCKET)
    if recorder_only:
        return Running(strips, [], None)
    _wait_for_pages(settings)
    addresses = [settings.public_url] if settings.public_url else page_addresses(settings.host, settings.port)
    return Running(strips, addresses, setup_code_in(_journal(SERVER, 200)))


def wait_for_recorder(path: Path, patience_s: float = RECORDER_PATIENCE_S) -> str:
    """
    What the recorder says of its strips.

    Raises:
        NotReady: nobody answered in time.
    """
    gives_up_s = time.monotonic() + patience_s
    while True:
        try:
            return _strips_of(path)
        except (OSError, ValueError, KeyError) as error:
            if time.monotonic() > gives_up_s:
                raise _silent(RECORDER, str(error)) from error
        time.sleep(AGAIN_S)


def setup_code_in(journal: str) -> str | None:
    """The newest set-up code that the server has told."""
    found = re.findall(r"^Set-up code: (\S+)$", journal, flags=re.MULTILINE)
    return found[-1] if found else None


def _strips_of(path: Path) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(ANSWER_TIMEOUT_S)
        sock.connect(str(path))
        sock.sendall(HELLO)
        with sock.makefile("rb") as stream:
            hello = json.loads(stream.readline())
    lines = ", ".join(f"{line['name']} on {line['line']}" for line in hello["lines"])
    note = hello.get("note")
    return f"{hello['strips']}: {lines or 'no lines'}{f' ({note})' if note else ''}"


def _wait_for_pages(settings: Settings) -> None:
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104  compared, not bound
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/api/health"
    gives_up_s = time.monotonic() + SERVER_PATIENCE_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=ANSWER_TIMEOUT_S).close()
        except urllib.error.HTTPError:
            return  # It answers: what it is not content with stands on its dashboard.
        except OSError as error:
            if time.monotonic() > gives_up_s:
                raise _silent(SERVER, str(error)) from error
        else:
            return
        time.sleep(AGAIN_S)


def _silent(unit: str, why: str) -> NotReady:
    last = _journal(unit, JOURNAL_LINES).strip() or "(nothing)"
    return NotReady(
        f"{unit} is installed but does not answer ({why}). It says:\n{last}",
        f"Mend what it says; it is tried again every second. All of it: journalctl -u {unit}",
    )


def _journal(unit: str, lines: int) -> str:
    command = ["journalctl", "--no-pager", "-o", "cat", "-n", str(lines), "-u", unit]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603  our own
    except OSError:
        return ""
