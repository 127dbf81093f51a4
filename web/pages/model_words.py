"""A racer's model in the words that people read: how it stands, how it drives. Pure; makes no page."""

from collections.abc import Sequence

from msgspec import Struct

from cars.model_structs import ActionSpace, ModelFacts, ModelStatus, ModelView
from cars.upload_structs import UploadView
from cars.uploads_store import MODELS_PER_RACER

STATUS: dict[ModelStatus, tuple[str, str]] = {
    ModelStatus.UPLOADED: ("info", "Checking"),
    ModelStatus.AVAILABLE: ("ok", "Ready"),
    ModelStatus.NOT_VALID: ("bad", "Cannot drive"),
    ModelStatus.QUARANTINED: ("bad", "Held back"),
    ModelStatus.DELETED: ("", "Deleted"),
}
"""The colour of its state, as `.pill` knows it, and its word."""
SENSORS = {
    "observation": "front camera",
    "FRONT_FACING_CAMERA": "front camera",
    "LEFT_CAMERA": "front camera",
    "STEREO_CAMERAS": "two cameras",
    "LIDAR": "LiDAR",
    "SECTOR_LIDAR": "LiDAR in sectors",
}
"""The names of cars/metadata.py."""
KEEPS_BYTES = frozenset({ModelStatus.UPLOADED, ModelStatus.AVAILABLE})
"""What no car may get is not kept (cars/models_store.py)."""
ALGORITHMS = {"clipped_ppo": "PPO", "sac": "SAC"}


class Shown(Struct, frozen=True, kw_only=True):
    """
    One model on a page. `drives` is "Front camera · 5 actions · PPO", "" until it was looked into.

    `told` is what a page says aloud when it comes to stand so; `stamp` changes with anything that is drawn.
    """

    model: ModelView
    look: str
    word: str
    drives: str
    told: str
    stamp: str


def shown(model: ModelView) -> Shown:
    """The model with its words."""
    look, word = STATUS[model.status]
    return Shown(
        model=model,
        look=look,
        word=word,
        drives=drives(model.facts) if model.facts else "",
        told=_told(model),
        stamp=f"{model.status.value} {model.name}",
    )


def drives(facts: ModelFacts) -> str:
    """How it sees and steers: "Front camera · 5 actions · PPO"."""
    sensors = " and ".join(dict.fromkeys(SENSORS.get(name, name) for name in facts.sensors))
    if facts.action_space is ActionSpace.CONTINUOUS:
        steers = "continuous actions"
    else:
        steers = f"{facts.actions} action{'' if facts.actions == 1 else 's'}" if facts.actions else "discrete actions"
    words = [sensors, steers, ALGORITHMS.get(facts.algorithm, facts.algorithm)]
    return " · ".join(_capital(word) if place == 0 else word for place, word in enumerate(filter(None, words)))


def _told(model: ModelView) -> str:
    if model.status is ModelStatus.AVAILABLE:
        return f"{model.name} is ready for a car."
    if model.status in (ModelStatus.NOT_VALID, ModelStatus.QUARANTINED):
        return f"{model.name} cannot be used. The list says why."
    return ""


def _capital(words: str) -> str:
    """The first letter large, the others as they are."""
    return words[:1].upper() + words[1:]


def room(models: Sequence[ModelView], unfinished: Sequence[UploadView], quota_mb: int) -> str:
    """How much of a racer's room is taken: "3 of 20 models, 64 of 1,000 MB"."""
    kept = sum(model.size_bytes for model in models if model.status in KEEPS_BYTES)
    taken = kept + sum(upload.size_bytes for upload in unfinished)
    count = len(models) + len(unfinished)
    return f"{count} of {MODELS_PER_RACER} models, {taken / 1_000_000:,.0f} of {quota_mb:,} MB."
