"""
Which cars drove how many laps with which models: a count beside the journal, so that one query answers it.

Owns the rows of `driven`. They repeat what each race's journal folds to, are written in the transaction that appends
to it, and can be rebuilt from it. Laps without a car have no row.
"""

import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from appliance.clock import iso_utc
from appliance.database import Database
from timing.laps import Lap

NO_MODEL = ""
"""Stands for "none known" in the key of a row, which cannot hold a null."""

OF_CAR = """
SELECT driven.model_id, count(*) AS races, sum(driven.laps) AS laps, sum(driven.valid_laps) AS valid_laps,
    min(driven.best_ms) AS best_ms, max(driven.last_wall_ns) AS last_wall_ns
FROM driven JOIN race USING (race_id)
WHERE driven.car_id = ? AND race.deleted = 0 AND race.state <> 'discarded'
GROUP BY driven.model_id ORDER BY last_wall_ns DESC
"""


class Driven(Struct, frozen=True, kw_only=True):
    """
    What a car drove with one model; `model_id` None: with none that was known.

    Deleted laps, deleted races and discarded ones are left out; `laps` counts the invalid ones too. `best_ms` is of the
    valid laps.
    """

    model_id: str | None
    races: int
    laps: int
    valid_laps: int
    best_ms: int | None
    last_at: str


async def driven_by(db: Database, car_id: str) -> list[Driven]:
    """What a car drove, model by model, the one driven last first."""
    return [
        Driven(
            model_id=row["model_id"] or None,
            races=row["races"],
            laps=row["laps"],
            valid_laps=row["valid_laps"],
            best_ms=row["best_ms"],
            last_at=iso_utc(row["last_wall_ns"]),
        )
        for row in await db.fetch_all(OF_CAR, (car_id,))
    ]


def keep_driven(connection: sqlite3.Connection, race_id: str, laps: Sequence[Lap]) -> None:
    """Bring a race's rows in line with its laps."""
    connection.execute("DELETE FROM driven WHERE race_id = ?", (race_id,))
    by_pair: dict[tuple[str, str], list[Lap]] = {}
    for lap in laps:
        if lap.car_id is not None and not lap.deleted:
            by_pair.setdefault((lap.car_id, lap.model_id or NO_MODEL), []).append(lap)
    connection.executemany(
        "INSERT INTO driven (race_id, car_id, model_id, laps, valid_laps, best_ms, last_wall_ns)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(race_id, *pair, *_sums(driven)) for pair, driven in by_pair.items()],
    )


def _sums(laps: Sequence[Lap]) -> tuple[int, int, int | None, int]:
    valid_ms = [lap.lap_ms for lap in laps if lap.valid]
    return len(laps), len(valid_ms), min(valid_ms, default=None), max(lap.wall_ns for lap in laps)
