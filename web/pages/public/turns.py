"""When is it my turn: where a signed-in racer stands in the lines, in words."""

from msgspec import Struct

from appliance.errors import NotFound
from timing.queue import QueueEntry, QueueState
from web.given import House, Visitor

SOON = 3
"""The phones of the next three are told (they are called to the track early enough)."""


class Turn(Struct, frozen=True, kw_only=True):
    """One line the racer stands in. `kind`: ok (racing), bad (called: go now), warn (soon), info (waiting)."""

    event_id: str
    kind: str
    title: str
    text: str


def turns_of(house: House, viewer: Visitor) -> list[Turn]:
    """The racer's places in all lines; empty for visitors and for who stands in none."""
    if viewer is None:
        return []
    return [turn for entry in house.queue.position_of(viewer.person_id) if (turn := _turn(house, entry)) is not None]


def _turn(house: House, entry: QueueEntry) -> Turn | None:
    try:
        where = house.events.track(entry.event_id, entry.track_id).name
    except NotFound:
        return None
    kind, title, text = _words(entry, where)
    return Turn(event_id=entry.event_id, kind=kind, title=title, text=text)


def _words(entry: QueueEntry, where: str) -> tuple[str, str, str]:
    if entry.state is QueueState.RACING:
        return "ok", f"You are racing on {where}.", "Good luck!"
    if entry.state is QueueState.CALLED:
        return "bad", f"Come to {where} now.", "The crew has called you."
    if entry.position == 1:
        return "warn", f"You are next on {where}.", "Come to the track, model in hand."
    if entry.position is not None and entry.position <= SOON:
        return "warn", f"You are number {entry.position} in the line of {where}.", "Stay close to the track."
    return (
        "info",
        f"You are number {entry.position} in the line of {where}.",
        "This page tells you when to come.",
    )
