"""
When a person's press counts: at the moment it was pressed, judged against the box's clock. Pure.

A terminal that lost the network sends its presses late, each with the moment on the box's clock at which it was
pressed. What happens at a point of the race's own time counts there, as a crossing that arrives late does. Refuses a
moment that cannot be told, or that the race has outrun.
"""

from collections.abc import Sequence

from appliance.errors import Conflict, InvalidInput
from timing.crew_structs import ClockReading
from timing.journal import Entry, Kind
from timing.race_table import UNTIMED
from timing.structs import Action

CLOCK_ERROR_NS = 2_000_000_000
"""
A device knows the box's clock to half a round trip, and waits 4 s for an answer at most. Nothing is pressed after it
arrived, nor in a race that is not there yet: a stamp that says so by no more than this counts now, or from ready on;
one that says more is of a clock that is wrong.
"""

OLDEST_NS = 15 * 60 * 1_000_000_000
"""No network is away for longer and the race still the one that the person saw; crystals drift 45 ms in that time."""

NS_PER_MS = 1_000_000

COUNTS_WHEN_PRESSED = frozenset(
    {
        Kind.START,
        Kind.PAUSE,
        Kind.RESUME,
        Kind.LAP,
        Kind.RESET,
        Kind.UNDO_RESET,
        Kind.DNF,
        Kind.SET_CAR,
        Kind.END,
        Kind.CANCEL_END,
        Kind.UNDO_LAP,
    }
)
"""They happen at a point of the race's time; an undo means the lap that was the last one then."""

COUNTS_ON_ARRIVAL = frozenset({Kind.SUBMIT, Kind.DISCARD})
"""Nothing leads back from them, so they never reach behind what happened since: then they are refused."""


def moment_of(action: Action, now: ClockReading, race_entries: Sequence[Entry]) -> ClockReading:
    """
    The moment at which an action counts.

    Args:
        now: The box's clocks.
        race_entries: The journal of the race that the action is for.

    Returns:
        The moment of its stamp for what happens at a point of the race's time, else `now`; never later than `now`.

    Raises:
        InvalidInput: Half a stamp.
        Conflict: The stamp is of another boot, in the future or too old; or the race went on since.
    """
    _check_whole(action)
    if action.pressed_at_ns is None or action.kind not in COUNTS_WHEN_PRESSED | COUNTS_ON_ARRIVAL:
        return now
    _check_clock(action.pressed_at_ns, action.pressed_boot_id, now)
    at_ns = min(_not_before_ready(action.pressed_at_ns, race_entries, now.boot_id), now.mono_ns)
    if action.kind in COUNTS_ON_ARRIVAL:
        _check_still(race_entries, at_ns, now.boot_id)
        return now
    return ClockReading(mono_ns=at_ns, wall_ns=now.wall_ns - (now.mono_ns - at_ns), boot_id=now.boot_id)


def late_ms(moment: ClockReading, now: ClockReading) -> int | None:
    """How much later than its moment a press reached the box, None when nobody would notice."""
    late = (now.mono_ns - moment.mono_ns) // NS_PER_MS
    return late if late >= NOTICED_MS else None


NOTICED_MS = 1_000
"""A usual press is there within some ms; the trail tells of what people had to wait for."""


def _check_whole(action: Action) -> None:
    if (action.pressed_at_ns is None) != (action.pressed_boot_id is None):
        missing = "pressed_at_ns" if action.pressed_at_ns is None else "pressed_boot_id"
        raise InvalidInput(
            "pressed_at_ns and pressed_boot_id belong together.", "Send both, or neither.", field=missing
        )


def _check_clock(at_ns: int, boot_id: str | None, now: ClockReading) -> None:
    if boot_id != now.boot_id:
        raise Conflict(
            "The box was restarted since this was pressed, so its moment cannot be told.",
            "Look at the race, press again what is missing, and correct its laps once it is over.",
        )
    if at_ns - now.mono_ns > CLOCK_ERROR_NS:
        raise Conflict("This was stamped ahead of the box's clock: the clock of this screen is wrong.", "Press again.")
    if now.mono_ns - at_ns > OLDEST_NS:
        raise Conflict(
            "This was pressed more than 15 minutes ago.", "Look at the race, and press again what is still missing."
        )


def _not_before_ready(at_ns: int, race_entries: Sequence[Entry], boot_id: str) -> int:
    """A key pressed as soon as a race was seen, by a clock that is known to some ms only."""
    for ready in race_entries[:1]:
        if ready.boot_id == boot_id and 0 < ready.at_ns - at_ns <= CLOCK_ERROR_NS:
            return ready.at_ns
    return at_ns


def _check_still(race_entries: Sequence[Entry], at_ns: int, boot_id: str) -> None:
    """What the person saw must be what is ended for good; corrections meanwhile do not matter."""
    if any(entry.boot_id == boot_id and entry.at_ns > at_ns and entry.kind not in UNTIMED for entry in race_entries):
        raise Conflict("The race went on since this was pressed.", "Look at it, and press again if you still mean it.")
