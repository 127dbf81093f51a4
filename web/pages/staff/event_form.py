"""
The form of an event: from an event to what the fields show, and from what was typed to the event. Pure.

Owns the names of the fields and the choices DREM offers (reference/drem.md 1.1–1.3); keeps a value outside them that
came in through the API.
"""

import re
from collections.abc import Callable, Sequence

import msgspec

from cars.fleet_structs import FleetView
from timing.rules import LAP_COUNTS, Direction, EventType, RaceRules, Ranking, TrackType
from timing.structs import Event, NewEvent, NewTrack, StripLine, Track
from web.pages.staff.forms import Form
from web.pages.staff.track_lines import key_of, line_of, ticked

MAX_TRACKS = 16
DEFAULT_FOOTER = "Follow the race #AWSDeepRacer"
"""DREM's (reference/drem.md 1.3)."""

TYPES = [
    (EventType.PRIVATE_WORKSHOP, "Private workshop"),
    (EventType.PRIVATE_TRACK_RACE, "Private track race"),
    (EventType.OFFICIAL_WORKSHOP, "Official workshop"),
    (EventType.OFFICIAL_TRACK_RACE, "Official track race"),
    (EventType.AWS_SUMMIT, "AWS Summit"),
    (EventType.TEST_EVENT, "Test (left out of statistics)"),
    (EventType.OTHER, "Other"),
]
TRACK_TYPES = [
    (TrackType.REINVENT_2018, "re:Invent 2018"),
    (TrackType.REINVENT_2019, "re:Invent 2019"),
    (TrackType.REINVENT_2022, "re:Invent 2022"),
    (TrackType.REINVENT_2023, "re:Invent 2023"),
    (TrackType.FOREVER_RACEWAY, "Forever Raceway"),
    (TrackType.ATOZ_SPEEDWAY, "A to Z Speedway"),
    (TrackType.SUMMIT_SPEEDWAY, "Summit Speedway"),
    (TrackType.OTHER, "Other"),
]
DIRECTIONS = [(Direction.COUNTER_CLOCKWISE, "Counter-clockwise"), (Direction.CLOCKWISE, "Clockwise")]
RANKINGS = [(Ranking.BEST_LAP, "Best lap"), (Ranking.BEST_AVERAGE, "Best average of adjacent laps")]
LAP_COUNT_CHOICES = [
    ("", "No: race until the time is up"),
    *((str(laps), f"After {laps} lap{'s' if laps > 1 else ''}") for laps in LAP_COUNTS),
]
WINDOWS = [(str(laps), f"{laps} laps") for laps in range(3, 8)]

Choices = list[tuple[str, str]]


def choices(typed: dict[str, str]) -> dict[str, Choices]:
    """The lists of the form; a value that is not DREM's stays choosable."""
    minutes = [(str(minute * 60_000), f"{minute} minute{'s' if minute > 1 else ''}") for minute in range(1, 11)]
    resets = [(str(count), str(count)) for count in range(11)]
    runs = [(str(count), str(count)) for count in range(1, 6)]
    return {
        "race_ms": _with(typed.get("race_ms", ""), [*minutes, ("", "No time limit")], _duration),
        "max_resets_per_lap": _with(typed.get("max_resets_per_lap", ""), [("", "Unlimited"), *resets], str),
        "max_runs": _with(typed.get("max_runs", ""), [*runs, ("", "Unlimited")], str),
        "average_window": _with(typed.get("average_window", "3"), WINDOWS, lambda laps: f"{laps} laps"),
        "lap_count": LAP_COUNT_CHOICES,
        "type": [(value.value, words) for value, words in TYPES],
        "track_type": [(value.value, words) for value, words in TRACK_TYPES],
        "direction": [(value.value, words) for value, words in DIRECTIONS],
        "ranking": [(value.value, words) for value, words in RANKINGS],
    }


def fleet_choices(fleets: Sequence[FleetView]) -> Choices:
    """Whose cars a track may race; nothing to choose where there is no fleet."""
    return [("", "Any car of this box"), *((fleet.fleet_id, fleet.name) for fleet in fleets)] if fleets else []


def typed_of(event: Event) -> dict[str, str]:
    """What the form shows for an event."""
    typed = {
        "name": event.name,
        "type": event.type.value,
        "date": event.date or "",
        "country": event.country or "",
        "sponsor": event.sponsor or "",
        **typed_rules(event.rules),
    }
    for number, track in enumerate(event.tracks):
        typed |= typed_track(number, track)
    return typed


def typed_new(today: str) -> dict[str, str]:
    """What the form shows for a new event: DREM's defaults, today, one track."""
    track = Track(track_id="", name="Track 1", footer=DEFAULT_FOOTER)
    return {
        "name": "",
        "type": EventType.PRIVATE_TRACK_RACE.value,
        "date": today,
        "country": "",
        "sponsor": "",
        **typed_rules(RaceRules()),
        **typed_track(0, track),
    }


def typed_rules(rules: RaceRules) -> dict[str, str]:
    """The rules as fields."""
    return {
        "race_ms": _text(rules.race_ms),
        "max_resets_per_lap": _text(rules.max_resets_per_lap),
        "max_runs": _text(rules.max_runs),
        "ranking": rules.ranking.value,
        "average_window": str(rules.average_window),
        "lap_count": _text(rules.lap_count),
        "track_type": rules.track_type.value,
        "direction": rules.direction.value,
        "min_lap_s": _seconds(rules.min_lap_ms),
        "lockout_s": _seconds(rules.lockout_ms),
    }


