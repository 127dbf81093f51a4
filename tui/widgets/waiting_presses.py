"""What was pressed and is not answered yet: a mark at once, loud words when it takes long. Lines for a panel. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from textual.content import Content

from timing.journal import Kind
from tui.columns import plain
from tui.link import LinkWord
from tui.press import Waiting
from tui.server_clock import Stamp
from tui.widgets.panel import ALARM
from tui.words import counted

LONG_MS = 1_000
"""An answer takes milliseconds, on bad Wi-Fi some hundred; the web's page says it after a moment too."""
SHOWN = 3
GO_ON = "Link lost. Go on timing: presses are kept and count as of when pressed."
WAIT = "Link lost. The next race can be made ready once the box answers again."

NAMES: dict[Kind, str] = {
    Kind.START: "Start",
    Kind.PAUSE: "Pause",
    Kind.RESUME: "Resume",
    Kind.LAP: "Lap",
    Kind.RESET: "Reset",
    Kind.UNDO_RESET: "Reset back",
    Kind.DNF: "Did not finish",
    Kind.UNDO_LAP: "Undo lap",
    Kind.SET_VALIDITY: "Validity",
    Kind.SET_PROXY: "Proxy",
    Kind.END: "End",
    Kind.CANCEL_END: "Back to the race",
    Kind.SUBMIT: "Submit",
    Kind.DISCARD: "Discard",
}


def pending_words(waiting: Sequence[Waiting]) -> tuple[str, ...]:
    """Each kind on its way, once, with how often: "Lap", "Reset ×2"."""
    counts: dict[Kind, int] = {}
    for one in waiting:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return tuple(name_of(kind) + (f" ×{count}" if count > 1 else "") for kind, count in counts.items())


def waiting_line(
    waiting: Sequence[Waiting],
    now: Stamp,
    *,
    link: LinkWord = LinkWord.LIVE,
    trouble: str | None = None,
    has_race: bool = True,
) -> Content:
    """Loud when something waits for long, or for the person, or would wait; empty otherwise."""
    if trouble:
        return Content.assemble((f" {plain(trouble)} ", ALARM))
    if not waiting:
        return Content.assemble((f" {GO_ON if has_race else WAIT} ", ALARM)) if link is LinkWord.LOST else Content("")
    held = [one for one in waiting if one.is_held]
    if held:
        why = plain(held[0].why)
        return Content.assemble((f" {pressed(held[0])}: {why} W decides about it. ", ALARM))
    if link is LinkWord.LIVE and max(one.age_ms(now) for one in waiting) < LONG_MS:
        return Content("")
    count = f"{counted(len(waiting), 'press', 'presses')} {'waits' if len(waiting) == 1 else 'wait'} for the box"
    shown = ", ".join(pressed(one) for one in waiting[:SHOWN])
    return Content.assemble((f" {count}: {shown}{'…' if len(waiting) > SHOWN else ''} ", ALARM))


def pressed(one: Waiting) -> str:
    """ "Lap 14:03:22": what, and when by the hall's clock."""
    at = datetime.fromtimestamp(one.pressed_wall_ns // 1_000_000_000, UTC).astimezone()
    return f"{name_of(one.kind)} {at:%H:%M:%S}"


def name_of(kind: Kind) -> str:
    """What a press of this kind is called."""
    return NAMES.get(kind) or kind.value.replace("_", " ").capitalize()
