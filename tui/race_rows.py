"""Races, the laps of one, and what happened in it, as a terminal shows them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from rich.cells import cell_len
from textual.content import Content

from timing.structs import LapView, RaceState, RaceView
from timing.trail import TrailLine
from tui.columns import Cell, Look, Row, fit, plain
from tui.moments import moment_text, second_text
from tui.widgets.lap_table import notes
from tui.widgets.panel import SOFT, WARN
from tui.words import STATES, counted, lap_text, validity, who

GAP = "  "
NAME_LEAST = 12
NAME_MOST = 36
TRACK_MOST = 12
WIDE_CELLS = 88
"""From here on the best average is shown as well."""
DELETED = "× Deleted"

RACE_LOOKS = {
    RaceState.RUNNING: Look.GOOD,
    RaceState.PAUSED: Look.WARN,
    RaceState.OVER: Look.WARN,
    RaceState.READY: Look.STRONG,
    RaceState.DISCARDED: Look.SOFT,
}


@dataclass(frozen=True, slots=True)
class Widths:
    """Cells of the columns that are as wide as what stands in them."""

    made: int
    track: int
    name: int
    average: int


def race_rows(races: Sequence[RaceView], tracks: Mapping[str, str], cells: int, today: date) -> tuple[Row, list[Row]]:
    """
    The heading and a row for each race.

    Args:
        tracks: Names by id; with one track alone its column is left out.
        cells: Width of all columns together.
        today: Races of this day show their time alone.
    """
    widths = _widths(races, tracks, cells, today)
    titles = (("Made", widths.made), ("Track", widths.track), ("Racer", widths.name), ("Run", 5), ("State", 13))
    heading = [Cell(fit(title, width)) for title, width in titles]
    heading += [
        Cell(fit("Laps", 4, right=True) + GAP),
        Cell(fit("Best lap", 9)),
        Cell(fit("  Average", widths.average)),
    ]
    return heading, [_race_row(race, tracks, widths, today) for race in races]


def _widths(races: Sequence[RaceView], tracks: Mapping[str, str], cells: int, today: date) -> Widths:
    made = max((len(moment_text(race.created_at, today)) for race in races), default=5) + len(GAP)
    names = max((cell_len(plain(name)) for name in tracks.values()), default=0)
    track = max(5, min(TRACK_MOST, names)) + len(GAP) if len(tracks) > 1 else 0
    average = 11 if cells >= WIDE_CELLS else 0
    name = cells - made - track - 5 - 13 - 6 - 9 - average - len(GAP)
    return Widths(made, track, max(NAME_LEAST, min(NAME_MOST, name)) + len(GAP), average)


def state_words(race: RaceView) -> str:
    """The race's state; a deleted one is that before anything else."""
    return DELETED if race.deleted else STATES[race.state]


def average_ms(race: RaceView) -> int | None:
    """The best average of the race."""
    return race.averages[0].average_ms if race.averages else None


def _race_row(race: RaceView, tracks: Mapping[str, str], widths: Widths, today: date) -> Row:
    name = who(race.username, race.country) + (" *" if race.by_proxy else "")
    look = Look.SOFT if race.deleted or race.state is RaceState.DISCARDED else Look.PLAIN
    return [
        Cell(fit(moment_text(race.created_at, today), widths.made), Look.SOFT),
        Cell(_padded(tracks.get(race.track_id, race.track_id), widths.track), look),
        Cell(_padded(name, widths.name), Look.STRONG if look is Look.PLAIN else look),
        Cell(fit(str(race.run), 5), look),
        Cell(fit(state_words(race), 13), Look.BAD if race.deleted else RACE_LOOKS.get(race.state, Look.PLAIN)),
        Cell(fit(str(len(race.laps)), 4, right=True) + GAP, look),
        Cell(fit(lap_text(race.best_ms), 9), look),
        Cell(fit(f"{GAP}{lap_text(average_ms(race))}", widths.average), Look.SOFT),
    ]


