"""What the terminal remembers: for its owner only, whole after a crash, and nothing lost between two terminals."""

import multiprocessing
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui import state_files
from tui.state_dir import MOST_BOXES, Likes, RememberedBox, StateDir, default_folder

HALL, CLUB = "http://192.168.4.1:8080", "http://10.0.0.7:8080"


def box(number: int, **more: str) -> RememberedBox:
    """One that was used before."""
    return RememberedBox(
        box_id=f"box-{number}", address=f"http://192.168.4.{number}:8080", name=f"Box {number}", **more
    )


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "trackside" / "tui")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"XDG_STATE_HOME": "/state"}, Path("/state/trackside/tui")),
        ({}, Path.home() / ".local/state/trackside/tui"),
        ({"XDG_STATE_HOME": ""}, Path.home() / ".local/state/trackside/tui"),
        ({"XDG_STATE_HOME": "state"}, Path.home() / ".local/state/trackside/tui"),
    ],
    ids=str,
)
def test_it_is_where_xdg_says(given: dict[str, str], wanted: Path) -> None:
    assert default_folder(given) == wanted


def test_a_new_terminal_remembers_nothing_and_makes_nothing(state: StateDir) -> None:
    assert (state.boxes(), state.token("box-1", HALL), state.likes()) == ([], None, Likes())
    assert not state.folder.exists()
    assert state.trouble is None


def test_the_last_box_comes_first_and_each_once(state: StateDir) -> None:
    for number in (1, 2, 3):
        state.remember(box(number))
    state.remember(box(1, username="anna", event_id="e", track_id="2"))
    again = StateDir(state.folder)
    assert [one.box_id for one in again.boxes()] == ["box-1", "box-3", "box-2"]
    assert again.box("box-1") == box(1, username="anna", event_id="e", track_id="2")
    assert again.box("box-9") is None
    assert state.trouble is None


def test_the_oldest_box_is_forgotten_when_there_are_many(state: StateDir) -> None:
    for number in range(MOST_BOXES + 3):
        state.remember(box(number))
        state.keep_token(f"box-{number}", HALL, "secret")
    assert len(state.boxes()) == MOST_BOXES
    assert state.boxes()[-1] == box(3)
    assert [state.token(f"box-{number}", HALL) for number in (2, 3)] == [None, "secret"]


def test_a_forgotten_box_takes_its_token_along(state: StateDir) -> None:
    state.remember(box(1))
    state.keep_token("box-1", HALL, "secret")
    state.forget("box-1")
    assert (state.boxes(), state.token("box-1", HALL)) == ([], None)
    assert "secret" not in (state.folder / "tokens.json").read_text()


def test_a_token_is_shown_only_where_it_was_given(state: StateDir) -> None:
    state.keep_token("box-1", HALL, "secret")
    assert state.token("box-1", HALL) == "secret"
    assert state.token("box-1", CLUB) is None, "any box can say that it is box-1"
    assert state.token("box-2", HALL) is None
    state.keep_token("box-1", CLUB, "other")
    assert (state.token("box-1", HALL), state.token("box-1", CLUB)) == (None, "other")
    state.forget_token("box-1")
    assert state.token("box-1", CLUB) is None


def test_likes_are_kept_one_by_one(state: StateDir) -> None:
    state.keep_likes(muted=True)
    state.keep_likes(light=True)
    assert StateDir(state.folder).likes() == Likes(muted=True, light=True)
    state.keep_likes(muted=False)
    assert state.likes() == Likes(muted=False, light=True)


def test_everything_is_for_the_owner_only_whatever_the_umask(state: StateDir) -> None:
    before = os.umask(0)
    try:
        state.remember(box(1))
        state.keep_token("box-1", HALL, "secret")
    finally:
        os.umask(before)
    assert mode_of(state.folder) == 0o700
    assert {path.name: mode_of(path) for path in state.folder.iterdir()} == dict.fromkeys(
        ("boxes.json", "tokens.json", "lock"), 0o600
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o666, 0o610])
def test_tokens_that_others_may_have_read_or_written_are_forgotten(state: StateDir, mode: int) -> None:
    state.keep_token("box-1", HALL, "secret")
    path = state.folder / "tokens.json"
    path.chmod(mode)
    assert state.token("box-1", HALL) is None
    assert state.trouble == f"{path} was open to others. What was in it is forgotten."
    assert not path.exists()
    state.keep_token("box-2", HALL, "new")
    assert (state.token("box-1", HALL), state.token("box-2", HALL)) == (None, "new")
    assert mode_of(path) == 0o600


