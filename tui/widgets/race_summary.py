"""Who races, how it stands, and what to know about it now: lines for a panel. Pure."""

from collections.abc import Sequence

from textual.content import Content

from timing.structs import AverageView, RaceState, RaceView
from tui.columns import plain
from tui.widgets.panel import ALARM, BAD, CAUTION, OWN, SOFT, STRONG, WARN, Draw, spread
from tui.words import STATES, lap_text, who

BADGES = {
    RaceState.READY: "bold $background on $primary",
    RaceState.RUNNING: "bold $background on $success",
    RaceState.PAUSED: CAUTION,
    RaceState.OVER: "bold $background on $accent",
}
PENDING = "●"
"""A press is on its way."""

NOTICES = {
    RaceState.READY: "Ready. The first crossing or Space starts the clocks.",
    RaceState.PAUSED: "Paused. Space goes on; a crossing goes on too, and begins a new lap.",
    RaceState.OVER: "Over. ↑↓ and V change laps, then S submits. C goes back to the race.",
}
POWER_CUT = "Paused by a power cut. All laps are kept. Put the car back, then Space."
TIME_UP = {
    RaceState.RUNNING: "Time is up. The car may finish this lap; the next capture ends the race.",
    RaceState.PAUSED: "Time is up. Space goes on for one more capture, X ends the race.",
}


def who_line(race: RaceView, pending: Sequence[str] = ()) -> Draw:
    """State, name, run; at the right what was pressed and is not answered yet."""
    limit = f" of {race.rules.max_runs}" if race.rules.max_runs else ""
    left = Content.assemble(
        state_badge(race.state),
        "  ",
        (plain(who(race.username, race.country)), STRONG),
        (f"  run {race.run}{limit}", SOFT),
        ("  by proxy", WARN) if race.by_proxy else "",
    )
    right = Content.assemble((f"{PENDING} {', '.join(pending)}", WARN)) if pending else Content("")
    return lambda width, _: [spread(left, right, width)]


def state_badge(state: RaceState) -> Content:
    """The state as a sign and a word, on its colour."""
    return Content.assemble((f" {STATES[state]} ", BADGES.get(state, STRONG)))


def notice_line(race: RaceView, *, power_cut: bool) -> Content:
    """The one thing to know now; empty when there is nothing."""
    if power_cut:
        return Content.assemble((f" {POWER_CUT} ", ALARM))
    if race.time_up and race.state in TIME_UP:
        return Content.assemble((f" {TIME_UP[race.state]} ", CAUTION))
    return Content.assemble((NOTICES.get(race.state, ""), OWN if race.state is RaceState.OVER else ""))


def stats_line(race: RaceView) -> Draw:
    """Best lap, best average, laps, resets: the same places while numbers change."""
    average = race.averages[0] if race.averages else None
    parts = [
        [("BEST ", SOFT), (f"{lap_text(race.best_ms):<9}", OWN)],
        [
            (f"{_average_name(race, average)} ", SOFT),
            (f"{lap_text(average.average_ms if average else None):<9}", STRONG),
        ],
        _laps(race),
        _resets(race),
    ]
    drawn = [Content.assemble(*part) for part in parts]

    def draw(width: int, _height: int) -> list[Content]:
        between = max(1, (width - sum(part.cell_length for part in drawn)) // (len(drawn) - 1))
        return [Content(" " * min(between, 6)).join(drawn).truncate(width, ellipsis=True)]

    return draw


def _average_name(race: RaceView, average: AverageView | None) -> str:
    window = race.rules.average_window
    return f"AVG of {window}" if average is None else f"AVG {average.first_lap}–{average.last_lap}"


def _laps(race: RaceView) -> list[tuple[str, str]]:
    valid = sum(lap.valid for lap in race.laps)
    target = f"/{race.rules.lap_count}" if race.rules.lap_count else ""
    return [("LAPS ", SOFT), (f"{valid}{target} valid", STRONG), (f", {len(race.laps) - valid} not", SOFT)]


def _resets(race: RaceView) -> list[tuple[str, str]]:
    limit = race.rules.max_resets_per_lap
    is_over = limit is not None and race.resets > limit
    word = " too many" if is_over else ""
    return [
        ("RESETS ", SOFT),
        (str(race.resets), BAD if is_over else STRONG),
        (f"/{'∞' if limit is None else limit}{word}", BAD if is_over else SOFT),
    ]


def clock_caption(race: RaceView, left_ms: int | None) -> str:
    """What the race clock shows, in words: the colour of the last seconds is only a help."""
    if left_ms is None:
        return "RACE TIME"
    if left_ms == 0 or race.time_up:
        return "TIME IS UP"
    return "LAST SECONDS" if is_last_seconds(left_ms) else "TIME LEFT"


def is_last_seconds(left_ms: int | None) -> bool:
    """Whether the race is about to end."""
    return left_ms is not None and left_ms <= LAST_MS


LAST_MS = 10_000
"""As on the web's page."""


def lap_caption(race: RaceView) -> str:
    """The lap clock's own number."""
    return f"LAP {race.laps[-1].lap + 1 if race.laps else 1}"
