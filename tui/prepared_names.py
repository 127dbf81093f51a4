"""What the cars and models that were prepared for a line are called: asked for once each. No Textual here."""

from collections.abc import Sequence

from timing.crew_structs import InLine
from timing.queue_structs import QueueEntry
from tui.box import Box
from tui.errors import BoxError, Refused

UNKNOWN = "…"
GONE = "gone"


class PreparedNames:
    """Of one line; `learn` asks the box for what `words` does not know yet."""

    def __init__(self, box: Box, event_id: str) -> None:
        self._box, self._event_id = box, event_id
        self._names: dict[str, str] = {}

    def words(self, line: Sequence[InLine]) -> dict[str, str]:
        """The car, then the model, of each entry by its id; entries with nothing prepared are left out."""
        named = (
            (one.entry.queue_id, [self._names.get(thing, UNKNOWN) for thing in _things(one.entry)]) for one in line
        )
        return {queue_id: ", ".join(names) for queue_id, names in named if names}

    async def learn(self, line: Sequence[InLine]) -> bool:
        """Ask; whether anything is known that was not. A box that does not answer is asked with the next change."""
        before = len(self._names)
        try:
            cars = {one.entry.car_id for one in line if one.entry.car_id is not None}
            if not cars <= self._names.keys():
                known = {car.car_id: car.name for car in (await self._box.cars(self._event_id)).cars}
                self._names |= {car_id: known.get(car_id, GONE) for car_id in cars}
            models = {one.entry.model_id for one in line if one.entry.model_id is not None}
            for model_id in models - self._names.keys():
                self._names[model_id] = await self._model(model_id)
        except BoxError:
            pass
        return len(self._names) > before

    async def _model(self, model_id: str) -> str:
        try:
            return (await self._box.model(model_id)).name
        except Refused:
            return GONE


def _things(entry: QueueEntry) -> list[str]:
    return [thing for thing in (entry.car_id, entry.model_id) if thing is not None]
