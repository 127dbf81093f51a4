"""
How times and names look to people. Pure; web/static/js/live.js writes the same forms.

Times come as whole milliseconds, already rounded down from nanoseconds.
"""

from datetime import datetime

from timing.lap_text import lap_text

KILOBYTES_BELOW = 100_000
"""Smaller sizes would be 0.0 or 0.1 MB."""
GIGABYTES_FROM = 10_000_000_000
"""Disks; no model comes near."""


def lap(ms: int | None) -> str:
    """A lap time as DREM shows it, mm:ss.mmm: 9123 is "00:09.123"; an hour and more counts on in minutes."""
    return "–" if ms is None else lap_text(ms)


def countdown(ms: int | None) -> str:
    """What is left of a race, mm:ss.t, rounded down: 118_390 is "01:58.3"."""
    if ms is None:
        return "–"
    return f"{ms // 60_000:02d}:{ms // 1000 % 60:02d}.{ms % 1000 // 100}"


def gap(ms: int | None) -> str:
    """A distance in time: "+1.234", "+1:02.345" from a minute on, nothing for None."""
    if ms is None:
        return ""
    minutes, rest = divmod(ms, 60_000)
    if minutes:
        return f"+{minutes}:{rest // 1000:02d}.{rest % 1000:03d}"
    return f"+{rest // 1000}.{rest % 1000:03d}"


def megabytes(size_bytes: int, of_bytes: int | None = None) -> str:
    """A size: "48 kB", "21.3 MB", "79.3 GB"; in the unit that `of_bytes` would have, to be read beside it."""
    if (size_bytes if of_bytes is None else of_bytes) < KILOBYTES_BELOW:
        return f"{max(round(size_bytes / 1000), min(size_bytes, 1))} kB"
    if size_bytes >= GIGABYTES_FROM:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{size_bytes / 1_000_000:.1f} MB"


def initials(username: str) -> str:
    """One or two letters for an avatar: "anna.lee" is "AL", "Łukasz" is "Ł", "山田太郎" is "山"."""
    words = [word for word in _split(username) if word]
    if not words:
        return "?"
    first = words[0][0].upper()
    second = words[1][0].upper() if len(words) > 1 and words[1][0].isalnum() else ""
    return first + second


def _split(username: str) -> list[str]:
    for sign in "._-":
        username = username.replace(sign, " ")
    return username.split(" ")


def day(iso: str | None) -> str:
    """ "22 Nov 2026" from a date or a moment in ISO 8601."""
    if not iso:
        return ""
    moment_ = datetime.fromisoformat(iso)
    return f"{moment_.day} {moment_:%b %Y}"


def at(iso: str | None) -> str:
    """The time of day on the box's own clock, "14:05"."""
    return f"{datetime.fromisoformat(iso).astimezone():%H:%M}" if iso else ""


def second(iso: str | None) -> str:
    """The time of day to the second on the box's own clock, "14:05:09": to tell one crossing from the next."""
    return f"{datetime.fromisoformat(iso).astimezone():%H:%M:%S}" if iso else ""


def moment(iso: str | None) -> str:
    """Day and time on the box's own clock, "22 Nov, 14:05"."""
    if not iso:
        return ""
    local = datetime.fromisoformat(iso).astimezone()
    return f"{local.day} {local:%b, %H:%M}"
