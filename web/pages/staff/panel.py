"""
The live panels of one track: the race, the line, who has raced, the strips. What each shows, and as HTML.

A panel is the same for everybody who may run races, so that it is rendered once and shared by all devices.
"""

from collections.abc import Container, Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from appliance import clock
from appliance.ids import new_id
from timing.queue import QueueEntry, QueueState
from timing.structs import Event, LapView, RaceView, Track
from web.crew_picture import power_cut
from web.driven_names import names_of_race
from web.given import House
from web.pages.staff.blind import unseen
from web.pages.staff.line_cars import Sent, line_cars, prepared_now
from web.pages.staff.loose import loose_now
from web.render import render

NEXT_SHOWN = 40
"""Rows of a line that are drawn; the rest is counted."""


class Part(StrEnum):
    """A panel, by the id of its element."""

    TABS = "tabs"
    RACE = "race"
    QUEUE = "queue"
    PAST = "past"
    STRIPS = "strips"
    BLIND = "blind"
    LOOSE = "loose"
    SENT = "sent"
    """Goes with the line: of each in it who has car and model prepared, how far the model is on its way."""
    CROSSINGS = "crossings"
    """No panel of its own: tells the list of crossings to look again."""


class InLine(Struct, frozen=True, kw_only=True):
    """One racer in line with their runs; a tap on Start makes the race `race_id`, so that two taps make one."""

    entry: QueueEntry
    runs_done: int
    max_runs: int | None
    race_id: str

    @property
    def used_up(self) -> bool:
        """All runs are raced: one more is for staff to allow."""
        return self.max_runs is not None and self.runs_done >= self.max_runs


async def context(house: House, event_id: str, track_id: str, wanted: Iterable[Part] = Part) -> dict[str, object]:
    """
    Everything the panels of a track show, but for the notes; of cars and models only what is wanted, for some of it is
    read from the disk. Raises NotFound.
    """
    event = house.events.get(event_id)
    track = house.events.track(event_id, track_id)
    race = house.control.live(event_id, track_id)
    entries = _standing(house.queue.list(event_id, track_id))
    return {
        "event": event,
        "track": track,
        "base": f"/staff/events/{event_id}/tracks/{track_id}",
        "tracks": tracks_now(house, event),
        "race": race,
        **await _race(house, race),
        "line": [await in_line(house, event, entry) for entry in entries[:NEXT_SHOWN]],
        "line_length": len(entries),
        "has_car": bool(house.cars.all()),
        "sent": await _sent(house, event_id, track_id, entries[:NEXT_SHOWN], frozenset(wanted)),
        "past": house.queue.past(event_id, track_id),
        "strips": house.strips.health(event_id, track_id),
        "stamp": clock.mono_ns() // 1_000_000,
    }


async def notes(house: House, event_id: str, track_id: str, wanted: Iterable[Part] = Part) -> dict[str, object]:
    """
    What the strips saw without a race, and what they missed of the one on the track.

    Only what is wanted: some of it is read from the disk, and a lap must not wait for that.
    """
    values: dict[str, object] = {}
    if Part.LOOSE in wanted:
        values["loose"] = await loose_now(house, event_id, track_id)
    if Part.BLIND in wanted:
        values["blind"] = unseen(house.strips.blind_spots(event_id, track_id), line_names(house))
    return values


def tracks_now(house: House, event: Event) -> list[tuple[Track, RaceView | None]]:
    """Each track with its live race."""
    return [(track, house.control.live(event.event_id, track.track_id)) for track in event.tracks]


async def in_line(house: House, event: Event, entry: QueueEntry) -> InLine:
    """An entry with its racer's runs."""
    standing = await house.boards.standing(event.event_id, entry.track_id, entry.racer_id)
    return InLine(
        entry=entry,
        runs_done=0 if standing is None else standing.runs,
        max_runs=event.rules.max_runs,
        race_id=new_id(),
    )


async def parts(house: House, event_id: str, track_id: str, wanted: Iterable[Part]) -> dict[Part, str]:
    """These panels as htmx swaps them in; nothing for those that are none."""
    panels = set(wanted)
    if Part.QUEUE in panels:
        panels.discard(Part.SENT)  # The line has it.
    values = await context(house, event_id, track_id, panels)
    values |= await notes(house, event_id, track_id, panels)
    return {part: _rendered(part, values) for part in Part if part in panels}


def _rendered(part: Part, values: dict[str, object]) -> str:
    if part is Part.CROSSINGS:
        return ""
    if part is Part.SENT:
        rows: dict[str, Sent] = values["sent"]  # type: ignore[assignment]
        return "".join(_partial(f"sent-{queue_id}", "staff/_sent.html", one=one) for queue_id, one in rows.items())
    return _partial(part.value, f"staff/_{part.value}.html", **values)


def _partial(target: str, template: str, **values: object) -> str:
    html = render(template, **values)
    return f'<hx-partial hx-target="#{target}" hx-swap="innerMorph">{html}</hx-partial>'


def last_lap_kind(race: RaceView) -> str:
    """What the last lap sounds like: "invalid", "best" (of two or more valid laps) or "lap"; "" without one."""
    if not race.laps:
        return ""
    last = race.laps[-1]
    if not last.valid:
        return "invalid"
    valid = [lap for lap in race.laps if lap.valid]
    return "best" if len(valid) > 1 and _is_fastest(last, valid) else "lap"


def _is_fastest(lap: LapView, laps: list[LapView]) -> bool:
    return all(lap.lap_ms < other.lap_ms for other in laps if other is not lap)


def line_names(house: House) -> dict[tuple[str, int], str]:
    """What the lines are called, by recorder and number."""
    return {(one.name, line.line): line.name for one in house.strips.recorders() for line in one.lines}


async def _sent(
    house: House, event_id: str, track_id: str, line: Sequence[QueueEntry], wanted: Container[Part]
) -> dict[str, Sent]:
    if Part.QUEUE in wanted:
        return await line_cars(house, event_id, track_id, line)
    return await prepared_now(house, line) if Part.SENT in wanted else {}


def _standing(entries: list[QueueEntry]) -> list[QueueEntry]:
    return [entry for entry in entries if entry.state is not QueueState.RACING]


async def _race(house: House, race: RaceView | None) -> dict[str, object]:
    if race is None:
        return {"allowed": frozenset(), "power_cut": False, "sound": "", "driven": None, "has_any_car": False}
    return {
        "driven": await names_of_race(house, race),
        "has_any_car": bool(house.cars.all()),
        "allowed": {kind.value for kind in await house.control.allowed(race.race_id)},
        "power_cut": await power_cut(house, race),
        "sound": last_lap_kind(race),
    }
