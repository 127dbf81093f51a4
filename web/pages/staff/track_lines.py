"""
Which lines time which track: what the event form offers, how a tick is named, and what to warn of. Pure.

A line of the box's own recorder is named by its number alone, so that a replaced recorder goes on timing; one of
another recorder with that recorder's id. A configured line is always offered, also when its recorder is away.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from timing.stream import Line, LineRole
from timing.strip_health import RecorderState
from timing.structs import NewTrack, StripLine, Track

MAX_LINE = 1023


class LineChoice(Struct, frozen=True, kw_only=True):
    """One line to tick; `key` is the end of its field's name."""

    key: str
    name: str
    note: str


class LineGroup(Struct, frozen=True, kw_only=True):
    """The lines of one recorder; `note` says when it is away."""

    name: str
    note: str
    lines: list[LineChoice]


def key_of(line: StripLine) -> str:
    """The line in one word: "17", or "RECORDER:17"."""
    return str(line.line) if line.recorder_id is None else f"{line.recorder_id}:{line.line}"


def line_of(word: str) -> StripLine | None:
    """`key_of` turned round; None when the word names no line."""
    recorder_id, _, line = word.rpartition(":")
    if not re.fullmatch(r"\d{1,4}", line) or int(line) > MAX_LINE or len(recorder_id) > 64:
        return None
    return StripLine(line=int(line), recorder_id=recorder_id or None)


def ticked(typed: Mapping[str, str], row: int) -> list[StripLine]:
    """The lines ticked in one track's row, own ones first, in order of number."""
    prefix = f"track-{row}-line-"
    found = (line_of(name.removeprefix(prefix)) for name in typed if name.startswith(prefix))
    return sorted((line for line in found if line is not None), key=_order)


def groups(recorders: Sequence[RecorderState], configured: Iterable[StripLine]) -> list[LineGroup]:
    """
    The lines to choose from, by recorder, the box's own first.

    Args:
        recorders: All that the box knows, connected or not.
        configured: Lines that some track has; those no recorder shows now are offered as well.
    """
    own_id = next((recorder.recorder_id for recorder in recorders if recorder.is_own), None)
    named = {_id_of(recorder): recorder for recorder in sorted(recorders, key=lambda one: not one.is_own)}
    offered: dict[str | None, dict[int, LineChoice]] = {
        recorder_id: {line.line: _choice(recorder_id, line) for line in recorder.lines}
        for recorder_id, recorder in named.items()
        if recorder.lines
    }
    for line in configured:
        recorder_id = None if line.recorder_id == own_id else line.recorder_id
        lines = offered.setdefault(recorder_id, {})
        known = lines.get(line.line)
        if known is None:
            note = "not there now" if _is_here(named.get(recorder_id)) else ""
            lines[line.line] = LineChoice(key=key_of(line), name=f"line {line.line}", note=note)
        elif known.key != key_of(line):  # The own recorder, named by its id: it keeps its spelling.
            lines[line.line] = LineChoice(key=key_of(line), name=known.name, note=known.note)
    return [
        LineGroup(
            name=_name(named.get(recorder_id), recorder_id),
            note="" if _is_here(named.get(recorder_id)) else "not connected",
            lines=[lines[number] for number in sorted(lines)],
        )
        for recorder_id, lines in offered.items()
    ]


def waiting(recorders: Sequence[RecorderState]) -> list[str]:
    """Recorders that were never connected, so that nobody knows their lines yet."""
    return [recorder.name for recorder in recorders if not recorder.lines and not recorder.is_own]


def own_lines(recorders: Sequence[RecorderState]) -> list[str]:
    """The names of the lines behind "every line of this box"."""
    return [line.name for recorder in recorders if recorder.is_own for line in recorder.lines]


def warnings(tracks: Sequence[Track | NewTrack], recorders: Sequence[RecorderState]) -> list[str]:
    """What is odd about who times what: a line of two tracks, a track without a line, a line that is not there."""
    own = next((recorder for recorder in recorders if recorder.is_own), None)
    whole = [track.name for track in tracks if track.lines is None]
    said = []
    if len(whole) > 1:
        said.append(
            f"{_and(whole)} are {_both(whole)} timed by every line of this box: a crossing counts on {_each(whole)}."
            " Give each track its own lines."
        )
    for line, names in _shared(tracks, own).items():
        strip = _line_name(line, recorders)
        said.append(f"{strip[0].upper()}{strip[1:]} times {_and(names)}: a crossing of it counts on {_each(names)}.")
    if own is not None and own.connected and not own.lines:
        said += [f"{name} has no line: this box has none. Connect strips, or choose “By hand only”." for name in whole]
    for track in tracks:
        gone = [line for line in track.lines or [] if _is_gone(line, recorders)]
        said += [f"{track.name}: {_line_name(line, recorders)} is not there. Choose another line." for line in gone]
    return said


def _shared(tracks: Sequence[Track | NewTrack], own: RecorderState | None) -> dict[StripLine, list[str]]:
    """Lines that more than one track names, or that one names while another has every line of the box."""
    users: dict[StripLine, list[str]] = {}
    for track in tracks:
        for line in dict.fromkeys(_plain(line, own) for line in track.lines or []):
            users.setdefault(line, []).append(track.name)
    for track in tracks:
        if track.lines is None:
            for line, names in users.items():
                if line.recorder_id is None:
                    names.append(track.name)
    return {line: names for line, names in sorted(users.items(), key=lambda one: _order(one[0])) if len(names) > 1}


def _is_gone(line: StripLine, recorders: Sequence[RecorderState]) -> bool:
    """Its recorder is connected and does not have it."""
    recorder = _recorder_of(line, recorders)
    return recorder is not None and recorder.connected and all(one.line != line.line for one in recorder.lines)


def _line_name(line: StripLine, recorders: Sequence[RecorderState]) -> str:
    recorder = _recorder_of(line, recorders)
    names = {} if recorder is None else {one.line: one.name for one in recorder.lines}
    return f"{names.get(line.line, f'line {line.line}')} of {_name(recorder, line.recorder_id, 'this box')}"


def _recorder_of(line: StripLine, recorders: Sequence[RecorderState]) -> RecorderState | None:
    for recorder in recorders:
        if line.recorder_id == recorder.recorder_id or (line.recorder_id is None and recorder.is_own):
            return recorder
    return None


def _plain(line: StripLine, own: RecorderState | None) -> StripLine:
    """The own recorder named by its id is the same as not named."""
    is_own = own is not None and line.recorder_id == own.recorder_id
    return StripLine(line=line.line) if is_own else line


def _choice(recorder_id: str | None, line: Line) -> LineChoice:
    role = "button" if line.role is LineRole.BUTTON else f"line {line.line}"
    key = key_of(StripLine(line=line.line, recorder_id=recorder_id))
    return LineChoice(key=key, name=line.name, note="" if role == line.name else role)


def _id_of(recorder: RecorderState) -> str | None:
    return None if recorder.is_own else recorder.recorder_id


def _name(recorder: RecorderState | None, recorder_id: str | None, own: str = "This box") -> str:
    if recorder_id is None or (recorder is not None and recorder.is_own):
        return own
    return f"recorder {recorder_id[:8]}" if recorder is None else recorder.name


def _is_here(recorder: RecorderState | None) -> bool:
    return recorder is not None and recorder.connected


def _order(line: StripLine) -> tuple[str, int]:
    return line.recorder_id or "", line.line


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _both(names: Sequence[str]) -> str:
    return "both" if len(names) == 2 else "all"


def _each(names: Sequence[str]) -> str:
    return "both" if len(names) == 2 else "each of them"
