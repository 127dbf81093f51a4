"""A fleet as it crosses HTTP and SQL. Pure."""

from typing import Annotated

from msgspec import Meta, Struct

FleetName = Annotated[str, Meta(min_length=1, max_length=40)]


class Fleet(Struct, frozen=True, kw_only=True):
    """Cars that stand together, usually those of one track. A car is in one fleet or in none."""

    fleet_id: str
    name: str
    made_at: str


class FleetView(Struct, frozen=True, kw_only=True):
    """A fleet and the ids of its enrolled cars, by their names."""

    fleet_id: str
    name: str
    car_ids: list[str]


class NewFleet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person gives to make or rename one."""

    name: FleetName
