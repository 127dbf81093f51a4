"""Chassis serials: one spelling, which of them are none, and what a host name says of one. Pure."""

import re

PLACEHOLDERS = frozenset(
    {"", "NONE", "DEFAULT STRING", "TO BE FILLED BY O.E.M.", "TO BE FILLED BY OEM", "NOT SPECIFIED", "0" * 16}
)
"""What boards without a serial say (DREM's list, reference/drem.md 6.2): as an identity they would make one of many."""
MAX_CHARACTERS = 64

_HOST_NAME = re.compile(r"(amss-[a-z0-9]{4})(?:-\d+)?(?:\.local)?\.?")
"""A stock car takes its serial for its name; mDNS adds "-2" when it meets a name twice, most often the car's own."""
_PRINTED = re.compile(r"[A-Z0-9][A-Z0-9 ._:-]*")


def serial_of(text: str) -> str | None:
    """The serial as it is stored, upper case and without blanks around; None when it is none."""
    serial = " ".join(text.replace("\0", " ").split()).upper()
    if serial in PLACEHOLDERS or len(serial) > MAX_CHARACTERS or not _PRINTED.fullmatch(serial):
        return None
    return serial


def serial_in_name(host_name: str | None) -> str | None:
    """The serial in a host name such as amss-1234 or amss-1234-2.local; None for a name that has none."""
    match = _HOST_NAME.fullmatch((host_name or "").lower())
    return match[1].upper() if match else None
