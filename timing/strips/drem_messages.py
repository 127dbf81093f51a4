"""
What a DREM timer kit says, and what its clock says in ours.

New kits send JSON, `{"event":"connected",…}` once and `{"event":"lap","timestamp":ms,"gpio":17,"lapNumber":n,…}` per
crossing, stamped with the wall clock of the kit; older ones send a bare word and no time (reference: DREM's timer.js
and the page that listens to it). The bytes come from a network, so anything at all may be in them. Pure.
"""

import math
from dataclasses import dataclass

import msgspec

NS_PER_MS = 1_000_000
MAX_TEXT_CHARACTERS = 64
"""A bare word such as "passed"; longer text is no crossing of any known kit."""
MAX_WALL_MS = 9_000_000_000_000
"""Year 2255; in ns it still fits where stamps are kept."""
MAX_LINE = 1_023

STEP_NS = 250_000_000
"""What the kit's clock may be off for other reasons than a step: Wi-Fi that dawdles, a clock that is being slewed."""
REST_NS = 600_000_000_000
"""No lap is ten minutes long: after such a silence the two clocks may be compared anew without touching any."""
DRIFT_PER = 10_000
"""Two crystals drift apart by less than a ten-thousandth of the time that passes."""


@dataclass(frozen=True, slots=True)
class KitHello:
    """The kit's greeting; `kit_ns` is its wall clock then, None when it did not say."""

    kit_ns: int | None


@dataclass(frozen=True, slots=True)
class KitLap:
    """
    A crossing. `kit_ns`: the kit's wall clock in ns (whole ms), None when it sent no time.

    `line` is None when it did not say which sensor; `number` counts its crossings since it was started, None when not
    said.
    """

    kit_ns: int | None = None
    line: int | None = None
    number: int | None = None


def read_message(data: str | bytes) -> KitHello | KitLap | None:
    """
    Read a message as DREM's own page does; None for what is no message of a kit (other events, binary, rubbish).

    Text that is no JSON object is a crossing without a time if it is short and printable. Never raises.
    """
    if isinstance(data, bytes):
        return None
    text = data.strip()
    if not text.startswith(("{", "[")):
        is_word = 0 < len(text) <= MAX_TEXT_CHARACTERS and text.isprintable()
        return KitLap() if is_word else None
    try:
        fields = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    kit_ns = _kit_ns(fields.get("timestamp"))
    match fields.get("event"):
        case "connected":
            return KitHello(kit_ns)
        case "lap":
            number = _count(fields.get("lapNumber"), 2**53)
            return KitLap(kit_ns, _count(fields.get("gpio"), MAX_LINE), number)
    return None


def _count(value: object, most: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None


def _kit_ns(value: object) -> int | None:
    """Milliseconds to ns, exactly for whole ones."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_WALL_MS:
        return None
    whole = math.floor(value)
    return whole * NS_PER_MS + round((value - whole) * NS_PER_MS)


class KitClock:
    """
    Turns the kit's wall clock into our CLOCK_MONOTONIC, so that differences stay those of the kit's milliseconds.

    The base (ours minus the kit's) is that of the message that came quickest before the first crossing, and is kept
    from then on, over lost connections too. It is chosen anew when the kit's clock has certainly been set, and after a
    rest in which no lap can have been driven. A clock set back by less than a message can take to arrive cannot be told
    from a slow network, and is not.
    """

    def __init__(self) -> None:
        self._base_ns: int | None = None
        self._quickest_ns = 0
        """Ours minus the kit's for a message that takes no time, as far as is known."""
        self._arrived_ns = 0
        self._kit_ns = 0
        self._crossed_ns: int | None = None
        """When the base was last used: there may be a lap under way."""

    def hear(self, kit_ns: int, *, arrived_ns: int, sent_after_ns: int) -> int:
        """
        Compare the clocks by one message.

        Args:
            arrived_ns: Our clock when it came; never goes back.
            sent_after_ns: Our clock at a moment before which the kit cannot have sent it.

        Returns:
            By how much the kit's clock was set, roughly: 0 as a rule, negative when it was set back.
        """
        apart_ns = arrived_ns - kit_ns
        step_ns = self._step(kit_ns, apart_ns, arrived_ns - sent_after_ns)
        rested = self._crossed_ns is not None and arrived_ns - self._crossed_ns >= REST_NS
        if self._base_ns is None or step_ns or rested:
            self._quickest_ns, self._crossed_ns = apart_ns, None
        else:
            drifted_ns = self._quickest_ns + (arrived_ns - self._arrived_ns) // DRIFT_PER
            self._quickest_ns = min(drifted_ns, apart_ns)
        if self._crossed_ns is None:
            self._base_ns = self._quickest_ns
        self._arrived_ns, self._kit_ns = arrived_ns, kit_ns
        return step_ns

    def _step(self, kit_ns: int, apart_ns: int, longest_delay_ns: int) -> int:
        if self._base_ns is None:
            return 0
        back = kit_ns < self._kit_ns - STEP_NS  # messages come in the order in which they were sent
        forward = apart_ns < self._quickest_ns - STEP_NS
        too_late = apart_ns > self._quickest_ns + longest_delay_ns + STEP_NS
        return self._quickest_ns - apart_ns if back or forward or too_late else 0

    def crossing(self, kit_ns: int) -> int:
        """
        The moment of a crossing on our clock; `hear` its message first.

        Raises:
            ValueError: nothing was heard yet.
        """
        if self._base_ns is None:
            raise ValueError("the kit's clock is not known yet")
        self._crossed_ns = self._arrived_ns
        return kit_ns + self._base_ns
