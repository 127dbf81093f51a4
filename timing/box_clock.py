"""The box's clocks, read for those who stamp with them."""

from appliance import clock
from timing.crew_structs import ClockReading


def box_clock() -> ClockReading:
    """Both clocks at this moment, read one right after the other."""
    return ClockReading(mono_ns=clock.mono_ns(), wall_ns=clock.wall_ns(), boot_id=clock.boot_id())
