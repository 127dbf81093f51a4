"""A pairing as it crosses HTTP: what is typed, and how far it is. Pure."""

import ipaddress
import re

from msgspec import Struct

from appliance.errors import InvalidInput
from cars.car_names import checked_name
from cars.enrol_wire import Step, StepState
from cars.finder.addresses import OTG

DEFAULT_USERNAME = "deepracer"
MAX_PASSWORD = 200
MAX_KEY = 2_000

_USERNAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


class NewPairing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    A car to be paired.

    `console_password` is the one on its sticker, `password` that of its Linux user now ("" for what it most likely is),
    `new_password` what the factory's becomes ("" for the sticker's). None of them is kept. `trusted_key` is the host
    key that somebody has looked at and trusts, for a paired car that was flashed: it is not asked about again.
    """

    address: str
    name: str = ""
    console_password: str = ""
    password: str = ""
    new_password: str = ""
    username: str = DEFAULT_USERNAME
    port: int = 22
    console_port: int = 443
    fleet_id: str | None = None
    trusted_key: str = ""


class StepView(Struct, frozen=True, kw_only=True):
    """One step as people see it; `state` is None while it waits for the others."""

    step: Step
    name: str
    state: StepState | None
    text: str


class KeyQuestion(Struct, frozen=True, kw_only=True):
    """A paired car, by its serial, shows another host key; fingerprints of both."""

    car_id: str
    name: str
    serial: str
    known: str
    shown: str


class PairingView(Struct, frozen=True, kw_only=True):
    """
    A pairing as people see it.

    `asks`: all is done but to write it down, which somebody has to allow; it does not run meanwhile. `car_id` once it
    is done. `message` and `remedy` say why it failed, `field` which of the typed things was wrong.
    """

    pairing_id: str
    address: str
    name: str
    is_running: bool
    asks: KeyQuestion | None
    steps: tuple[StepView, ...]
    car_id: str | None
    message: str | None
    remedy: str | None
    field: str | None


def checked(new: NewPairing, *, with_stand_ins: bool = False) -> NewPairing:
    """
    The same without blanks around it; passwords are taken as they are.

    Args:
        with_stand_ins: This machine's own addresses are cars' too (the setting `stand_in_cars`).

    Raises:
        InvalidInput: `field` says which one is wrong.
    """
    address, name, username = new.address.strip(), new.name.strip(), new.username.strip() or DEFAULT_USERNAME
    try:
        place = ipaddress.IPv4Address(address)
    except ValueError:
        raise InvalidInput("That is no address of a car.", "For example: 192.168.1.42.", field="address") from None
    if str(place) in OTG:
        raise InvalidInput(
            "Every car has this address at its USB port.", "Use the one that it has in this network.", field="address"
        )
    is_ours = place.is_loopback and not with_stand_ins
    if is_ours or place.is_multicast or place.is_unspecified or place == ipaddress.IPv4Address(2**32 - 1):
        raise InvalidInput("That is no address of a car.", "For example: 192.168.1.42.", field="address")
    if len(new.trusted_key) > MAX_KEY:
        raise InvalidInput("That is no host key.", "Leave it out: it is asked about.", field="trusted_key")
    if not _USERNAME.fullmatch(username):
        raise InvalidInput("That is no user of a car.", "Usually it is deepracer.", field="username")
    for field, number in (("port", new.port), ("console_port", new.console_port)):
        if not 1 <= number <= 65_535:
            raise InvalidInput("A port is a number from 1 to 65535.", "SSH has 22, the console 443.", field=field)
    for field in ("console_password", "password", "new_password"):
        text: str = getattr(new, field)
        if len(text) > MAX_PASSWORD or not text.isprintable():
            raise InvalidInput("No car has such a password.", "Type it again.", field=field)
    return NewPairing(
        address=address,
        name=checked_name(name) if name else "",
        console_password=new.console_password,
        password=new.password,
        new_password=new.new_password,
        username=username,
        port=new.port,
        console_port=new.console_port,
        fleet_id=new.fleet_id,
        trusted_key=" ".join(new.trusted_key.split()[:2]),
    )
