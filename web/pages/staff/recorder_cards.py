"""What people see of a recorder: how it is, how well its clock is known, its lines. As words; makes no page."""

from msgspec import Struct

from timing.remotes import RemoteLink
from timing.stream import Line
from timing.strip_health import RecorderState
from web.given import House

KINDS = {
    "gpio": "strips on its GPIO lines",
    "simulated": "simulated strips",
    "drem_kit": "a DREM timer kit",
    "disabled": "no strips",
}
WALL_CLOCK_OFF_MS = 2_000
"""From here on people would wonder about times of day in lists; laps never depend on it."""


class Card(Struct, frozen=True, kw_only=True):
    """
    One recorder. `look` is the colour of its state: ok, warn, bad or "".

    `link` is None for the box's own. `clock` says how well its clock is known, `time_of_day` how far off its wall clock
    is; both are None where there is nothing to say.
    """

    name: str
    look: str
    state: str
    problem: str | None
    note: str | None
    kind: str | None
    lines: list[Line]
    last_seq: int | None
    clock: str | None
    time_of_day: str | None
    time_of_day_off: bool
    link: RemoteLink | None


def cards(house: House) -> list[Card]:
    """The box's own recorder, then the others in the order in which they were added."""
    states = house.strips.recorders()
    by_remote = {state.remote_id: state for state in states}
    own = [_card(state, None) for state in states if state.is_own]
    return own + [_card(by_remote.get(link.remote_id), link) for link in house.remotes.links()]


def card(house: House, remote_id: str) -> Card:
    """One recorder on another machine. Raises NotFound."""
    link = house.remotes.link(remote_id)
    return _card(next((state for state in house.strips.recorders() if state.remote_id == remote_id), None), link)


def clock_words(offset_us: int | None, error_us: int | None) -> str | None:
    """ "+5,000,012.345 ms ± 0.210 ms": its clock minus ours; clocks count from each machine's own start."""
    if offset_us is None or error_us is None:
        return None
    return f"{offset_us / 1000:+,.3f} ms ± {error_us / 1000:.3f} ms"


def time_of_day_words(difference_ms: int | None) -> str | None:
    """ "1.240 s ahead of ours"."""
    if difference_ms is None:
        return None
    if abs(difference_ms) < 1:
        return "as ours"
    return f"{abs(difference_ms) / 1000:,.3f} s {'ahead of' if difference_ms > 0 else 'behind'} ours"


def _card(state: RecorderState | None, link: RemoteLink | None) -> Card:
    look, word = _state(state, link)
    known = state is not None and state.recorder_id is not None
    return Card(
        name="This box" if link is None else link.name,
        look=look,
        state=word,
        problem=_problem(state, link),
        note=None if state is None else state.note,
        kind=None if state is None or state.strips is None else KINDS.get(state.strips, state.strips),
        lines=[] if state is None else state.lines,
        last_seq=state.last_seq if state is not None and known else None,
        clock=None if state is None or state.is_own else clock_words(state.offset_us, state.offset_error_us),
        time_of_day=None if state is None or state.is_own else time_of_day_words(state.clock_difference_ms),
        time_of_day_off=state is not None and abs(state.clock_difference_ms or 0) >= WALL_CLOCK_OFF_MS,
        link=link,
    )


def _problem(state: RecorderState | None, link: RemoteLink | None) -> str | None:
    if link is not None and link.problem is not None:
        return link.problem
    if state is not None and state.connected:
        return state.problem
    return "Connecting…" if link is not None else "It does not answer. It is started again by itself; time by hand."


def _state(state: RecorderState | None, link: RemoteLink | None) -> tuple[str, str]:
    if link is not None and link.has_other_key:
        return "bad", "another host key"
    if link is not None and not link.is_paired:
        return "warn", "not paired"
    if state is None or not state.connected:
        return "bad", "not connected"
    if state.problem:
        return "warn", "look"
    return ("ok", "connected") if state.caught_up else ("warn", "catching up")
