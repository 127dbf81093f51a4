"""A track whose line two recorders see, and which of their edges became crossings of a race."""

from tests.conftest import Racing
from timing.fold import in_time_order, taken_back
from timing.rules import RaceRules
from timing.structs import Event, NewEvent, NewTrack, RaceView, StripLine

RULES = RaceRules(lockout_ms=1_000, race_ms=None)


async def both_at_one_line(racing: Racing, rules: RaceRules = RULES) -> Event:
    lines = [StripLine(line=17, recorder_id=each) for each in ("box", "pi")]
    return await racing.events.create(
        NewEvent(name="Cup", tracks=[NewTrack(name="One", lines=lines)], rules=rules), "box"
    )


async def stamps(racing: Racing, race: RaceView) -> list[tuple[str | None, int | None]]:
    """The crossings that count, by recorder and edge."""

    entries = await racing.control.journal(race.race_id)
    gone = taken_back(entries)
    return [
        (entry.payload.recorder_id, entry.payload.edge_seq)
        for entry in in_time_order(entries)
        if entry.payload.edge_seq is not None and entry.seq not in gone
    ]
