"""Requests over a Unix socket from processes of other users: real ones, because it is the kernel that is asked."""

import http.client
import json
import multiprocessing
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

CREW, STRANGERS = 45_678, 45_679
"""Groups that nobody is in."""
PATIENCE_S = 60


@dataclass(frozen=True)
class User:
    """Who asks; `groups` are all of them, the primary one first."""

    uid: int
    groups: tuple[int, ...]


ROOT = User(0, (0,))
MEMBER = User(45_001, (STRANGERS, CREW))
PRIMARY = User(45_002, (CREW,))
STRANGER = User(45_003, (STRANGERS,))


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Line(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("box", timeout=PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(str(self._path))


def as_user(user: User, task: Callable[..., T], *arguments: Any) -> T:
    """What `task` answers, or raises, in a process of that user."""

    def run(there: Any) -> None:
        try:
            if os.geteuid() == 0:
                os.setgroups(user.groups)
                os.setgid(user.groups[0])
                os.setuid(user.uid)
            there.send((task(*arguments), None))
        except Exception as error:
            there.send((None, error))

    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=run, args=(there,))
    process.start()
    assert here.poll(PATIENCE_S)
    answer, error = here.recv()
    process.join(PATIENCE_S)
    if error is not None:
        raise error
    return answer  # type: ignore[no-any-return]


def asked(path: Path, method: str, target: str, headers: Mapping[str, str], body: object, version: int = 11) -> Answer:
    """One request from this process."""
    line = Line(path)
    line._http_vsn, line._http_vsn_str = version, f"HTTP/{version // 10}.{version % 10}"  # type: ignore[attr-defined]
    sent = None if body is None else body if isinstance(body, str) else json.dumps(body)
    kind = {} if body is None or "content-type" in headers else {"content-type": "application/json"}
    line.request(method, target, sent, {**kind, **headers})
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)


def ask(
    user: User,
    path: Path,
    target: str,
    method: str = "GET",
    *,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    version: int = 11,
) -> Answer:
    """One request of a user."""
    return as_user(user, asked, path, method, target, headers or {}, body, version)


def refused(answers: Sequence[Answer]) -> bool:
    """Whether all of them say that nobody is signed in."""
    return all(answer.status == 401 for answer in answers)
