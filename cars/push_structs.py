"""A push as it crosses HTTP, and what a car holds. Pure."""

from typing import Annotated

from msgspec import Meta, Struct

from cars.push_rules import PushState
from cars.push_wire import ModelOnCar

MAX_AT_ONCE = 1_000
"""Pushes that one call may ask for: fifty models to twenty cars."""

Ids = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(min_length=1, max_length=200)]


class NewPushes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every one of these models to every one of these cars."""

    car_ids: Ids
    model_ids: Ids


class PushView(Struct, frozen=True, kw_only=True):
    """
    One model on its way to one car, or what became of it.

    `sent_bytes` are those that the car has confirmed; `tries` how often it was begun. `reason` and `remedy` say why it
    failed, or what it waits for. `folder` is what the model is called on the car, None once its racer was forgotten.
    """

    push_id: str
    car_id: str
    car_name: str
    model_id: str
    model_name: str
    racer_id: str | None
    folder: str | None
    state: PushState
    size_bytes: int
    sent_bytes: int
    bytes_per_s: int
    tries: int
    reason: str | None
    remedy: str | None
    actor: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    is_cancelling: bool


class CarModel(ModelOnCar, frozen=True, kw_only=True):
    """A model's folder on a car; `model_id` where this box put it there under this name."""

    model_id: str | None


class CarModels(Struct, frozen=True, kw_only=True):
    """What a car holds, as read from its disk at `read_at`."""

    car_id: str
    models: list[CarModel]
    free_bytes: int
    read_at: str
