"""
What changed of each track, rendered round by round and one track at a time.

What changes while one round is rendered goes out in the next, so that an older picture never follows a newer one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from appliance.errors import NotFound
from timing.journal import Kind

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""An event's id and the id of one of its tracks."""

FREES_OR_TAKES = frozenset(
    {Kind.READY, Kind.SUBMIT, Kind.DISCARD, Kind.SET_TRACK, Kind.SET_RACER, Kind.DELETE_RACE, Kind.RESTORE_RACE}
)
"""After these a track may be free or taken; a lap alone is not worth sending a line of 50 KB again."""

P = TypeVar("P")


class Rounds(Generic[P]):
    """Only for use on the event loop."""

    def __init__(self, tell: Callable[[Key, set[P]], Awaitable[None]], end: Callable[[Key], None]) -> None:
        """
        Args:
            tell: Renders these parts of a track and sends them.
            end: Ends the streams of a track that is gone, or could not be rendered: they connect again.
        """
        self._tell, self._end = tell, end
        self._stale: dict[Key, set[P]] = {}
        self._task: asyncio.Task[None] | None = None

    def mark(self, keys: Iterable[Key], *changed: P) -> None:
        """These parts of these tracks are to be told."""
        for key in keys:
            self._stale.setdefault(key, set()).update(changed)
        if self._stale and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._stale:
            key, changed = self._stale.popitem()
            try:
                await self._tell(key, changed)
            except NotFound:
                self._end(key)
            except Exception:
                log.exception("round_failed event_id=%s track_id=%s", *key)
                self._end(key)
