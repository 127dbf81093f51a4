"""
The verdicts of the strip check in the words of the floor: what was found, and what to do, one sentence each. Pure.

docs/strips.md repeats them for whoever prints it; a test holds the two together.
"""

from enum import StrEnum

from msgspec import Struct

from timing.stream import Line


class Verdict(StrEnum):
    """What the self-test says of a strip; only GOOD ones are fit to race on."""

    GOOD = "good"
    DEAD = "dead"
    MISSES = "misses"
    STUCK = "stuck"
    INVERTED = "inverted"
    CHATTERING = "chattering"
    TOO_SHORT = "too_short"
    CROSS_TALK = "cross_talk"
    SWAPPED = "swapped"
    SKIPPED = "skipped"


TITLES = {
    Verdict.GOOD: "Good",
    Verdict.DEAD: "Dead",
    Verdict.MISSES: "Misses taps",
    Verdict.STUCK: "Stays pressed",
    Verdict.INVERTED: "Inverted",
    Verdict.CHATTERING: "Chattering",
    Verdict.TOO_SHORT: "Too short",
    Verdict.CROSS_TALK: "Fires another strip",
    Verdict.SWAPPED: "Another strip answers",
    Verdict.SKIPPED: "Not tested",
}

PRESS_THE_TAPE = "Press the tape down along the foil, and look at the cable and its plug."
REMEDIES = {
    Verdict.GOOD: None,
    Verdict.DEAD: PRESS_THE_TAPE,
    Verdict.MISSES: "Tap again in the middle; if it still misses, press the tape down along the foil.",
    Verdict.STUCK: "Take away what lies on it, and lift the tape so that the foils part by themselves.",
    Verdict.INVERTED: "Swap :active-low and :active-high for line {line} in gpio_lines of the settings.",
    Verdict.CHATTERING: "Look for a loose plug or a torn foil, and tape the cable down where it can move.",
    Verdict.TOO_SHORT: "Lay the foils closer together, so that a light press closes them.",
    Verdict.CROSS_TALK: "Keep the foils and cables of the two strips apart, then test again.",
    Verdict.SWAPPED: "Exchange the two plugs or the two names in the settings; after a wrong tap just test again.",
    Verdict.SKIPPED: "Test it before the first race.",
}


class LineVerdict(Struct, frozen=True, kw_only=True):
    """
    What the self-test found on one line, and what to do about it.

    `contact_ms` and `bounces` are those of the middle one of its taps; None when there was none, or no contact times.
    """

    line: int
    name: str
    verdict: Verdict
    title: str
    finding: str
    remedy: str | None
    taps: int = 0
    contact_ms: int | None = None
    bounces: int | None = None

    @property
    def good(self) -> bool:
        """Whether to race on it."""
        return self.verdict is Verdict.GOOD


def verdict_of(
    line: Line,
    verdict: Verdict,
    *,
    taps: int = 0,
    contact_ms: int | None = None,
    bounces: int | None = None,
    other: str = "",
    contacts: int = 0,
) -> LineVerdict:
    """
    Put a verdict into words.

    Args:
        other: The name of the strip that fired as well, or instead.
        contacts: How often it made contact without being touched.
    """
    findings = {
        Verdict.GOOD: f"{_count(taps, 'tap')} felt{_measured(contact_ms, bounces)}.",
        Verdict.DEAD: f"Nothing came from line {line.line}.",
        Verdict.MISSES: f"Only {_count(taps, 'tap')} arrived.",
        Verdict.STUCK: f"Line {line.line} says that it is pressed all the time.",
        Verdict.INVERTED: "It says pressed while nobody touches it, and lets go when tapped.",
        Verdict.CHATTERING: (
            f"{_count(contacts, 'contact')} without being touched."
            if contacts
            else f"{_count(bounces or 0, 'bounce')} in one tap."
        ),
        Verdict.TOO_SHORT: f"A tap closes it for only {contact_ms or 'under 1'} ms: a fast wheel would be missed.",
        Verdict.CROSS_TALK: f"Tapping it makes {other} fire too.",
        Verdict.SWAPPED: f"{other} fired when {line.name} was to be tapped.",
        Verdict.SKIPPED: "It was left out.",
    }
    remedy = REMEDIES[verdict]
    return LineVerdict(
        line=line.line,
        name=line.name,
        verdict=verdict,
        title=TITLES[verdict],
        finding=findings[verdict],
        remedy=None if remedy is None else remedy.format(line=line.line),
        taps=taps,
        contact_ms=contact_ms,
        bounces=bounces,
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _measured(contact_ms: int | None, bounces: int | None) -> str:
    if contact_ms is None:
        return ""
    return f", {contact_ms} ms on it, {_count(bounces, 'bounce') if bounces else 'no bounces'}"