def test_a_folder_open_to_others_is_closed_again(state: StateDir) -> None:
    state.remember(box(1))
    state.folder.chmod(0o755)
    state.remember(box(2))
    assert mode_of(state.folder) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_somebody_elses_file_is_not_believed(state: StateDir) -> None:
    state.keep_token("box-1", HALL, "planted")
    os.chown(state.folder / "tokens.json", 45_001, -1)
    assert state.token("box-1", HALL) is None
    assert state.trouble == f"{state.folder / 'tokens.json'} is somebody else's. What was in it is forgotten."


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away needs root")
def test_in_somebody_elses_folder_nothing_is_written(state: StateDir) -> None:
    state.folder.mkdir(parents=True)
    os.chown(state.folder, 45_001, -1)
    state.keep_token("box-1", HALL, "secret")
    assert list(state.folder.iterdir()) == []
    assert state.trouble == f"{state.folder} is somebody else's: nothing is remembered there."


def test_a_link_is_neither_followed_nor_overwritten(state: StateDir, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text('{"tokens": {"box-1": {"address": "http://192.168.4.1:8080", "token": "planted"}}}')
    elsewhere.chmod(0o600)
    state.folder.mkdir(parents=True, mode=0o700)
    (state.folder / "tokens.json").symlink_to(elsewhere)
    assert state.token("box-1", HALL) is None
    state.keep_token("box-2", HALL, "secret")
    assert "secret" not in elsewhere.read_text()
    assert state.token("box-2", HALL) == "secret"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"boxes": [{}]}', '{"boxes": 1}', "\xff\xfe", "\0" * 4096])
def test_a_damaged_file_is_put_aside_and_the_terminal_goes_on(state: StateDir, text: str) -> None:
    state.remember(box(1))
    (state.folder / "boxes.json").write_text(text)
    assert state.boxes() == []
    state.remember(box(2))
    assert state.boxes() == [box(2)]
    assert (state.folder / "boxes.json.damaged").read_text() == text


@pytest.mark.parametrize("damage", [b'{"a":"\xff"}', b'{"a":' * 100_000], ids=["no text", "deep"])
def test_bytes_that_a_bad_disk_made_stop_no_start(state: StateDir, damage: bytes) -> None:
    state.remember(box(1))
    (state.folder / "boxes.json").write_bytes(damage)
    assert state.boxes() == []


def test_what_a_newer_terminal_adds_is_passed_over(state: StateDir) -> None:
    state.remember(box(1))
    path = state.folder / "boxes.json"
    path.write_text(path.read_text().replace('"name"', '"colour": "blue", "name"'))
    assert state.boxes() == [box(1)]


def test_a_crash_in_the_middle_leaves_the_old_file_whole(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    state.remember(box(1))

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", crash)
    state.remember(box(2))
    monkeypatch.undo()
    assert state.trouble == (
        f"Nothing can be remembered in {state.folder} (No space left on device). Make room or correct its rights."
    )
    assert StateDir(state.folder).boxes() == [box(1)]
    assert sorted(path.name for path in state.folder.iterdir()) == ["boxes.json", "lock"]


def test_a_place_that_cannot_be_written_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    state = StateDir(tmp_path / "file" / "tui")
    state.remember(box(1))
    assert state.boxes() == []
    assert state.trouble is not None
    assert state.trouble.startswith(f"Nothing can be remembered in {tmp_path / 'file' / 'tui'} (Not a directory)")


def _remember_many(folder: Path, first: int) -> None:
    state = StateDir(folder)
    for number in range(first, first + MOST_BOXES // 2):
        state.remember(box(number))
        state.keep_token(f"box-{number}", HALL, f"token-{number}")


def test_two_terminals_at_once_lose_nothing_of_each_other(state: StateDir) -> None:
    context = multiprocessing.get_context("fork")
    terminals = [context.Process(target=_remember_many, args=(state.folder, first)) for first in (0, MOST_BOXES // 2)]
    for terminal in terminals:
        terminal.start()
    for terminal in terminals:
        terminal.join(60)
        assert terminal.exitcode == 0
    assert {one.box_id for one in state.boxes()} == {f"box-{number}" for number in range(MOST_BOXES)}
    assert [state.token(f"box-{number}", HALL) for number in range(MOST_BOXES)] == [
        f"token-{number}" for number in range(MOST_BOXES)
    ]


def test_a_terminal_stopped_in_the_middle_of_a_change_holds_nobody_up(
    state: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_files, "PATIENCE_S", 0.05)
    with state_files.StateFiles(state.folder).locked():
        state.remember(box(1))
    assert state.boxes() == [box(1)]


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=40), st.text(max_size=200), st.text(max_size=40))
def test_any_name_address_and_token_come_back_as_they_were(name: str, token: str, address: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = StateDir(Path(folder))
        kept = RememberedBox(box_id=name, address=address, name=name, username=name)
        state.remember(kept)
        state.keep_token(name, address, token)
        assert state.boxes()[0] == kept
        assert state.token(name, address) == token
