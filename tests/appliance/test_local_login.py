"""The socket where the group is the login: whom its file lets in, and whose place it takes."""

import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import local_login
from appliance.errors import Conflict, NotReady
from appliance.local_login import group_of, listen, who_may
from tests.appliance.other_user import CREW, MEMBER, ROOT, STRANGER, STRANGERS, User, as_user

SERVER = User(45_010, (STRANGERS,))
"""Not of the group itself: it has the group from its setgid directory."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming other users needs root")


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that other users can reach."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def made(directory: Path, mode: int, owner: int = SERVER.uid) -> Path:
    """A directory for the socket."""
    place = directory / "run"
    place.mkdir()
    os.chown(place, owner, CREW)
    place.chmod(mode)
    return place / "api.sock"


def left(path: Path) -> tuple[int, int]:
    """Listen, and leave the file behind; its group and mode."""
    listen(path)
    found = path.stat()
    return found.st_gid, stat.S_IMODE(found.st_mode)


def connected(path: Path) -> str:
    """How connecting ends; nobody listens any more, which still says whether one may."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(path))
        except OSError as error:
            return type(error).__name__
    return "connected"


@needs_root
def test_a_directory_made_for_a_group_opens_the_socket_to_it(directory: Path) -> None:
    path = made(directory, 0o2750)
    assert as_user(SERVER, left, path) == (CREW, 0o660)
    assert group_of(path) == CREW
    assert as_user(MEMBER, connected, path) == "ConnectionRefusedError"
    assert as_user(STRANGER, connected, path) == "PermissionError"


@needs_root
@pytest.mark.parametrize(
    ("mode", "owner"),
    [(0o700, SERVER.uid), (0o755, SERVER.uid), (0o1777, SERVER.uid), (0o2755, SERVER.uid), (0o3770, 0), (0o2777, 0)],
    ids=["ours", "all may look", "like /tmp", "setgid, all may look", "like the data of a box", "all may write"],
)
def test_any_other_directory_leaves_the_socket_to_its_owner(directory: Path, mode: int, owner: int) -> None:
    path = made(directory, mode, owner)
    user = User(SERVER.uid, (STRANGERS, CREW))
    assert as_user(user, left, path)[1] == 0o600
    assert group_of(path) is None
    assert as_user(MEMBER, connected, path) == "PermissionError"


@needs_root
def test_a_group_that_we_cannot_give_it_to_is_not_let_in(directory: Path) -> None:
    path = made(directory, 0o750)
    assert as_user(SERVER, left, path) == (STRANGERS, 0o600)


def test_nobody_can_connect_before_the_file_is_as_it_is_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []
    real_bind, real_listen = socket.socket.bind, socket.socket.listen

    def bind(sock: socket.socket, address: str) -> None:
        real_bind(sock, address)
        seen.append(("bound", stat.S_IMODE(os.stat(address).st_mode)))

    def begin(sock: socket.socket, backlog: int) -> None:
        seen.append(("listens", stat.S_IMODE(os.stat(sock.getsockname()).st_mode)))
        real_listen(sock, backlog)

    monkeypatch.setattr(socket.socket, "bind", bind)
    monkeypatch.setattr(socket.socket, "listen", begin)
    tmp_path.chmod(0o750)
    os.umask(umask := os.umask(0))
    opened = listen(tmp_path / "api.sock")
    assert seen == [("bound", 0o600), ("listens", 0o660)]
    assert os.umask(umask) == umask, "the umask of the process is as before"
    opened.sock.close()


def test_the_file_of_a_killed_box_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    before = listen(path)
    before.sock.close()
    os.link(path, tmp_path / "kept")  # so that its number is not given to the next file
    after = listen(path)
    assert connected(path) == "connected"
    before.remove_file()
    assert path.exists(), "it is another's now"
    after.remove_file()
    assert not path.exists()
    after.sock.close()


def test_the_socket_of_a_living_box_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_login, "PATIENCE_S", 0.0)
    path = tmp_path / "api.sock"
    living = listen(path)
    with pytest.raises(Conflict) as refused:
        listen(path)
    assert str(refused.value) == f"Another Trackside already listens at {path}. Use that one, or stop it first."
    assert path.stat().st_ino == living.inode
    assert connected(path) == "connected"
    living.sock.close()


def test_a_box_that_is_just_being_killed_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "api.sock"
    dying = listen(path)
    monkeypatch.setattr(time, "sleep", lambda _: dying.sock.close())
    listen(path).sock.close()


@pytest.mark.parametrize("kind", ["file", "directory", "link to a socket", "link to nothing"])
def test_whatever_else_is_there_stays_and_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "api.sock"
    stale = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(stale))
    if kind == "file":
        path.write_text("mine")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(stale if kind == "link to a socket" else tmp_path / "nothing")
    before = path.lstat()
    with pytest.raises(NotReady) as refused:
        listen(path)
    remedy = "Move that file away, or choose another api_socket in trackside.toml."
    assert str(refused.value) == f"{path} is not a socket. {remedy}"
    assert path.lstat() == before
    assert stale.exists()


def test_a_path_too_long_for_a_socket_is_refused_with_what_to_set(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 100) / "api.sock"
    with pytest.raises(NotReady) as refused:
        listen(path)
    assert refused.value.message == f"{path} is too long for a socket."
    assert refused.value.remedy == "Set a shorter api_socket in trackside.toml: 107 bytes at most."


def test_a_directory_that_is_not_there_is_refused_with_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(NotReady) as refused:
        listen(tmp_path / "nowhere" / "api.sock")
    assert refused.value.remedy == "Set another api_socket in trackside.toml, in a directory that is yours."


@needs_root
def test_who_may_is_said_by_name(directory: Path) -> None:
    assert who_may(None) == "root and the user who runs the box"
    assert who_may(CREW) == "root, the user who runs the box and the group 45678"
    assert who_may(ROOT.groups[0]) == "root, the user who runs the box and the group root"
