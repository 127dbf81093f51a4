"""
Questions and answers of multicast DNS, as cars need them: who has this address, and who says that it is a car.

A stock car announces nothing but its name; asked who has its address it answers (reference/car.md, 0.2). The questions
are one-shot ones from a port of their own (RFC 6762, 6.7): the answers come straight back to it, none of them is lost
to a noisy air's multicast, and port 5353 stays with whoever has it. Imports zeroconf: import this late.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zeroconf import (  # type: ignore[attr-defined]  # kept there for its users, though not in __all__
    DNSAddress,
    DNSIncoming,
    DNSOutgoing,
    DNSPointer,
    DNSQuestion,
    DNSService,
    DNSText,
)

from cars.car_structs import Way
from cars.finder.addresses import address_of_reverse, in_packets, is_findable, reverse_name
from cars.serials import serial_in_name, serial_of

if TYPE_CHECKING:
    from zeroconf import DNSRecord  # type: ignore[attr-defined]

CAR_SERVICE = "_trackside-car._tcp.local."
"""What an enrolled car announces (cars/on_car/trackside-car), where it has an avahi."""
QUESTIONS = 43
"""In one packet, 461 bytes at most: six ask for all of a /24, and an answer, which repeats them, still fits."""
_TYPE_PTR, _TYPE_A, _CLASS_IN = 12, 1, 1


@dataclass(frozen=True, slots=True)
class Heard:
    """A machine said something of itself: its name, and of a car the serial that it claims."""

    address: str
    host_name: str | None
    serial: str | None
    way: Way


def questions(addresses: Sequence[str]) -> list[bytes]:
    """Packets that ask who is a car, and who has each of these addresses."""
    asked = [DNSQuestion(CAR_SERVICE, _TYPE_PTR, _CLASS_IN)]
    packets = [_packet(asked)]
    for names in in_packets([reverse_name(address) for address in addresses], QUESTIONS):
        packets += [_packet([DNSQuestion(name, _TYPE_PTR, _CLASS_IN) for name in names])]
    return packets


def heard(data: bytes, source: str) -> list[Heard]:
    """What an answer or an announcement from `source` says, one entry for each address; nothing for what is neither."""
    message = DNSIncoming(data)
    if not message.valid or message.is_query():
        return []
    records = message.answers()
    told = {one.address: one for one in (*_names(records), *_cars(records, source))}
    return list(told.values())


def _names(records: Iterable["DNSRecord"]) -> list[Heard]:
    found = []
    for record in records:
        if isinstance(record, DNSPointer) and (address := address_of_reverse(record.name)) is not None:
            found.append(_named(address, record.alias))
        elif isinstance(record, DNSAddress) and record.type == _TYPE_A and record.ttl > 0:
            address = ".".join(map(str, record.address))
            if is_findable(address):
                found.append(_named(address, record.name))
    return found


def _cars(records: Sequence["DNSRecord"], source: str) -> list[Heard]:
    found = []
    for record in records:
        if not isinstance(record, DNSService) or not record.name.lower().endswith(CAR_SERVICE) or record.ttl == 0:
            continue
        texts = (one.text for one in records if isinstance(one, DNSText) and one.name.lower() == record.name.lower())
        serials = [serial_of(value) for text in texts for name, value in _values(text) if name == "serial"]
        # A serial in its host name speaks louder: the record may have come with a copied image.
        serial = serial_in_name(record.server) or next(iter(serials), None)
        if is_findable(source):
            found.append(Heard(source, record.server.rstrip("."), serial, Way.SERVICE))
    return found


def _named(address: str, name: str) -> Heard:
    host_name = name.rstrip(".")
    return Heard(address, host_name, serial_in_name(host_name), Way.NAME)


def _values(text: bytes) -> Iterable[tuple[str, str]]:
    """The strings of a TXT record, each behind its length (RFC 6763, 6.1), as name and value."""
    at = 0
    while at < len(text):
        string = text[at + 1 : at + 1 + text[at]].decode(errors="replace")
        name, _, value = string.partition("=")
        yield name.lower(), value
        at += 1 + text[at]


def _packet(asked: Sequence[DNSQuestion]) -> bytes:
    out = DNSOutgoing(0, multicast=False)
    for question in asked:
        out.add_question(question)
    (packet,) = out.packets()
    return packet
