"""Which track: of all events of a box, today's first choice. Owns the choosing; sitting down there is the caller's."""

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from timing.crew_structs import CrewSnapshot, TrackNow, TracksNow
from tui.box import Box
from tui.columns import plain
from tui.errors import BoxError
from tui.moments import today
from tui.row_list import RowList
from tui.track_rows import Choice, ChosenTrack, choices_of, heading, meant, row_of
from tui.words import counted

LOOK_AGAIN_S = 5.0
"""An event that somebody has just made is there without a key."""
MOVING_S = 0.15
"""Between two rows of somebody who scrolls: only where they stay is it worth asking who races."""
AGAIN_S = 1.0
NO_EVENTS = "There are no events yet. Make one on the page {page}; it is listed here by itself."


class TracksScreen(Screen[ChosenTrack | None]):
    """Answers the event and the track, or None when it was left. Who races now is live, of the marked event."""

    DEFAULT_CSS = """
    TracksScreen > Vertical { padding: 0 1; }
    TracksScreen .title { text-style: bold; margin-bottom: 1; }
    TracksScreen .said { height: auto; color: $text-muted; }
    TracksScreen .said.wrong { color: $text-error; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Sit here", key_display="Enter"),
        Binding("escape", "leave", "Another box", key_display="Esc"),
    ]

    def __init__(self, box: Box, event_id: str | None = None, track_id: str | None = None) -> None:
        """
        Args:
            event_id: Where somebody sat last, with `track_id`; None for somebody new.
        """
        super().__init__()
        self._box = box
        self._last = ChosenTrack(event_id, track_id) if event_id and track_id else None
        self._choices: list[Choice] | None = None
        self._now: tuple[str, Mapping[str, TrackNow]] | None = None
        """Of this event, who races on its tracks."""
        self._followed: str | None = None

    def compose(self) -> ComposeResult:
        """The tracks, and what there is to say about them."""
        with Vertical():
            yield Static("Which track?", classes="title")
            yield RowList()
            yield Static("Asking the box…", classes="said")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Ask, now and again."""
        self.query_one(RowList).focus()
        self._look()

    def on_row_list_resized(self, _: RowList.Resized) -> None:
        """The columns fill the new width."""
        self._note_mark()
        self._paint()

    def on_row_list_chosen(self, _: RowList.Chosen) -> None:
        """Who races at that event?"""
        self._mark_stays()

    def action_take(self) -> None:
        """The marked track."""
        if self._marked is not None:
            self.dismiss(self._marked.place)

    def action_leave(self) -> None:
        """No track."""
        self.dismiss(None)

    @property
    def _marked(self) -> Choice | None:
        index = next((rows.chosen for rows in self.query(RowList)), None)
        return self._choices[index] if self._choices and index is not None else None

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        while True:
            try:
                choices = choices_of(await self._box.events())
            except BoxError as error:
                self._say(f"× {plain(error.message)} {plain(error.remedy)}", is_wrong=True)
            else:
                self._note_mark()
                self._choices = choices
                self._say(self._count())
                self._paint()
                self._mark_stays()
            await asyncio.sleep(LOOK_AGAIN_S)

    def _mark_stays(self) -> None:
        """On this track, whatever comes above it; of its event it is asked who races."""
        self._note_mark()
        marked = self._marked
        if marked is not None and marked.place.event_id != self._followed:
            self._followed = marked.place.event_id
            self._follow(marked.place)

    def _note_mark(self) -> None:
        """Before the rows are made anew: a key may have moved the mark, and the message of it be under way."""
        if self._marked is not None:
            self._last = self._marked.place

    @work(exclusive=True, group="follow")
    async def _follow(self, place: ChosenTrack) -> None:
        """Who races is nice to know: while nobody says, the tracks can be chosen all the same."""
        await asyncio.sleep(MOVING_S)
        while True:
            try:
                async for message in self._box.crew_stream(*place):
                    if isinstance(message, CrewSnapshot | TracksNow):
                        self._now = place.event_id, {track.track_id: track for track in message.tracks}
                        self._note_mark()
                        self._paint()
            except BoxError:
                self._now = None
                self._note_mark()
                self._paint()
            await asyncio.sleep(AGAIN_S)

    def _paint(self) -> None:
        choices, day = self._choices or [], today().isoformat()
        for rows in self.query(RowList):
            cells = rows.content_width
            rows.set_rows(heading(cells), [row_of(one, self._now_at(one), day, cells) for one in choices])
            if choices:
                rows.choose(meant(choices, self._last, day), is_told=False)

    def _now_at(self, choice: Choice) -> Mapping[str, TrackNow] | None:
        if self._now is None or self._now[0] != choice.place.event_id:
            return None
        return self._now[1]

    def _count(self) -> str:
        if not self._choices:
            address = self._box.address
            return NO_EVENTS.format(page=f"{address}/staff/events" if address.startswith("http") else "/staff/events")
        events = counted(len({choice.place.event_id for choice in self._choices}), "event")
        return f"{events}, {counted(len(self._choices), 'track')}. Enter sits down at the marked one."

    def _say(self, text: str, *, is_wrong: bool = False) -> None:
        for said in self.query(".said").results(Static):  # None while the screen is being left.
            said.set_class(is_wrong, "wrong")
            said.update(Content(text))
