"""Which kind of car it is, from what its system says; and which is refused. Pure."""

from appliance.errors import Conflict
from cars.car_structs import Platform

COMMUNITY = "+community"
"""The mark in the version of aws-deepracer-core (github.com/aws-deepracer-community/deepracer-custom-car)."""


def platform_of(*, os_version: str | None, has_device_tree: bool, core_version: str | None) -> Platform:
    """The kind of car with this version of Ubuntu, board and version of aws-deepracer-core."""
    version, core = os_version or "", core_version or ""
    if version.startswith("16."):
        return Platform.STOCK_16
    if has_device_tree:
        return Platform.PI
    if version == "20.04":
        return Platform.COMMUNITY_20 if COMMUNITY in core else Platform.STOCK_20
    return Platform.COMMUNITY_24 if version == "24.04" else Platform.UNKNOWN


def is_too_old(*, core_version: str | None = None, os_version: str | None = None, banner: str | None = None) -> bool:
    """
    Whether it still runs Ubuntu 16.04.

    Its software of that time has the versions 1.x, and its SSH server says 7.2 before anybody signs in.
    """
    return (
        (core_version or "").startswith(("1.", "v1."))
        or (os_version or "").startswith("16.")
        or (banner or "").startswith("SSH-2.0-OpenSSH_7.2")
    )


def too_old() -> Conflict:
    """Why nothing is done to such a car."""
    return Conflict(
        "This car still runs Ubuntu 16.04, which no tool for races works with. Nothing was changed on it.",
        "Update it to Ubuntu 20.04 with AWS's USB stick, then pair it. Cars from 2018 without the white AWS logo cannot"
        " be updated.",
    )
