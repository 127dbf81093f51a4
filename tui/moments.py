"""Moments of the wall, UTC in ISO 8601, as the clock in the hall shows them. Pure but for this machine's time zone."""

from datetime import date, datetime

NS_PER_S = 1_000_000_000


def hour_text(iso: str | None) -> str:
    """The time of day, "14:05"; nothing for None."""
    return f"{_local(iso):%H:%M}" if iso else ""


def second_text(iso: str | None) -> str:
    """The time of day to the second, "14:05:09": a dispute is about seconds."""
    return f"{_local(iso):%H:%M:%S}" if iso else ""


def moment_text(iso: str, today: date) -> str:
    """The time of day, "14:05"; with the day when that is another one, "21 Nov 14:05"."""
    local = _local(iso)
    return f"{local:%H:%M}" if local.date() == today else f"{local.day} {local:%b %H:%M}"


def today() -> date:
    """The day on this machine, which stands where the race is."""
    return datetime.now().astimezone().date()


def age_ms(iso: str, now_wall_ns: int) -> int:
    """How long ago it was; a moment that is yet to come is now."""
    return max(0, now_wall_ns - ns_of(iso)) // 1_000_000


def ns_of(iso: str) -> int:
    """UTC in ns since 1970."""
    return int(datetime.fromisoformat(iso).timestamp() * NS_PER_S)


def _local(iso: str) -> datetime:
    return datetime.fromisoformat(iso).astimezone()
