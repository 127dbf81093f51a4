"""
Where the moments of a recorder lie on this machine's clock.

A recorder on this machine shares its clock. For one on another machine the offset is measured while it is connected,
and kept by boot, so that edges of a boot that is over can still be placed. Event loop only.
"""

import sqlite3
from dataclasses import dataclass

from appliance import clock
from appliance.database import Database
from timing.clock_offset import Offset

KEEP_EVERY_NS = 60_000_000_000
"""Crystals drift by some 50 millionths: an offset a minute old is right to 3 ms."""

LOAD = "SELECT recorder_id, recorder_boot_id, boot_id, offset_ns, error_ns, updated_wall_ns FROM recorder_clock"
SAVE = (
    "INSERT INTO recorder_clock (recorder_id, recorder_boot_id, boot_id, offset_ns, error_ns, updated_wall_ns)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (recorder_id, recorder_boot_id) DO UPDATE SET boot_id = excluded.boot_id,"
    " offset_ns = excluded.offset_ns, error_ns = excluded.error_ns, updated_wall_ns = excluded.updated_wall_ns"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on CLOCK_MONOTONIC of one of the server's boots; `is_guess`: by the time of day alone."""

    boot_id: str
    at_ns: int
    is_guess: bool = False


@dataclass(slots=True)
class _Known:
    boot_id: str
    offset: Offset
    kept_at_ns: int | None = None


class RecorderClocks:
    """The offsets of all recorders on other machines. `load()` before use."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[tuple[str, str], _Known] = {}
        """By recorder and its boot."""

    async def load(self) -> None:
        """What was measured before; once, before the streams start."""
        for row in await self._db.fetch_all(LOAD):
            offset = Offset(row["offset_ns"], row["error_ns"])
            self._known[row["recorder_id"], row["recorder_boot_id"]] = _Known(row["boot_id"], offset)

    def learn(self, recorder_id: str, recorder_boot_id: str, offset: Offset) -> bool:
        """The offset as measured now, in force at once; whether it is time to `keep` it."""
        now_ns, key = clock.mono_ns(), (recorder_id, recorder_boot_id)
        known = self._known.get(key)
        if known is None or known.boot_id != clock.boot_id():
            known = self._known[key] = _Known(clock.boot_id(), offset)
        known.offset = offset
        if known.kept_at_ns is not None and now_ns - known.kept_at_ns < KEEP_EVERY_NS:
            return False
        known.kept_at_ns = now_ns
        return True

    async def keep(self, recorder_id: str, recorder_boot_id: str) -> None:
        """Store what was learnt of this boot of a recorder."""
        known = self._known[recorder_id, recorder_boot_id]
        values = (recorder_id, recorder_boot_id, known.boot_id, known.offset.offset_ns, known.offset.error_ns)
        await self._db.write(lambda connection: _save(connection, (*values, clock.wall_ns())))

    def offset(self, recorder_id: str, recorder_boot_id: str) -> Offset | None:
        """What was measured in this boot of the server."""
        known = self._known.get((recorder_id, recorder_boot_id))
        return known.offset if known is not None and known.boot_id == clock.boot_id() else None

    def place(self, recorder_id: str, recorder_boot_id: str, edge_ns: int, wall_ns: int) -> Moment:
        """
        The moment of a stamp of a recorder on another machine.

        Args:
            wall_ns: UTC as that machine believed; used only when its boot was over before its clock could be measured.
        """
        known = self._known.get((recorder_id, recorder_boot_id))
        if known is not None:
            return Moment(known.boot_id, edge_ns - known.offset.offset_ns)
        ago_ns = max(0, clock.wall_ns() - wall_ns)
        return Moment(clock.boot_id(), clock.mono_ns() - ago_ns, is_guess=True)


def _save(connection: sqlite3.Connection, values: tuple[object, ...]) -> None:
    connection.execute(SAVE, values)