def _padded(text: str, cells: int) -> str:
    """The text with a gap behind it in so many cells; nothing in none."""
    return fit(text, cells - len(GAP)) + GAP if cells else ""


def lap_rows(laps: Sequence[LapView], best_ms: int | None, cells: int) -> tuple[Row, list[Row]]:
    """The heading and a row for each lap, deleted ones too, oldest first."""
    note_cells = max(8, cells - 4 - 11 - 8 - 11 - 8 - 10)
    titles = ((" Lap", 6), ("Time", 11), ("Resets", 8), ("Counts", 11), ("By", 8), ("At", 10), ("", note_cells - 2))
    return [Cell(fit(title, width)) for title, width in titles], [_lap_row(lap, best_ms, note_cells) for lap in laps]


def _lap_row(lap: LapView, best_ms: int | None, note_cells: int) -> Row:
    look = Look.SOFT if lap.deleted or not lap.valid else Look.PLAIN
    counts = DELETED if lap.deleted else validity(lap)
    is_best = not lap.deleted and lap.valid and lap.lap_ms == best_ms
    return [
        Cell(fit(str(lap.lap), 4, right=True) + GAP, look),
        Cell(fit(lap_text(lap.lap_ms), 11), Look.STRONG if look is Look.PLAIN else look),
        Cell(fit(str(lap.resets), 8), look),
        Cell(fit(counts, 11), Look.GOOD if lap.valid and not lap.deleted else Look.BAD),
        Cell(fit("–" if lap.dnf else lap.source, 8), look),
        Cell(fit(second_text(lap.set_at), 10), Look.SOFT),
        Cell(fit(notes(lap, best_ms) if not lap.deleted else "", note_cells - 2), Look.GOOD if is_best else Look.WARN),
    ]


def detail_text(race: RaceView, track_name: str) -> Content:
    """A race with its laps, for a narrow place beside others."""
    name = plain(who(race.username, race.country)) + (" (by proxy)" if race.by_proxy else "")
    lines = [
        Content.assemble((name, "bold"), f"   {state_words(race)}"),
        Content.assemble((f"run {race.run} · {plain(track_name)}", SOFT)),
        Content(f"best {lap_text(race.best_ms)} · average {lap_text(average_ms(race))}"),
        Content(""),
        *(_detail_lap(lap, race.best_ms) for lap in race.laps),
    ]
    return Content("\n").join([*lines, Content("" if race.laps else "No laps."), Content("")])


def _detail_lap(lap: LapView, best_ms: int | None) -> Content:
    counts = DELETED if lap.deleted else validity(lap)
    resets = counted(lap.resets, "reset") if lap.resets else ""
    said = ", ".join(one for one in (resets, "" if lap.deleted else notes(lap, best_ms)) if one)
    by = "–" if lap.dnf else lap.source
    return Content.assemble(f"{lap.lap:>3}  {lap_text(lap.lap_ms)}  {counts:<9}  {by:<5}  ", (said, SOFT))


def trail_text(trail: Sequence[TrailLine]) -> Content:
    """What happened, newest first; as long as it is, so that no reason is cut off."""
    return Content("\n").join(_trail_line(line) for line in reversed(trail))


def _trail_line(line: TrailLine) -> Content:
    return Content.assemble(
        (f"{second_text(line.at)} ", SOFT),
        (f"{plain(line.actor)} ", "bold"),
        (plain(line.text), WARN if line.is_edit else ""),
    )


def summary(race: RaceView, track_name: str, cells: int) -> Content:
    """One race in a line: who, how it stands, where, what came of it; what matters least goes first."""
    name = plain(who(race.username, race.country)) + (" (by proxy)" if race.by_proxy else "")
    said = [f"run {race.run}", plain(track_name), f"best {lap_text(race.best_ms)}"]
    said += [f"average {lap_text(average_ms(race))}"] if race.averages else []
    line = Content.assemble((name, "bold"), f"   {state_words(race)}  ")
    for one in said:
        longer = Content.assemble(line, (f" {one} ", SOFT))
        line = longer if longer.cell_length <= cells else line
    return line
