"""The panel of the strip check: all recorders and their lines, rendered once for all devices."""

from appliance import clock
from appliance.errors import NotFound
from timing.strip_picture import RecorderPicture
from web.given import House
from web.pages.staff.blind import Unseen, unseen
from web.render import render

MISSED_FOR_NS = 30 * 60 * 1_000_000_000
"""How long a blind spot or lost edges are worth a word to the crew on the floor; races remember theirs for ever."""


def context(house: House) -> dict[str, object]:
    """Everything the panel shows."""
    recorders = house.strip_check.pictures()
    return {
        "recorders": recorders,
        "times": _times(house, recorders),
        "missed": _missed(house, recorders),
        "racing": _racing(house, recorders),
        "stamp": clock.mono_ns() // 1_000_000,
    }


def panel(house: House) -> str:
    """The panel as htmx swaps it in."""
    html = render("staff/_strip_check.html", **context(house))
    return f'<hx-partial hx-target="#check" hx-swap="innerMorph">{html}</hx-partial>'


def _times(house: House, recorders: list[RecorderPicture]) -> dict[tuple[str, int], str]:
    """The tracks that each line times, by recorder and number; nothing to say where there is one track."""
    event = house.events.current()
    if event is None or len(event.tracks) < 2:
        return {}
    found = {}
    for of in recorders:
        recorder_id = of.recorder.recorder_id or ""
        for line in of.lines:
            names = [track.name for track in event.tracks if house.strips.times(track, recorder_id, line.line)]
            found[recorder_id, line.line] = ", ".join(names) or "no track"
    return found


def _missed(house: House, recorders: list[RecorderPicture]) -> dict[str, list[Unseen]]:
    """What each recorder has not seen lately, newest first."""
    since_ns = clock.wall_ns() - MISSED_FOR_NS
    names = {(of.recorder.name, line.line): line.name for of in recorders for line in of.lines}
    found = {}
    for of in recorders:
        if of.recorder.recorder_id is not None:
            spots = house.strips.missed(of.recorder.recorder_id, since_ns)
            found[of.recorder.recorder_id] = unseen(spots, names)
    return found


def _racing(house: House, recorders: list[RecorderPicture]) -> dict[str, list[str]]:
    """The tracks with an open race that each recorder times: a tap there is a crossing of that race."""
    found: dict[str, list[str]] = {}
    for race in house.control.live_races():
        try:
            track = house.events.track(race.event_id, race.track_id)
        except NotFound:
            continue
        for of in recorders:
            recorder_id = of.recorder.recorder_id
            if recorder_id and any(house.strips.times(track, recorder_id, line.line) for line in of.lines):
                found.setdefault(recorder_id, []).append(track.name)
    return found
