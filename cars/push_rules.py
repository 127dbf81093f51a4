"""
The rules of pushing: which states follow which, whose turn it is, when a lost car is tried again, when it is given up.

Pure: moments are arguments, in ns of one monotonic clock.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from appliance.errors import Conflict

CARS_AT_ONCE = 4
"""More only share the same air; and each costs a core of a Pi some 5 % (reference: stack notes, section 6)."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 15.0
"""A car that is back on the air is noticed within this, also when nobody else looks out for it."""
GIVEN_UP_AFTER_S = 600
"""A new battery pack and a boot take 3 minutes; whoever waits for 10 has forgotten it."""
SPACE_SPARE_BYTES = 200_000_000
"""Stays free on a car after a push: it writes bags and logs, and a full disk stops its core."""


class PushState(StrEnum):
    """Where one push of one model to one car stands."""

    WAITING = "waiting"
    """For its turn, or for the car to be reached again: then `reason` says so."""
    CONNECTING = "connecting"
    CHECKING = "checking"
    """What the car holds already, and whether there is room."""
    SENDING = "sending"
    VERIFYING = "verifying"
    """The car works out the digests of what arrived."""
    INSTALLING = "installing"
    DONE = "done"
    """The car has read the model back, and it is the right one."""
    ALREADY_THERE = "already_there"
    """The same model was on the car: nothing was sent."""
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({PushState.DONE, PushState.ALREADY_THERE, PushState.FAILED, PushState.CANCELLED})
_W, _CO, _CH, _S, _V, _I, _D, _A, _F, _X = PushState
FOLLOWS: Mapping[PushState, frozenset[PushState]] = {
    _W: frozenset({_CO, _F, _X}),
    _CO: frozenset({_CH, _W, _F, _X}),
    _CH: frozenset({_S, _V, _A, _W, _F, _X}),
    _S: frozenset({_V, _W, _F, _X}),
    _V: frozenset({_I, _S, _W, _F, _X}),
    _I: frozenset({_D, _S, _W, _F, _X}),
    **{state: frozenset() for state in ENDED},
}
"""VERIFYING and INSTALLING lead back to SENDING where the digests are wrong: everything is sent once more."""


class Turn(Struct, frozen=True, kw_only=True):
    """An open push, as far as its turn goes."""

    push_id: str
    car_id: str
    is_running: bool


def check_step(before: PushState, after: PushState) -> None:
    """
    Let a step of the table pass; the same state again is none.

    Raises:
        Conflict: the table does not have it; nothing changed.
    """
    if after is not before and after not in FOLLOWS[before]:
        raise Conflict(
            f"A push that is {before.value.replace('_', ' ')} does not become {after.value.replace('_', ' ')}.",
            "Look at the list of pushes again.",
        )


def whose_turn(
    open_pushes: Sequence[Turn], not_before_ns: Mapping[str, int], now_ns: int, at_once: int = CARS_AT_ONCE
) -> list[str]:
    """
    Which pushes start now.

    A car takes one model at a time, in the order asked for. A car that waits to be tried again keeps no other waiting.

    Args:
        open_pushes: Oldest first, with those that run.
        not_before_ns: By car: when it is tried again.

    Returns:
        Their ids; as many as there is room for.
    """
    busy = {push.car_id for push in open_pushes if push.is_running}
    turns: list[str] = []
    for push in open_pushes:
        if len(busy) >= at_once:
            break
        if push.car_id not in busy and not_before_ns.get(push.car_id, now_ns) <= now_ns:
            turns.append(push.push_id)
            busy.add(push.car_id)
    return turns


def wakes_at_ns(open_pushes: Collection[Turn], not_before_ns: Mapping[str, int], now_ns: int) -> int | None:
    """When the next car is to be tried again; None while none is waited for."""
    later = [
        at_ns for push in open_pushes if not push.is_running and (at_ns := not_before_ns.get(push.car_id, 0)) > now_ns
    ]
    return min(later, default=None)


def pause_s(tries: int) -> float:
    """How long to leave a car alone after its `tries`-th try in a row went wrong, from 1."""
    return min(FIRST_PAUSE_S * 2.0 ** min(tries - 1, 10), LONGEST_PAUSE_S)


def is_given_up(first_lost_ns: int, now_ns: int) -> bool:
    """Whether a car has been out of reach for too long, since the first try in a row that went wrong."""
    return now_ns - first_lost_ns >= GIVEN_UP_AFTER_S * 1_000_000_000


def space_needed_bytes(model_bytes: int, staged_bytes: int = 0) -> int:
    """
    What must be free on the car before the first byte is sent.

    The model lies there twice, as old and as new one, and its core makes files of nearly its size from it when loaded.
    """
    return 2 * model_bytes - min(staged_bytes, model_bytes) + SPACE_SPARE_BYTES


def resumes_at(staged_bytes: int, size_bytes: int) -> int:
    """Where to go on: the car writes in order. More than the whole is another file: from the beginning."""
    return 0 if staged_bytes > size_bytes else staged_bytes
