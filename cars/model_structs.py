"""A racer's model as it crosses HTTP, SQL and processes. Pure."""

from enum import StrEnum

from msgspec import Struct

from cars.model_cautions import SEEN_TO


class ModelStatus(StrEnum):
    """Where a model stands; the words are DREM's."""

    UPLOADED = "UPLOADED"
    """All bytes are here; it waits to be looked into."""
    AVAILABLE = "AVAILABLE"
    """Looked into, and fit for a car."""
    NOT_VALID = "NOT_VALID"
    """No car could drive it; `reason` and `remedy` say why."""
    QUARANTINED = "QUARANTINED"
    """The virus scanner found something; its bytes go nowhere."""
    DELETED = "DELETED"
    """Taken away by its racer or the crew; the row stays for the races that drove it."""


class ActionSpace(StrEnum):
    """How a model steers."""

    DISCRETE = "discrete"
    CONTINUOUS = "continuous"


class ModelFacts(Struct, frozen=True, kw_only=True):
    """
    What the inspection read out of an archive.

    `pb_md5` is what the car's checksum.txt must hold; digests are lower-case hex. `sensors`, `algorithm` as
    model_metadata.json spells them; `warnings` are whole sentences for a racer.
    """

    pb_md5: str
    pb_sha256: str
    pb_bytes: int
    metadata_md5: str
    metadata_sha256: str
    metadata_bytes: int
    sensors: tuple[str, ...]
    action_space: ActionSpace
    actions: int | None
    """How many, for a discrete space."""
    algorithm: str
    has_premade: bool
    """The archive also holds .xml/.bin made for one version of OpenVINO: never sent to a car."""
    warnings: tuple[str, ...] = ()


class ModelView(Struct, frozen=True, kw_only=True):
    """
    A model as people see it.

    `racer_id` is None for the box's own models for walk-ups. `reason` and `remedy` are set when it is NOT_VALID or
    QUARANTINED; `facts` once it was looked into and found fit. `chosen_at`: its racer wants to race with this one; of
    the box's own, the crew gives it to walk-ups.
    """

    model_id: str
    racer_id: str | None
    username: str | None
    name: str
    file_name: str
    status: ModelStatus
    size_bytes: int
    archive_sha256: str
    uploaded_at: str
    reason: str | None
    remedy: str | None
    facts: ModelFacts | None
    chosen_at: str | None = None

    @property
    def cautions(self) -> tuple[str, ...]:
        """Of its warnings those that matter to whoever gives it to a car."""
        return () if self.facts is None else tuple(one for one in self.facts.warnings if one not in SEEN_TO)
