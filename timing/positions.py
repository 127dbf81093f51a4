"""
How far the stream of each recorder has had its effect, durably: it is read on from there after a restart or a failed
write.

The positions are stored in the transaction of each crossing, and only when the one before it is durable too: a crossing
whose write failed is never passed over because the next one was stored. Event loop only, but for the jobs.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.database import Database
from appliance.errors import NotReady
from timing.crossings import EdgeSeen

SAVE = (
    "INSERT INTO strip_cursor (recorder_id, seq) VALUES (?, ?)"
    " ON CONFLICT (recorder_id) DO UPDATE SET seq = max(seq, excluded.seq)"
)


@dataclass(frozen=True, slots=True)
class Stride:
    """From what must be durable by then to what is when its `job` is done, by recorder."""

    before: Mapping[str, int]
    after: Mapping[str, int]

    def job(self, connection: sqlite3.Connection) -> None:
        """Raises NotReady when an earlier stride was not stored."""
        stored = dict(connection.execute("SELECT recorder_id, seq FROM strip_cursor").fetchall())
        if any(stored.get(recorder_id, 0) < seq for recorder_id, seq in self.before.items()):
            raise NotReady("A crossing before this one could not be stored.", "Both are read again by themselves.")
        connection.executemany(SAVE, self.after.items())


class Positions:
    """Of all recorders. `load()` before use, and after a stride that failed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._durable: dict[str, int] = {}
        self._taken: dict[str, int] = {}
        """When all strides that are on their way are done."""
        self._seen: dict[str, int] = {}

    async def load(self) -> None:
        """What the disk says."""
        rows = await self._db.fetch_all("SELECT recorder_id, seq FROM strip_cursor")
        self._durable = {row["recorder_id"]: row["seq"] for row in rows}
        self._taken, self._seen = dict(self._durable), dict(self._durable)

    @property
    def is_due(self) -> bool:
        """Whether something was seen that no stride covers."""
        return self._seen != self._taken

    def durable(self, recorder_id: str) -> int:
        """Edges up to this number had their effect."""
        return self._durable.get(recorder_id, 0)

    def saw(self, recorder_id: str, seq: int) -> None:
        """An edge or a gap was handed on; its effect is in the next stride."""
        self._seen[recorder_id] = max(seq, self._seen.get(recorder_id, 0))

    def stride(self, *, up_to: EdgeSeen | None = None) -> Stride:
        """
        To all that was seen; `took` must follow once it is on its way.

        Args:
            up_to: This edge has more effects to come: it is not passed yet.
        """
        after = dict(self._seen)
        if up_to is not None:
            after[up_to.recorder_id] = max(up_to.seq - 1, self._taken.get(up_to.recorder_id, 0))
        return Stride(before=dict(self._taken), after=after)

    def took(self, stride: Stride) -> None:
        """The stride is on its way to the disk."""
        for recorder_id, seq in stride.after.items():
            self._taken[recorder_id] = max(seq, self._taken.get(recorder_id, 0))

    def stored(self, stride: Stride) -> None:
        """It is there."""
        for recorder_id, seq in stride.after.items():
            self._durable[recorder_id] = max(seq, self.durable(recorder_id))