def typed_track(number: int, track: Track) -> dict[str, str]:
    """One track as fields; `number` counts rows from 0."""
    return {
        f"track-{number}-id": track.track_id,
        f"track-{number}-name": track.name,
        f"track-{number}-footer": track.footer,
        f"track-{number}-fleet": track.fleet_id or "",
        f"track-{number}-lines": "",
        f"track-{number}-timing": "all" if track.lines is None else "none" if not track.lines else "some",
        **{f"track-{number}-line-{key_of(line)}": "1" for line in track.lines or []},
    }


def track_rows(typed: dict[str, str]) -> list[int]:
    """The numbers of the track rows in the form, in order."""
    return sorted(int(match[1]) for name in typed if (match := re.fullmatch(r"track-(\d{1,3})-name", name)))


def add_track_row(typed: dict[str, str]) -> None:
    """One more row, a copy of the last one's footer as DREM does."""
    rows = track_rows(typed)
    number = rows[-1] + 1 if rows else 0
    footer = typed.get(f"track-{rows[-1]}-footer", DEFAULT_FOOTER) if rows else DEFAULT_FOOTER
    typed.update(typed_track(number, Track(track_id="", name=f"Track {len(rows) + 1}", footer=footer)))


def remove_track_row(typed: dict[str, str], number: str) -> None:
    """Take a row out of the form; the last one stays."""
    if len(track_rows(typed)) > 1:
        for name in [name for name in typed if name.startswith(f"track-{number}-")]:
            del typed[name]


def event_of(form: Form) -> NewEvent | None:
    """The event that was typed, or None with the form's errors saying why not."""
    fields = {
        "name": form.needed("name", "Give the event a name: it stands on the board."),
        "type": form.choice("type", EventType, EventType.PRIVATE_TRACK_RACE),
        "date": form.text("date") or None,
        "country": form.text("country") or None,
        "sponsor": form.text("sponsor") or None,
        "rules": _rules_of(form),
        "tracks": _tracks_of(form),
    }
    if not form.ok:
        return None
    try:
        return msgspec.convert(msgspec.to_builtins(fields), NewEvent)
    except msgspec.ValidationError as error:
        form.wrong(_field_of(str(error)), _short(str(error)))
        return None


def _rules_of(form: Form) -> RaceRules:
    ranking = form.choice("ranking", Ranking, Ranking.BEST_LAP)
    lap_count = form.whole("lap_count", 1, 10)
    if lap_count is not None and ranking is not Ranking.BEST_LAP:
        form.wrong("lap_count", "A race of so many laps is ranked by best lap: choose that, or no lap count.")
    return RaceRules(
        race_ms=form.whole("race_ms", 1_000, 3_600_000),
        max_resets_per_lap=form.whole("max_resets_per_lap", 0, 1000),
        max_runs=form.whole("max_runs", 1, 1000),
        ranking=ranking,
        average_window=form.whole("average_window", 2, 20) or 3,
        track_type=form.choice("track_type", TrackType, TrackType.REINVENT_2018),
        direction=form.choice("direction", Direction, Direction.COUNTER_CLOCKWISE),
        min_lap_ms=form.seconds_ms("min_lap_s", 600, 5_000),
        lockout_ms=form.seconds_ms("lockout_s", 60, 2_000),
        lap_count=lap_count,
    )


def _tracks_of(form: Form) -> list[NewTrack]:
    rows = track_rows(form.typed)
    if not rows:
        form.wrong("", "An event needs a track.")
    return [
        NewTrack(
            name=form.needed(f"track-{row}-name", "Give the track a name."),
            track_id=form.text(f"track-{row}-id") or None,
            footer=form.text(f"track-{row}-footer")[:200],
            fleet_id=form.text(f"track-{row}-fleet") or None,
            lines=_lines_of(form, row),
        )
        for row in rows
    ]


def _lines_of(form: Form, row: int) -> list[StripLine] | None:
    name = f"track-{row}-lines"
    timing = form.text(f"track-{row}-timing") or "all"
    words = [word for word in re.split(r"[,;\s]+", form.text(name)) if word]
    if timing == "all":
        return None
    if timing == "none":
        return []
    lines = ticked(form.typed, row)
    for word in words:
        line = line_of(word)
        if line is None:
            form.wrong(name, f"“{word}” is no line. Type their numbers, for example 17, 27.")
            break
        lines.append(line)
    if not lines:
        form.wrong(name, "Tick this track's lines, or choose “By hand only”.")
    return list(dict.fromkeys(lines))


def _with(value: str, known: Choices, words: Callable[[str], str]) -> Choices:
    if value in {choice for choice, _ in known} or not value.isdigit():
        return known
    return sorted([*known, (value, words(value))], key=lambda choice: int(choice[0] or 1_000_000_000))


def _duration(ms: str) -> str:
    return f"{int(ms) // 60_000}:{int(ms) // 1000 % 60:02d} minutes"


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g}"


def _field_of(detail: str) -> str:
    match = re.search(r"\$\.(?:rules\.)?([a-z_]+)(?:\[(\d+)\]\.([a-z_]+))?", detail)
    if match is None:
        return ""
    name, number, part = match.groups()
    return f"track-{number}-{part.removesuffix('_id')}" if number and part else name


def _short(detail: str) -> str:
    text = detail.partition(" - at ")[0]
    return f"This was not accepted: {text[0].lower()}{text[1:]}."
