"""
When nobody was watching the strips: from a recorder's last sign of life to the moment the lines were watched again.

A sign of life says more than "it ran": everything the strips had made until then was on the disk. Pure.
"""

from msgspec import Struct

from timing.anchors import ClockReading
from timing.stream import Blind, BlindReason


class Sign(Struct, frozen=True, kw_only=True):
    """One sign of life. `is_stop`: the recorder ended in order, at that moment."""

    boot_id: str
    mono_ns: int
    wall_ns: int
    slept_ns: int = 0
    is_stop: bool = False


def blind_since(sign: Sign | None, boot_id: str, again: ClockReading) -> Blind | None:
    """
    The blind spot that ends now.

    Args:
        sign: The last sign of life; None on the very first start.
        boot_id: Of this boot.
        again: The moment the lines are watched again.

    Returns:
        None when there was none. Across boots the clocks may disagree: it then ends no earlier than it began.
    """
    if sign is None:
        return None
    to_wall_ns = again.wall_ns
    if sign.boot_id == boot_id:
        if again.mono_ns <= sign.mono_ns:
            return None
        slept_ns = max(0, again.slept_ns - sign.slept_ns)
        from_wall_ns = again.wall_ns - (again.mono_ns - sign.mono_ns) - slept_ns
        unless_stopped = BlindReason.KILLED
    else:
        from_wall_ns = sign.wall_ns
        to_wall_ns = max(to_wall_ns, from_wall_ns)
        unless_stopped = BlindReason.POWER
    return Blind(
        boot_id=sign.boot_id,
        from_ns=sign.mono_ns,
        from_wall_ns=from_wall_ns,
        to_wall_ns=to_wall_ns,
        reason=BlindReason.STOPPED if sign.is_stop else unless_stopped,
    )


def blind_while_asleep(boot_id: str, before: ClockReading, after: ClockReading) -> Blind:
    """The machine slept between these two readings: nobody watched, and its monotonic clock stood still."""
    return Blind(
        boot_id=boot_id,
        from_ns=before.mono_ns,
        from_wall_ns=after.wall_ns - (after.mono_ns - before.mono_ns) - (after.slept_ns - before.slept_ns),
        to_wall_ns=after.wall_ns,
        reason=BlindReason.POWER,
    )
