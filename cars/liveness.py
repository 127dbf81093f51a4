"""
Whether a car is there: judged by what its SSH port said just now, never by what somebody remembers. Pure.

A car that drops off the Wi-Fi says no good-bye, and a cache would believe in it for 75 minutes. One lost packet is no
lost car, and sshd refuses for some seconds whenever the car's core is started anew; so it is asked again, quicker.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

SECOND_NS = 1_000_000_000
ONLINE_NS = 5 * SECOND_NS
AGAIN_NS = 1 * SECOND_NS
OFFLINE_NS = 10 * SECOND_NS
"""One that is not there is asked where it last was: cars that are switched on come back within this."""
LONG_GONE_NS = 60 * SECOND_NS
LONG_NS = 15 * 60 * SECOND_NS
"""After a quarter of an hour it is asked less often."""
SILENT_MISSES = 3
"""Without any answer: with 2 s of patience each it is lost 13 s after its last word."""
REFUSED_MISSES = 10
"""A machine is there, so that it is more likely to be a restart than a loss."""
PROOF_NS = 300 * SECOND_NS
"""So long a car that never fell silent need not show its key again: an address does not change hands without."""


class Answer(StrEnum):
    """What a knock at an SSH port brought."""

    SSH = "ssh"
    REFUSED = "refused"
    """A machine is there, and no SSH server, or not just now."""
    SILENT = "silent"


class Verdict(StrEnum):
    """What follows from an answer."""

    THERE = "there"
    PROVE = "prove"
    """An SSH server answers: ask for its host key, for it may be another machine."""
    UNSURE = "unsure"
    LOST = "lost"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of one car; `next_ns` and `proven_ns` are on the box's monotonic clock, None for never."""

    next_ns: int = 0
    misses: int = 0
    refusals: int = 0
    proven_ns: int | None = None
    away_since_ns: int | None = None


def felt(pulse: Pulse, answer: Answer, now_ns: int, *, is_online: bool) -> tuple[Pulse, Verdict]:
    """The pulse after an answer, and what follows for a car that was taken to be online or not."""
    if answer is Answer.SSH:
        fresh = replace(pulse, misses=0, refusals=0, next_ns=now_ns + ONLINE_NS, away_since_ns=None)
        known = pulse.proven_ns is not None and now_ns - pulse.proven_ns < PROOF_NS
        unbroken = pulse.misses == 0 and pulse.refusals == 0
        return fresh, Verdict.THERE if is_online and known and unbroken else Verdict.PROVE
    if not is_online:
        since = now_ns if pulse.away_since_ns is None else pulse.away_since_ns
        wait_ns = OFFLINE_NS if now_ns - since < LONG_NS else LONG_GONE_NS
        return Pulse(next_ns=now_ns + wait_ns, away_since_ns=since), Verdict.AWAY
    refusals = pulse.refusals + (answer is Answer.REFUSED)
    misses = pulse.misses + (answer is Answer.SILENT)
    if misses >= SILENT_MISSES or refusals >= REFUSED_MISSES:
        return Pulse(next_ns=now_ns + OFFLINE_NS, away_since_ns=now_ns), Verdict.LOST
    return replace(pulse, misses=misses, refusals=refusals, next_ns=now_ns + AGAIN_NS), Verdict.UNSURE


def proven(pulse: Pulse, now_ns: int) -> Pulse:
    """It has just shown its host key."""
    return replace(pulse, misses=0, refusals=0, proven_ns=now_ns, away_since_ns=None)
