"""The forms that correct a race: what each asks for, and what it sends. A lap that somebody else changed is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from timing.journal import Kind
from timing.structs import LapView, RaceView
from tui.box import Box, new_id
from tui.columns import plain
from tui.errors import BoxError
from tui.race_edits import Drafts, changed_words, is_same, read_resets, read_time
from tui.screens.form import REASON, Field, Form, Mistyped, Typed
from tui.words import lap_text


@dataclass(frozen=True, slots=True)
class Value:
    """What is typed besides the reason: its field, its name in the action, and how it is read or refused."""

    field: Field
    name: str
    read: Callable[[str, LapView], int | str]


def time_form(box: Box, race: RaceView, lap: LapView) -> Form:
    """A lap's time."""
    value = Value(Field("typed", "Time, mm:ss.mmm", lap_text(lap.lap_ms), 12), "lap_ms", read_time)
    return lap_form(box, race, lap, f"Time of lap {lap.lap}", Kind.SET_TIME, value=value)


def resets_form(box: Box, race: RaceView, lap: LapView) -> Form:
    """A lap's resets."""
    value = Value(Field("typed", "Resets", str(lap.resets), 5), "resets", read_resets)
    return lap_form(box, race, lap, f"Resets of lap {lap.lap}", Kind.SET_RESETS, value=value)


def lap_form(
    box: Box, race: RaceView, lap: LapView, title: str, kind: Kind, *, value: Value | None = None, **fields: Any
) -> Form:
    """Any correction of a lap."""
    drafts, sent = Drafts(new_id), set[str]()

    async def send(typed: Typed) -> None:
        if value is not None:
            read = value.read(typed[value.field.name], lap)
            if isinstance(read, str):
                raise Mistyped(read, value.field.name)
            fields[value.name] = read
        action = drafts.action(typed["reason"], kind=kind, lap=lap.lap, **fields)
        if action.action_id not in sent:  # sent before, it may be this very action that changed the lap
            await _refuse_stale(box, race.race_id, lap)
            sent.add(action.action_id)
        await box.act(race.race_id, action)

    return Form(title, _detail(race), [REASON] if value is None else [value.field, REASON], send)


def race_form(box: Box, race: RaceView, title: str, kind: Kind, **fields: Any) -> Form:
    """Any correction of the race itself."""
    drafts = Drafts(new_id)

    async def send(typed: Typed) -> None:
        await box.act(race.race_id, drafts.action(typed["reason"], kind=kind, **fields))

    return Form(title, _detail(race), [REASON], send)


def _detail(race: RaceView) -> str:
    return f"Race of {plain(race.username)}, run {race.run}"


async def _refuse_stale(box: Box, race_id: str, lap: LapView) -> None:
    """Somebody else's change must not be lost unseen."""
    now = await box.race(race_id, deleted_laps=True)
    same = next((one for one in now.laps if one.lap == lap.lap), None)
    if not is_same(lap, same):
        raise BoxError(*changed_words(lap, same))
