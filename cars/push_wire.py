"""
What server and push worker say to each other: one line of JSON each, orders one way and news the other. Pure.

The worker knows nothing of the box's tables: an order carries all it needs.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec
from msgspec import Struct

from cars.push_rules import PushState
from cars.worker_wire import Beat

HELPER = ("sudo", "-n", "/usr/local/sbin/trackside-car")
"""The one program that may do something as root on a car."""


class Place(Struct, frozen=True, kw_only=True):
    """
    Where a car is, and the host key it must show ("ssh-ed25519 AAAA…"). `name` is what people call it.

    `serial` is who it must be besides: copies of one image all show one key. `has_aes`: its CPU may well have it.
    """

    name: str
    serial: str
    address: str
    port: int
    username: str
    host_key: str
    has_aes: bool


class Parcel(Struct, frozen=True, kw_only=True):
    """
    A model on its way.

    `source` is the directory with model.pb and model_metadata.json, `folder` what they become on the car. `token` names
    its stage there: by content, so that another push of the same model goes on where this one was given up.
    """

    source: str
    folder: str
    token: str
    pb_md5: str
    pb_sha256: str
    pb_bytes: int
    metadata_sha256: str
    metadata_bytes: int

    @property
    def size_bytes(self) -> int:
        """What is sent when nothing of it is there."""
        return self.pb_bytes + self.metadata_bytes


class Send(Struct, frozen=True, kw_only=True, tag="send"):
    """Bring a parcel to a car."""

    push_id: str
    place: Place
    parcel: Parcel


class Cancel(Struct, frozen=True, kw_only=True, tag="cancel"):
    """Stop; the stage is cleaned. What is being installed at this moment is finished instead."""

    push_id: str


class Tidy(Struct, frozen=True, kw_only=True, tag="tidy"):
    """Take away what a cancelled push left in its stage, answered by `Tidied` once it is gone."""

    order_id: str
    place: Place
    token: str


class ReadModels(Struct, frozen=True, kw_only=True, tag="read_models"):
    """Read the folders of all models off the car, without digests; answered by `ModelsRead` with this `request_id`."""

    request_id: str
    place: Place


class Outcome(StrEnum):
    """How one try to bring a parcel to a car ended."""

    DONE = "done"
    ALREADY_THERE = "already_there"
    LOST = "lost"
    """The car went out of reach: it is worth another try."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class Went(Struct, frozen=True, kw_only=True, tag="went"):
    """A try went on. `sent_bytes` are those that the car has confirmed, None while that is not known yet."""

    push_id: str
    state: PushState
    sent_bytes: int | None
    bytes_per_s: int


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    """A try ended. `is_staged`: something of it may lie in its stage on the car; None: as before this try."""

    push_id: str
    outcome: Outcome
    is_staged: bool | None
    reason: str | None = None
    remedy: str | None = None


class Tidied(Struct, frozen=True, kw_only=True, tag="tidied"):
    """A stage is gone, or could not be reached."""

    order_id: str
    is_gone: bool


class ModelOnCar(Struct, frozen=True, kw_only=True):
    """A model's folder as the car's disk has it. `is_sample`: it came with the car."""

    folder: str
    files: dict[str, int]
    checksum: str
    changed_at_s: int
    is_sample: bool = False


class ModelsRead(Struct, frozen=True, kw_only=True, tag="models_read"):
    """What a car holds, or why it could not be read."""

    request_id: str
    models: tuple[ModelOnCar, ...] = ()
    free_bytes: int = 0
    reason: str | None = None
    remedy: str | None = None


Order: TypeAlias = Send | Cancel | Tidy | ReadModels
PushNews: TypeAlias = Went | Ended | Tidied | ModelsRead
News: TypeAlias = PushNews | Beat

ORDERS: "msgspec.json.Decoder[Order]" = msgspec.json.Decoder(Send | Cancel | Tidy | ReadModels)
NEWS: "msgspec.json.Decoder[News]" = msgspec.json.Decoder(Went | Ended | Tidied | ModelsRead | Beat)
