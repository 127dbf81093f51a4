"""Crossings that no race took, kept as the intake keeps them, for the tests of pages."""

from appliance import clock
from timing.crossings import EdgeSeen
from timing.facts import CrossingUnassigned
from timing.loose import loose_job
from timing.structs import Event, RaceView
from web.house import House

RECORDER = "0190a000-0000-7000-8000-00000000000a"


def edge_at(at_ns: int, seq: int, line: int = 17, recorder_id: str = RECORDER) -> EdgeSeen:
    """A strip was pressed at this moment of the present boot."""
    wall_ns = clock.wall_ns() - (clock.mono_ns() - at_ns)
    return EdgeSeen(
        recorder_id=recorder_id, boot_id=clock.boot_id(), seq=seq, line=line, active=True, at_ns=at_ns, wall_ns=wall_ns
    )


async def keep(house: House, event: Event, edge: EdgeSeen, track_id: str = "1") -> str:
    """Keep it, and tell; answers the address of its page."""
    await house.db.write(loose_job(edge, event.event_id, track_id))
    house.facts.publish(
        CrossingUnassigned(event_id=event.event_id, track_id=track_id, line=edge.line, at_ns=edge.at_ns)
    )
    return f"/staff/crossings/{event.event_id}/{edge.recorder_id}/{edge.seq}"


async def within_lap(house: House, race: RaceView, lap: int) -> int:
    """A moment in the middle of a lap of a race."""
    times = {entry.seq: entry.at_ns for entry in await house.control.journal(race.race_id)}
    made_by = [lap.seq for lap in race.laps]
    before = times[made_by[lap - 2]] if lap > 1 else times[1]
    return (before + times[made_by[lap - 1]]) // 2
