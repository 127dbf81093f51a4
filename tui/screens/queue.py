"""
The line of a track: who is next, who was called, who has left; and the keys that change it.

The box decides; each key sends the place that was seen, so that two timekeepers who press at once skip nobody twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from timing.crew_structs import InLine
from timing.queue_structs import QueueEntry, QueueState
from tui.columns import plain
from tui.errors import BoxError
from tui.next_racer import NextRacer
from tui.picture import Picture
from tui.prepared_names import PreparedNames
from tui.race_edits import whole
from tui.row_list import RowList
from tui.screens.ask import Ask
from tui.screens.base import RoomScreen
from tui.screens.find_racer import FindRacer
from tui.screens.form import Field, Form, Mistyped, Typed
from tui.seat import Changed
from tui.widgets.line_lists import LineLists
from tui.widgets.queue_side import in_line
from tui.words import STATES, who

WIDE_CELLS = 118
"""A terminal this wide has room for who has left beside the line, instead of below it."""
AGE_S = 5.0
"""How often "3 min ago" is looked at again."""


class QueueScreen(RoomScreen):
    """The line of the seat's track."""

    TITLE_WORD: ClassVar[str] = "Queue"
    DEFAULT_CSS = "QueueScreen #queue-now { height: 1; padding: 0 1; text-style: bold; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,N", "ready", "Ready", tooltip="Makes the first in line ready; asks when their runs are used up"),
        Binding("c,C", "call", "Call", tooltip="Come to the track now; the line shows since when"),
        Binding("k,K", "skip", "Skip", tooltip="Lets the next one go first"),
        Binding("a,A", "add", "Add", tooltip="Adds a racer by a few letters of the name"),
        Binding("x,X", "no_show", "No-show", tooltip="Did not come: out of the line, and B brings them back"),
        Binding(
            "shift+up,minus", "move(-1)", "Move", key_display="⇧↑↓", tooltip="One place up or down; − and + do the same"
        ),
        Binding("shift+down,plus", "move(1)", show=False),
        Binding("j,J", "place", "Place", tooltip="To a place by its number"),
        Binding("b,B", "back", "Back", tooltip="Who left the line stands at its end again"),
        Binding("d,D", "take_out", "Take out", tooltip="Out of the line for good; asks first"),
        Binding(
            "enter", "race", "Race now", key_display="Enter", tooltip="Makes the chosen racer ready, also before others"
        ),
        Binding("l,L", "app.focus_next", "Who left", key_display="Tab"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._next = NextRacer(self)
        self._one_by_one = asyncio.Lock()
        self._names: PreparedNames | None = None
        self._wall_less_mono_ns: int | None = None
        """UTC less the box's monotonic clock: for how long ago somebody was called."""

    def compose_room(self) -> ComposeResult:
        """Who races, the line, and who has left it."""
        yield Static(id="queue-now")
        yield LineLists()

    def on_mount(self) -> None:
        """The keys are for the line; how long ago somebody was called grows."""
        self._lists.focus_line()
        self.set_interval(AGE_S, self._paint_ages)

    def show(self, changed: frozenset[Changed]) -> None:
        """The line as it is."""
        if Changed.LINK in changed:
            self._read_clock()
        if not changed.isdisjoint({Changed.PICTURE_QUEUE, Changed.PICTURE_RACE}):
            self._paint()
        if not changed.isdisjoint({Changed.PICTURE_QUEUE, Changed.LINK}):
            self._learn_names()

    def on_resize(self, resize: Resize) -> None:
        """Wide terminals have both lists side by side."""
        self._lists.set_class(resize.size.width >= WIDE_CELLS, "-wide")

    def on_row_list_resized(self, _: RowList.Resized) -> None:
        """The columns fill the new width."""
        self._paint()

    # ---- keys

    @work
    async def action_ready(self) -> None:
        """The first in line is next on the track."""
        await self._next.make_ready()

    @work
    async def action_race(self) -> None:
        """The chosen racer is next on the track, also before others."""
        item = self._lists.chosen
        if item is None or not self.may_run():
            return
        first = self._line[0]
        if item is not first and self.seat.picture.race is None:
            question = f"Let {plain(item.entry.username)} race before {plain(first.entry.username)}?"
            if not await self.app.push_screen_wait(Ask(question, yes="Race now", no="Not now")):
                return
        await self._next.make_ready(item)

    def action_call(self) -> None:
        """Come to the track now."""
        if (entry := self._entry()) is not None:
            self._send(lambda: self.seat.box.call(entry.queue_id))

    def action_skip(self) -> None:
        """The one behind goes first."""
        entry = self._entry()
        if entry is None:
            return
        if entry.queue_id == self._line[-1].entry.queue_id:
            title = f"Nobody stands behind {plain(entry.username)}."
            self.notify("X takes out of the line who did not come.", title=title, severity="warning", markup=False)
            return
        self._lists.stay()
        self._send(lambda: self.seat.box.skip(entry.queue_id, entry.position))

    def action_no_show(self) -> None:
        """Did not come."""
        if (entry := self._entry()) is not None:
            self._send(lambda: self.seat.box.no_show(entry.queue_id))

    def action_move(self, step: int) -> None:
        """One place up or down; pressed quickly, each press counts from where the one before led."""
        if (entry := self._entry()) is not None:
            self._send(lambda: self._moved(entry.queue_id, step))

    @work
    async def action_place(self) -> None:
        """To a place by its number."""
        entry = self._entry()
        if entry is None:
            return
        last = len(self._line)

        async def send(typed: Typed) -> None:
            place = whole(typed["place"], 1, last)
            if place is None:
                raise Mistyped(f"Type a whole number from 1 to {last}.", "place")
            await self.seat.box.move(entry.queue_id, place, entry.position)

        title = f"Which place for {plain(entry.username)}?"
        field = Field("place", f"From 1 (next) to {last} (last)", str(entry.position), 6)
        await self.app.push_screen_wait(Form(title, "", [field], send))

    @work
    async def action_add(self) -> None:
        """Find a racer; they join at the end."""
        if not self.may_run():
            return
        seat = self.seat
        track = plain(seat.picture.track_name)
        racer = await self.app.push_screen_wait(FindRacer(seat.box, f"Add to the line of {track}"))
        if racer is None:
            return
        entry = await self.ask(seat.box.join_queue(seat.event_id, seat.track_id, racer.racer_id))
        if entry is not None:
            self._lists.await_entry(entry.queue_id)
            self._paint()

    def action_back(self) -> None:
        """Who has left stands in line again, at the end."""
        entry = self._lists.chosen_past
        if not self.may_run():
            return
        if entry is None:
            self.notify("Press A to add somebody.", title="Nobody has left the line.", markup=False)
            return
        self._send(lambda: self.seat.box.back(entry.queue_id))

    @work
    async def action_take_out(self) -> None:
        """Out of the line, as if they had never joined."""
        entry = self._entry()
        if entry is None:
            return
        question = f"Take {plain(entry.username)} out of the line?"
        detail = "To bring them back, add them again. For somebody who did not come, X is better: B brings them back."
        if await self.app.push_screen_wait(Ask(question, detail, yes="Take out", no="Leave in line")):
            self._send(lambda: self.seat.box.leave_queue(entry.queue_id))

    # ---- the box

    @work
    async def _send(self, call: Callable[[], Awaitable[object]]) -> None:
        """One after the other; each may count on what the one before answered."""
        async with self._one_by_one:
            try:
                await call()
            except BoxError as error:
                self._lists.stay(stays=False)
                self.tell_problem(error)

    async def _moved(self, queue_id: str, step: int) -> None:
        box, seat = self.seat.box, self.seat
        line = [one for one in await box.queue(seat.event_id, seat.track_id) if one.position is not None]
        position = next((one.position for one in line if one.queue_id == queue_id), None)
        if position is not None and 1 <= position + step <= len(line):
            await box.move(queue_id, position + step, position)

    @work(exclusive=True, group="clock")
    async def _read_clock(self) -> None:
        try:
            reading = await self.seat.box.clock()
        except BoxError:
            return
        self._wall_less_mono_ns = reading.wall_ns - reading.mono_ns
        self._paint()

    @work(exclusive=True, group="names")
    async def _learn_names(self) -> None:
        if self._names is None:
            self._names = PreparedNames(self.seat.box, self.seat.event_id)
        if await self._names.learn(self._line):
            self._paint()

    # ---- what is seen

    @property
    def _lists(self) -> LineLists:
        return self.query_one(LineLists)

    @property
    def _line(self) -> list[InLine]:
        return in_line(self.seat.picture.queue)

    def _entry(self) -> QueueEntry | None:
        """Who a key is for; None when there is nobody, or nobody may press it."""
        item = self._lists.chosen
        return None if item is None or not self.may_run() else item.entry

    def _paint(self) -> None:
        seat = self.seat
        line, prepared = self._line, {} if self._names is None else self._names.words(self._line)
        self._lists.put(line, seat.picture.past, self._now_wall_ns(), prepared, may_run=seat.may_run)
        self.query_one("#queue-now", Static).update(Content(_now(seat.picture, may_run=seat.may_run)))

    def _paint_ages(self) -> None:
        if self.is_current and any(item.entry.state is QueueState.CALLED for item in self._line):
            self._paint()

    def _now_wall_ns(self) -> int | None:
        return None if self._wall_less_mono_ns is None else self.seat.server_now_ns() + self._wall_less_mono_ns


def _now(picture: Picture, *, may_run: bool) -> str:
    """Who is on the track, and how many are in line."""
    if not picture.known:
        return "Asking the box…"
    line = in_line(picture.queue)
    count = f"{len(line)} in line" if line else "nobody in line"
    if picture.race is not None:
        view = picture.race.view
        return f"{STATES[view.state]}: {plain(who(view.username, view.country))}, run {view.run}   {count}"
    if not line or not may_run:
        return f"The track is free   {count}"
    return f"The track is free: N makes {plain(line[0].entry.username)} ready   {count}"
