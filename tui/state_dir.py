"""
Where the terminal keeps what it is to know next time: boxes, tokens, whether sound is on, presses that wait.

In $XDG_STATE_HOME/trackside/tui (XDG base directory specification), for its owner only. Tokens have a file of their
own; one that somebody else may have read or written is not believed, and forgotten. A token goes only to the address
that gave it: another box in the hall can say it has the same id. All of this blocks for as long as a disk does: call it
in a thread while a race runs.

Nothing raises: a terminal that cannot remember works, and `trouble` says why.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from tui.state_files import StateFiles, Unsafe
from tui.wire import UNREADABLE

T = TypeVar("T", bound=Struct)

MOST_BOXES = 20
"""A timekeeper knows a handful; the last ones are kept."""
BOXES, TOKENS, LIKES = "boxes.json", "tokens.json", "likes.json"


class RememberedBox(Struct, frozen=True, kw_only=True):
    """A box that was used before. `event_id` and `track_id` are where somebody sat last, if anywhere."""

    box_id: str
    address: str
    name: str
    username: str | None = None
    event_id: str | None = None
    track_id: str | None = None


class Likes(Struct, frozen=True, kw_only=True):
    """How this terminal is liked."""

    muted: bool = False
    light: bool = False


class _Boxes(Struct, frozen=True, kw_only=True):
    boxes: list[RememberedBox] = []


class _Token(Struct, frozen=True, kw_only=True):
    address: str
    token: str


class _Tokens(Struct, frozen=True, kw_only=True):
    tokens: dict[str, _Token] = {}


class StateDir:
    """What is kept; `trouble` says in words why something could not be, None when it could."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()
        self.trouble: str | None = None
        self._files = StateFiles(self.folder)

    @property
    def press_folder(self) -> Path:
        """Where presses wait that no box has acknowledged yet."""
        return self.folder / "presses"

    # boxes

    def boxes(self) -> list[RememberedBox]:
        """The last used one first."""
        return self._read(BOXES, _Boxes).boxes

    def box(self, box_id: str) -> RememberedBox | None:
        """This one, if it was used before."""
        return next((box for box in self.boxes() if box.box_id == box_id), None)

    def remember(self, box: RememberedBox) -> None:
        """This box was used just now."""

        def change(before: _Boxes) -> _Boxes:
            others = [other for other in before.boxes if other.box_id != box.box_id]
            return _Boxes(boxes=[box, *others][:MOST_BOXES])

        self._change(BOXES, change, _Boxes)

    def forget(self, box_id: str) -> None:
        """This box is not to be offered again; its token goes with it."""
        self.forget_token(box_id)
        self._change(BOXES, lambda before: _Boxes(boxes=[box for box in before.boxes if box.box_id != box_id]), _Boxes)

    # tokens

    def token(self, box_id: str, address: str) -> str | None:
        """What lets us in at this box, if it was given at this very address."""
        kept = self._read(TOKENS, _Tokens).tokens.get(box_id)
        return kept.token if kept is not None and kept.address == address else None

    def keep_token(self, box_id: str, address: str, token: str) -> None:
        """Somebody has signed in there."""
        kept = _Token(address=address, token=token)
        self._change(TOKENS, lambda before: _Tokens(tokens=_newest({**before.tokens, box_id: kept}, box_id)), _Tokens)

    def forget_token(self, box_id: str) -> None:
        """It is worth nothing any more."""
        if box_id in self._read(TOKENS, _Tokens).tokens:
            self._change(
                TOKENS,
                lambda before: _Tokens(tokens={key: one for key, one in before.tokens.items() if key != box_id}),
                _Tokens,
            )

    # likes

    def likes(self) -> Likes:
        """How this terminal was liked last."""
        return self._read(LIKES, Likes)

    def keep_likes(self, *, muted: bool | None = None, light: bool | None = None) -> None:
        """What is given is liked from now on."""

        def change(before: Likes) -> Likes:
            return Likes(muted=before.muted if muted is None else muted, light=before.light if light is None else light)

        self._change(LIKES, change, Likes)

    # files

    def _read(self, name: str, wanted: type[T]) -> T:
        try:
            return self._decoded(name, self._files.read(name), wanted)
        except Unsafe as unsafe:
            self._forget_unsafe(name, unsafe)
        except OSError as error:
            self._tell(error)
        return wanted()

    def _decoded(self, name: str, text: bytes | None, wanted: type[T]) -> T:
        """A file that a crash or somebody's editor damaged is put aside, and what was in it forgotten."""
        if text is None:
            return wanted()
        try:
            return msgspec.json.decode(text, type=wanted)
        except UNREADABLE:
            self._files.put_aside(name)
            return wanted()

    def _change(self, name: str, change: Callable[[T], T], wanted: type[T]) -> None:
        """Read, change, write, while no other terminal does."""
        try:
            with self._files.locked():
                after = change(self._read(name, wanted))
                self._files.write(name, msgspec.json.format(msgspec.json.encode(after), indent=1))
        except Unsafe as unsafe:
            self.trouble = str(unsafe)
        except OSError as error:
            self._tell(error)

    def _forget_unsafe(self, name: str, unsafe: Unsafe) -> None:
        """Gone from the disk, so that nobody reads it once more."""
        self.trouble = f"{unsafe} What was in it is forgotten."
        try:
            self._files.remove(name)
        except (OSError, Unsafe):
            self.trouble = str(unsafe)

    def _tell(self, error: OSError) -> None:
        self.trouble = (
            f"Nothing can be remembered in {self.folder} ({error.strerror}). Make room or correct its rights."
        )


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """$XDG_STATE_HOME/trackside/tui, by default in ~/.local/state; a relative one counts for nothing, as XDG says."""
    given = Path(environment.get("XDG_STATE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".local" / "state") / "trackside" / "tui"


def _newest(tokens: dict[str, _Token], box_id: str) -> dict[str, _Token]:
    """No more of them than boxes, this one at the end."""
    ordered = {**{key: one for key, one in tokens.items() if key != box_id}, box_id: tokens[box_id]}
    return dict(list(ordered.items())[-MOST_BOXES:])
