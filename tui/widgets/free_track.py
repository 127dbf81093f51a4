"""What a track without a race shows: who is next, and the key that makes them ready. Lines for a panel. Pure."""

from collections.abc import Sequence

from textual.content import Content

from timing.crew_structs import InLine
from timing.structs import RaceState, RaceView
from tui.columns import plain
from tui.errors import BoxError
from tui.widgets.panel import BAD, GOOD, OWN, SOFT, STRONG, WARN, Draw
from tui.widgets.queue_side import in_line, is_used_up
from tui.words import STATES, counted, lap_text, who

THEN_SHOWN = 4
Part = str | tuple[str, str]


def free_lines(
    track_name: str, line: Sequence[InLine], *, by_proxy: bool, may_run: bool, result: RaceView | None = None
) -> Draw:
    """The track is free; `by_proxy`: the next race will be marked so; `result`: how the one before ended."""
    standing = in_line(line)
    heading = Content.assemble((f"{plain(track_name)} is free", STRONG), *_ended(result))
    said = _next(standing[0], by_proxy=by_proxy, may_run=may_run) if standing else _nobody(may_run=may_run)
    lines = [Content(""), heading, Content(""), *said]

    def draw(width: int, height: int) -> list[Content]:
        rest = _then(standing[1:], height - len(lines) - 1)
        return [one.truncate(width, ellipsis=True) for one in [*lines, *rest]]

    return draw


def _ended(result: RaceView | None) -> list[Part]:
    """What became of the race before, so that nobody wonders whether it was handed in."""
    if result is None:
        return []
    valid = sum(lap.valid for lap in result.laps)
    told = f"   {STATES[result.state]}  {plain(who(result.username, result.country))}"
    if result.state is not RaceState.SUBMITTED:
        return [(told, WARN)]
    return [(told, GOOD), f"  {counted(valid, 'valid lap')}, best {lap_text(result.best_ms)}"]


def asking_lines(problem: BoxError | None) -> Draw:
    """Before the first news of the track."""
    lines = [Content(""), Content.assemble(("Asking the box…", SOFT))]
    if problem is not None:
        lines += [Content(""), Content.assemble((plain(problem.message), BAD)), Content(plain(problem.remedy))]
    return lambda width, _: [line.truncate(width, ellipsis=True) for line in lines]


def _next(one: InLine, *, by_proxy: bool, may_run: bool) -> list[Content]:
    entry = one.entry
    lines = [
        Content.assemble(
            ("Next   ", SOFT), (plain(who(entry.username, entry.country)), OWN), (f"   {_run(one)}", SOFT)
        ),
        Content(""),
    ]
    if not may_run:
        return lines
    makes = "asks whether to allow one more run" if is_used_up(one) else "makes them ready"
    proxy = "takes the proxy mark off again" if by_proxy else "marks the race: somebody else drives"
    return [
        *lines,
        _key("N", makes),
        _key("P", proxy),
        _key("2", "opens the queue: somebody else first, not there, one more"),
        *([Content(""), Content.assemble(("Will be raced by proxy.", WARN))] if by_proxy else []),
    ]


def _then(standing: Sequence[InLine], rows: int) -> list[Content]:
    """Who comes after the next one, as many as there is room for."""
    names = [plain(who(one.entry.username, one.entry.country)) for one in standing[: min(rows, THEN_SHOWN)]]
    lines = [
        Content.assemble(("Then   " if place == 0 else "       ", SOFT), name, (f"   {_run(one)}", SOFT))
        for place, (name, one) in enumerate(zip(names, standing, strict=False))
    ]
    if len(standing) > len(lines) and lines:
        lines[-1] = Content.assemble(f"       and {len(standing) - len(lines) + 1} more")
    return [Content(""), *lines] if lines else []


def _run(one: InLine) -> str:
    limit = f" of {one.max_runs}" if one.max_runs is not None else ""
    return f"all {one.max_runs} runs used" if is_used_up(one) else f"run {one.runs_done + 1}{limit}"


def _nobody(*, may_run: bool) -> list[Content]:
    lines = [Content.assemble(("Nobody is in line.", STRONG)), Content("")]
    return [*lines, _key("2", "opens the queue; A there adds a racer by a few letters")] if may_run else lines


def _key(key: str, does: str) -> Content:
    return Content.assemble((f"  {key}  ", OWN), does)
