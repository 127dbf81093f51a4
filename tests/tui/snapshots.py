"""A track as the first message of the crew's stream tells of it."""

from timing.crew_structs import ClockReading, CrewRace, CrewSnapshot
from tui.picture import NO_STRIPS


def snapshot(live: CrewRace | None, at_ns: int = 0, *, may_run: bool = True, boot_id: str = "a") -> CrewSnapshot:
    """A track with this race."""
    return CrewSnapshot(
        clock=ClockReading(mono_ns=at_ns, wall_ns=0, boot_id=boot_id),
        event_id="event-1",
        event_name="Finale",
        track_id="1",
        track_name="Left",
        tracks=[],
        race=live,
        queue=[],
        past=[],
        strips=NO_STRIPS,
        blind=[],
        loose_open=0,
        board_version=1,
        you="ann",
        may_run=may_run,
    )
