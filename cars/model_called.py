"""
What models are called and whose they are, for whoever shows a race. A deleted model keeps its name.

Kept in memory once asked for, because a lap must not wait for the disk. Event loop only.
"""

from collections.abc import Iterable

from msgspec import Struct

from appliance.database import Database
from cars.model_structs import ModelView

KEPT = 5_000
"""Names held at once; a big event has some hundreds."""
AT_ONCE = 500
"""Parameters of one query; SQLite takes far more."""


class ModelCalled(Struct, frozen=True, kw_only=True):
    """`racer_id` is None for the box's own."""

    name: str
    racer_id: str | None


class ModelNames:
    """`changed` is called for every model that was renamed or taken away."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._names: dict[str, ModelCalled | None] = {}
        """None: no model of this box, which is not asked for again and again either."""

    async def of(self, model_ids: Iterable[str]) -> dict[str, ModelCalled]:
        """Names by id; an id that no model of this box ever had is left out."""
        if len(self._names) > KEPT:
            self._names.clear()
        wanted = set(model_ids)
        missing = sorted(wanted - self._names.keys())
        for start in range(0, len(missing), AT_ONCE):
            await self._read(missing[start : start + AT_ONCE])
        return {model_id: called for model_id in wanted if (called := self._names.get(model_id)) is not None}

    def changed(self, model: ModelView) -> None:
        """It is called so from now on."""
        if model.model_id in self._names:
            self._names[model.model_id] = ModelCalled(name=model.name, racer_id=model.racer_id)

    async def _read(self, model_ids: list[str]) -> None:
        marks = ", ".join("?" * len(model_ids))
        rows = await self._db.fetch_all(
            f"SELECT model_id, name, racer_id FROM model WHERE model_id IN ({marks})",  # noqa: S608
            model_ids,
        )
        self._names.update(dict.fromkeys(model_ids))
        for row in rows:
            self._names[row["model_id"]] = ModelCalled(name=row["name"], racer_id=row["racer_id"])
