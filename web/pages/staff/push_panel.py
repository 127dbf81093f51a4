"""The two panels of pushes, rendered once for all devices: what runs now, and what waits or has ended."""

from msgspec import Struct

from cars.push_rules import PushState
from cars.push_structs import PushView
from cars.pushes import Which
from web.given import House
from web.render import render

WAITING_SHOWN = 60
ENDED_SHOWN = 60
LOOKS: dict[PushState, tuple[str, str]] = {
    PushState.WAITING: ("", "Waiting for its turn"),
    PushState.CONNECTING: ("info", "Connecting"),
    PushState.CHECKING: ("info", "Looking what is there"),
    PushState.SENDING: ("live", "Sending"),
    PushState.VERIFYING: ("info", "Checking what arrived"),
    PushState.INSTALLING: ("info", "Installing"),
    PushState.DONE: ("ok", "On the car"),
    PushState.ALREADY_THERE: ("ok", "Was on the car already"),
    PushState.FAILED: ("bad", "Failed"),
    PushState.CANCELLED: ("off", "Cancelled"),
}


class Shown(Struct, frozen=True, kw_only=True):
    """A push as people read it; `racer` None: one of the box's own models."""

    push: PushView
    racer: str | None
    look: str
    word: str
    left: str | None


def running(house: House) -> str:
    """What runs now, as htmx swaps it in."""
    return _partial("running", "staff/_pushes_running.html", running=running_now(house))


async def standing(house: House) -> str:
    """What waits, and what has ended lately, as htmx swaps it in."""
    return _partial("standing", "staff/_pushes_standing.html", **await standing_now(house))


def running_now(house: House) -> list[Shown]:
    """Those that have a car for themselves, oldest first; from memory."""
    return [shown(house, push) for push in house.pushes.all_open() if push.state is not PushState.WAITING]


async def standing_now(house: House) -> dict[str, object]:
    """Everything that the second panel shows."""
    waiting = [push for push in house.pushes.all_open() if push.state is PushState.WAITING]
    ended = await house.pushes.find(which=Which.ENDED, limit=ENDED_SHOWN)
    return {
        "waiting": [shown(house, push) for push in waiting[:WAITING_SHOWN]],
        "more_waiting": max(0, len(waiting) - WAITING_SHOWN),
        "ended": [shown(house, push) for push in ended],
    }


def waits(house: House) -> tuple[tuple[str, str | None], ...]:
    """By what the second panel changes as long as no push ends."""
    waiting = (push for push in house.pushes.all_open() if push.state is PushState.WAITING)
    return tuple((push.push_id, push.reason) for push in waiting)


def shown(house: House, push: PushView) -> Shown:
    """A push in words."""
    look, word = LOOKS[push.state]
    if push.state is PushState.WAITING and push.reason is not None:
        look, word = "warn", "Waiting for the car"
    elif push.is_cancelling:
        look, word = "warn", "Cancelling"
    return Shown(
        push=push,
        racer=None if push.racer_id is None else house.people.name_of(push.racer_id),
        look=look,
        word=word,
        left=_left(push),
    )


def _left(push: PushView) -> str | None:
    """How long it still takes at this rate; nothing is said before that is known."""
    if push.bytes_per_s <= 0:
        return None
    seconds = -(-(push.size_bytes - push.sent_bytes) // push.bytes_per_s)
    return f"{seconds} s left" if seconds < 100 else f"{-(-seconds // 60)} min left"


def _partial(target: str, template: str, **context: object) -> str:
    html = render(template, **context)
    return f'<hx-partial hx-target="#{target}" hx-swap="innerMorph">{html}</hx-partial>'
