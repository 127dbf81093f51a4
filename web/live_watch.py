"""
One board that somebody watches, and what its screens have been told. Event loop only; sends nothing itself.
"""

import asyncio
from dataclasses import dataclass, field

from timing.structs import COMBINED, Board, BoardFormat
from web.live_messages import ENCODER
from web.live_screen import Screen

Key = tuple[str, str, BoardFormat]
"""Event, track (or COMBINED) and format: everybody with the same key gets the same bytes."""


@dataclass(slots=True, eq=False)
class Watch:
    """One board somebody watches: `board` and `rows` are what the screens have been told, None when nobody listens."""

    key: Key
    board: Board | None = None
    rows: bytes = b"[]"
    stale: bool = False
    was_told: bool = False
    """Whether a message went out since the last beat was due."""
    finisher: str | None = None
    screens: set[Screen] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def channel(self) -> str:
        """The channel's name."""
        return "/".join(self.key)

    def show(self, board: Board) -> None:
        """From now on the screens have this board."""
        self.board, self.rows = board, ENCODER.encode(board.rows)

    def start_again(self) -> None:
        """Its screens get a snapshot with the next message, in place of it."""
        for screen in self.screens:
            screen.has_missed = True

    def end(self) -> None:
        """End its screens; they connect again."""
        for screen in self.screens:
            screen.end()

    def includes(self, track_id: str) -> bool:
        """Whether its screens show races of this track."""
        return self.key[1] in (COMBINED, track_id)
