"""
One race: its laps, also the deleted ones, what happened in it, and the keys that correct it.

Every correction is one more action in the race's journal, with who, when and why; nothing is overwritten.
"""

import asyncio
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from timing.journal import Kind
from timing.structs import LIVE_STATES, LapView, RaceState, RaceView
from tui.columns import plain
from tui.errors import BoxError
from tui.race_edits import why_not
from tui.race_rows import lap_rows, summary, trail_text
from tui.row_list import RowList
from tui.screens.base import RoomScreen
from tui.screens.edit_form import lap_form, race_form, resets_form, time_form
from tui.screens.find_racer import FindRacer
from tui.screens.form import Form
from tui.screens.pick import Pick
from tui.seat import Changed
from tui.words import lap_text

WIDE_CELLS = 118
"""A terminal this wide has room for what happened beside the laps, instead of below them."""


class RaceEditScreen(RoomScreen):
    """One race of the seat's event; lies over the list of races."""

    TITLE_WORD: ClassVar[str] = "One race"
    DEFAULT_CSS = """
    RaceEditScreen #edit-head { height: 1; padding: 0 1; }
    RaceEditScreen #edit-notice { height: auto; padding: 0 1; color: $text-warning; text-style: bold; }
    RaceEditScreen #edit-body { height: 1fr; layout: vertical; }
    RaceEditScreen #edit-laps { height: 2fr; }
    RaceEditScreen #edit-trail { height: 1fr; padding: 0 1; border-top: hkey $panel; }
    RaceEditScreen #edit-trail:focus { border-top: hkey $accent; }
    RaceEditScreen.-wide #edit-body { layout: horizontal; }
    RaceEditScreen.-wide #edit-laps { height: 1fr; width: 3fr; }
    RaceEditScreen.-wide #edit-trail { width: 2fr; border-top: none; border-left: vkey $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "time", "Time", key_display="Enter", tooltip="Corrects the time of the chosen lap"),
        Binding("r,R", "resets", "Resets", tooltip="Corrects the resets of the chosen lap"),
        Binding("v,V", "validity", "Valid", tooltip="Makes the chosen lap valid, or invalid"),
        Binding("d,D", "delete_lap", "Delete lap", tooltip="Deletes the chosen lap, or restores it"),
        Binding("g,G", "racer", "Racer", tooltip="Gives the race to another racer"),
        Binding("k,K", "track", "Track", tooltip="Moves the race to another track"),
        Binding("p,P", "proxy", "Proxy", tooltip="Raced by proxy, or not"),
        Binding("ctrl+x", "delete_race", "Delete race", key_display="^X", tooltip="Deletes the race, or restores it"),
        Binding("l,L", "app.focus_next", "Trail", key_display="Tab"),
        Binding("escape", "leave", "Back", key_display="Esc", tooltip="Back to all races"),
        *(Binding(str(number), f"leave_to({number})", show=False) for number in range(1, 10)),
    ]

    def __init__(self, race: RaceView) -> None:
        super().__init__()
        self._race = race
        self._allowed: frozenset[Kind] = frozenset()

    def compose_room(self) -> ComposeResult:
        """The race in a line, what keeps it from being corrected, its laps and its trail."""
        yield Static(id="edit-head")
        yield Static(id="edit-notice")
        with Container(id="edit-body"):
            yield RowList(id="edit-laps")
            with VerticalScroll(id="edit-trail"):
                yield Static(Content("Asking the box…"), id="edit-lines")

    def on_mount(self) -> None:
        """What is known from the list, until the box answers."""
        self.query_one("#edit-laps").focus()
        self._paint()

    def show(self, changed: frozenset[Changed]) -> None:
        """Somebody else may have changed it."""
        mine = self.seat.picture.race is not None and self.seat.picture.race.view.race_id == self._race.race_id
        if not changed.isdisjoint({Changed.BOARD, Changed.LINK}) or (mine and Changed.PICTURE_RACE in changed):
            self._load()

    def on_resize(self, resize: Resize) -> None:
        """Wide terminals have the trail beside the laps."""
        self.set_class(resize.size.width >= WIDE_CELLS, "-wide")

    def on_row_list_resized(self, _: RowList.Resized) -> None:
        """The columns fill the new width."""
        self._paint()

    # ---- keys

    def action_leave(self) -> None:
        """Back to the list."""
        self.dismiss(None)

    def action_leave_to(self, number: int) -> None:
        """Another screen of the seat."""
        self.dismiss(None)
        self.app.call_later(self.app.run_action, f"room({number})")

    def action_time(self) -> None:
        """Correct the chosen lap's time."""
        if (lap := self._lap(Kind.SET_TIME)) is not None:
            self._change(time_form(self.seat.box, self._race, lap))

    def action_resets(self) -> None:
        """Correct the chosen lap's resets."""
        if (lap := self._lap(Kind.SET_RESETS)) is not None:
            self._change(resets_form(self.seat.box, self._race, lap))

    def action_validity(self) -> None:
        """Make the chosen lap valid, or invalid."""
        if (lap := self._lap(Kind.SET_VALIDITY)) is not None:
            title = f"Make lap {lap.lap} {'invalid' if lap.valid else 'valid'}"
            self._change(lap_form(self.seat.box, self._race, lap, title, Kind.SET_VALIDITY, valid=not lap.valid))

    def action_delete_lap(self) -> None:
        """Delete the chosen lap, or restore it."""
        chosen = self._chosen()
        kind = Kind.RESTORE_LAP if chosen is not None and chosen.deleted else Kind.DELETE_LAP
        if (lap := self._lap(kind)) is not None:
            title = f"{'Restore' if lap.deleted else 'Delete'} lap {lap.lap}, {lap_text(lap.lap_ms)}"
            self._change(lap_form(self.seat.box, self._race, lap, title, kind))

    @work
    async def action_racer(self) -> None:
        """Give the race to another racer."""
        if not self._may(Kind.SET_RACER):
            return
        racer = await self.app.push_screen_wait(
            FindRacer(self.seat.box, f"Whose race is it, if not {self._race.username}'s?")
        )
        if racer is None:
            return
        if racer.racer_id == self._race.racer_id:
            self.notify(
                "Choose another racer.", title=f"It is the race of {plain(racer.username)} already.", markup=False
            )
            return
        self._change_race(f"Give the race to {racer.username}", Kind.SET_RACER, racer_id=racer.racer_id)

    @work
    async def action_track(self) -> None:
        """Move the race to another track of its event."""
        others = [track for track in self.seat.picture.tracks if track.track_id != self._race.track_id]
        if not self._may(Kind.SET_TRACK):
            return
        if not others:
            self.notify("Add a track to the event first.", title="The event has no other track.", markup=False)
            return
        index = await self.app.push_screen_wait(Pick("On which track was it?", [track.name for track in others]))
        if index is not None:
            track = others[index]
            self._change_race(f"Move the race to {track.name}", Kind.SET_TRACK, track_id=track.track_id)

    def action_proxy(self) -> None:
        """Mark that somebody else drove it, or take the mark off."""
        if self._may(Kind.SET_PROXY):
            title = "It was not raced by proxy" if self._race.by_proxy else "Raced by proxy: somebody else drove"
            self._change_race(title, Kind.SET_PROXY, by_proxy=not self._race.by_proxy)

    def action_delete_race(self) -> None:
        """Delete the race, or restore it."""
        kind = Kind.RESTORE_RACE if self._race.deleted else Kind.DELETE_RACE
        if self._may(kind):
            word = "Restore" if self._race.deleted else "Delete"
            self._change_race(f"{word} the race of {self._race.username}", kind)

    # ---- the box

    @work(exclusive=True, group="load")
    async def _load(self) -> None:
        box, race_id = self.seat.box, self._race.race_id
        try:
            race, trail, allowed = await asyncio.gather(
                box.race(race_id, deleted_laps=True), box.trail(race_id), box.allowed(race_id)
            )
        except BoxError as error:
            self.tell_problem(error)
            return
        self._race, self._allowed = race, frozenset(allowed)
        self.query_one("#edit-lines", Static).update(trail_text(trail))
        self._paint()

    @work
    async def _change(self, form: Form) -> None:
        if await self.app.push_screen_wait(form):
            self._load()

    def _change_race(self, title: str, kind: Kind, **fields: Any) -> None:
        self._change(race_form(self.seat.box, self._race, title, kind, **fields))

    # ---- what is seen

    def _chosen(self) -> LapView | None:
        index = self.query_one("#edit-laps", RowList).chosen
        return None if index is None or index >= len(self._race.laps) else self._race.laps[index]

    def _lap(self, kind: Kind) -> LapView | None:
        """The lap that a key is for; None, and why, when there is none or it cannot be."""
        lap = self._chosen()
        if not self._may(kind):
            return None
        if lap is not None and lap.deleted and kind is not Kind.RESTORE_LAP:
            self.notify("Restore it first: press D.", title=f"Lap {lap.lap} is deleted.", severity="warning")
            return None
        return lap

    def _may(self, kind: Kind) -> bool:
        if not self.may_run():
            return False
        if kind not in self._allowed:
            message, remedy = why_not(self._race, kind)
            self.notify(remedy, title=message, severity="warning", markup=False)
        return kind in self._allowed

    def _paint(self) -> None:
        race, rows = self._race, self.query_one("#edit-laps", RowList)
        names = {track.track_id: track.name for track in self.seat.picture.tracks}
        head, track = self.query_one("#edit-head", Static), names.get(race.track_id, race.track_id)
        head.update(summary(race, track, self.app.size.width - 2))
        notice = self.query_one("#edit-notice", Static)
        notice.update(Content(_notice(race)))
        notice.display = bool(_notice(race))
        rows.set_rows(*lap_rows(race.laps, race.best_ms, rows.content_width))


def _notice(race: RaceView) -> str:
    if race.deleted:
        return "This race is deleted. It counts nowhere. Ctrl+X restores it."
    if race.state is RaceState.DISCARDED:
        return "This race was discarded. It counts nowhere."
    if race.state in LIVE_STATES and race.state is not RaceState.OVER:
        return "The race goes on. Times can be corrected once it is over."
    return "" if race.laps else "No laps. The race still counts as a run once it is submitted."
