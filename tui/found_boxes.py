"""
Boxes that were found, and which of several findings are the same box. Pure.

A box is found by its socket on this very machine, by what it announces, and by the address it had last time; each is a
`Sighting`. Nothing here is believed: whether an address leads to the box is asked (tui/finder.py).
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tui.columns import plain

LINK_LOCAL = ipaddress.IPv6Network("fe80::/10")


class Source(StrEnum):
    """How a box was found."""

    HERE = "here"
    KNOWN = "known"
    HEARD = "heard"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One finding of a box. `key` is unique; `addresses` are as tui/box.py takes them, the best first."""

    key: str
    source: Source
    box_id: str
    name: str
    addresses: tuple[str, ...]
    events: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class FoundBox:
    """
    A box to choose. `answers_at` is the address that answered as this box, None when none does or none was asked yet.

    `is_known` is one that was used before, `is_here` one on this machine.
    """

    key: str
    box_id: str
    name: str
    addresses: tuple[str, ...]
    events: tuple[str, ...]
    version: str
    is_here: bool
    is_known: bool
    is_asked: bool
    answers_at: str | None


def found_boxes(
    sightings: Sequence[Sighting], answers: Mapping[str, str | None], own_addresses: frozenset[str] = frozenset()
) -> list[FoundBox]:
    """
    The boxes, each once: this machine's first, then the ones used before, the last one first, then by name.

    Two that announce themselves are two boxes even with one id: cards are copied.

    Args:
        sightings: The known ones in the order of their use, the last one first.
        answers: By key, the address that answered as this box; None when it was asked in vain.
        own_addresses: Those of `sightings` that are this machine's own.
    """
    here = [one for one in sightings if one.source is Source.HERE]
    heard = sorted(
        (one for one in sightings if one.source is Source.HEARD), key=lambda one: (one.name.casefold(), one.key)
    )
    known = [one for one in sightings if one.source is Source.KNOWN]
    boxes, taken = [], set[str]()
    for one in here:
        same = [other for other in heard if other.box_id == one.box_id and own_addresses & set(other.addresses)]
        taken |= {other.key for other in same}
        taken |= {other.key for other in known if other.box_id == one.box_id}
        boxes.append(_box(one, same, answers, is_known=any(other.box_id == one.box_id for other in known)))
    for one in known:
        same = [other for other in heard if other.box_id == one.box_id and other.key not in taken]
        taken |= {other.key for other in same}
        if same:
            boxes += [_box(other, [one], answers, is_known=True) for other in same]
        elif one.key not in taken:
            boxes.append(_box(one, [], answers, is_known=True))
    boxes += [_box(one, [], answers, is_known=False) for one in heard if one.key not in taken]
    return boxes


def sorted_addresses(addresses: Sequence[str]) -> list[str]:
    """Numbers, the best to try first: IPv4, then IPv6, then what means something on one network only."""
    return sorted(dict.fromkeys(addresses), key=_rank)


def _box(one: Sighting, same: Sequence[Sighting], answers: Mapping[str, str | None], *, is_known: bool) -> FoundBox:
    events = next((other.events for other in (*same, one) if other.events), ())
    addresses = dict.fromkeys(address for other in (one, *same) for address in other.addresses)
    return FoundBox(
        key=one.key,
        box_id=one.box_id,
        name=plain(one.name),
        addresses=tuple(addresses),
        events=tuple(plain(event) for event in events),
        version=plain(one.version),
        is_here=one.source is Source.HERE,
        is_known=is_known,
        is_asked=one.key in answers and answers[one.key] in (None, *addresses),
        answers_at=answer if (answer := answers.get(one.key)) in addresses else None,
    )


def _rank(address: str) -> int:
    if ":" not in address:
        return 0
    return 2 if ipaddress.IPv6Address(address) in LINK_LOCAL else 1
