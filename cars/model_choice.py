"""Which model a racer races with next: the one they chose, else their newest, else the box's for walk-ups. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from cars.model_structs import ModelStatus, ModelView

BY_HAND = "Its page under Models says what to do. Until then choose a model of the box by hand."


class Meant(Struct, frozen=True, kw_only=True):
    """The model that is meant, or why there is none, and what to do."""

    model: ModelView | None = None
    why: str | None = None
    remedy: str | None = None


def to_race(models: Sequence[ModelView]) -> ModelView | None:
    """Of one owner's models the one chosen last, else the newest; only one that a car could drive."""
    fit = [model for model in models if model.status is ModelStatus.AVAILABLE]
    return max(fit, key=lambda model: (model.chosen_at or "", model.model_id), default=None)


def meant_for(own: Sequence[ModelView], boxes: Sequence[ModelView]) -> Meant:
    """
    What this racer races with.

    Args:
        own: All models of the racer that are not deleted.
        boxes: The box's own. Only for who has no model at all: who uploaded one wants to know what is wrong with it.
    """
    model = to_race(own) if own else to_race(boxes)
    if model is not None:
        return Meant(model=model)
    if not own:
        return Meant(
            why="No model yet, and the box has none for walk-ups.",
            remedy="Upload one under Models, or let the racer do it under My models.",
        )
    newest = max(own, key=lambda one: (one.status is ModelStatus.UPLOADED, one.model_id))
    if newest.status is ModelStatus.UPLOADED:
        return Meant(why=f"{newest.name} is still being looked into.", remedy="Wait some seconds.")
    return Meant(why=f"{newest.name} cannot be used: {newest.reason or 'it is held back.'}", remedy=BY_HAND)
