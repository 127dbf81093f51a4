"""
All races of the event, newest first, by track, racer or state; with the laps of the chosen one where there is room.

Pages come as somebody scrolls. Changing a race is in tui/screens/race_edit.py.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from timing.structs import RaceState, RaceView
from tui.columns import plain
from tui.errors import BoxError
from tui.moments import today
from tui.race_rows import detail_text, race_rows, trail_text
from tui.row_list import RowList
from tui.screens.base import RoomScreen
from tui.screens.find_racer import FindRacer
from tui.screens.race_edit import RaceEditScreen
from tui.seat import Changed
from tui.wire import Racer
from tui.words import STATES

PAGE = 200
NEWEST = 20
"""Races that are asked for when one began or ended: it is among them, and the box is spared the rest."""
NEAR = 20
"""Rows before the end at which the next page is asked for: nobody waits for it."""
WIDE_CELLS = 118
"""A terminal this wide has room for the chosen race beside the list."""
LOOK_S = 0.15
"""Nobody looks at a race that the cursor only passes."""
DELETED = "deleted"
STATE_CHOICES: tuple[str, ...] = ("", *(state.value for state in RaceState), DELETED)
NONE_FITS = "No race fits.\n\nPress F to see all races."
NONE_YET = "No races yet.\n\nThe first one that is made ready appears here by itself."


@dataclass(frozen=True, slots=True)
class Filter:
    """Which races are shown; None and "" mean any."""

    track_id: str | None = None
    racer: Racer | None = None
    state: str = ""


class RacesScreen(RoomScreen):
    """The races of the seat's event."""

    TITLE_WORD: ClassVar[str] = "Races"
    DEFAULT_CSS = """
    RacesScreen #races-head { height: 1; padding: 0 1; text-style: bold; }
    RacesScreen #races-body { height: 1fr; }
    RacesScreen #races-empty { height: 1fr; content-align: center middle; text-align: center; color: $text-muted; }
    RacesScreen #races-detail { width: 58; height: 1fr; padding: 0 1; border-left: vkey $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "open", "Open", key_display="Enter", tooltip="The race with its laps and its trail, to correct it"
        ),
        Binding("k,K", "track", "Track", tooltip="All tracks, then each of them"),
        Binding("r,R", "racer", "Racer", tooltip="Only the races of one racer"),
        Binding("s,S", "state", "State", tooltip="All states, then each of them, then the deleted races"),
        Binding("f,F", "all", "All races", tooltip="All races of the event again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._races: list[RaceView] = []
        self._filter = Filter()
        self._is_known = False
        self._has_more = False
        self._looked_at: RaceView | None = None

    def compose_room(self) -> ComposeResult:
        """What is shown, the races, and the chosen one."""
        yield Static(id="races-head")
        with Horizontal(id="races-body"):
            yield RowList(id="races-rows")
            yield VerticalScroll(Static(id="races-lines"), id="races-detail", can_focus=False)
        yield Static(id="races-empty")

    def on_mount(self) -> None:
        """Nothing is known yet."""
        self.query_one("#races-rows").focus()
        self._paint()

    def show(self, changed: frozenset[Changed]) -> None:
        """Ask again when a race began, ended or was corrected, and when the box can be reached again."""
        if not changed.isdisjoint({Changed.BOARD, Changed.LINK}):
            self._load()
        elif Changed.PICTURE_TRACKS in changed:
            self._load(NEWEST)

    def on_resize(self, resize: Resize) -> None:
        """Wide terminals show the chosen race too."""
        self.query_one("#races-detail").display = resize.size.width >= WIDE_CELLS

    def on_row_list_resized(self, _: RowList.Resized) -> None:
        """The columns fill the new width."""
        self._paint()

    def on_row_list_chosen(self, chosen: RowList.Chosen) -> None:
        """Somebody looks at this race; near the end, older ones are asked for."""
        self._look()
        if self._has_more and chosen.index >= len(self._races) - NEAR:
            self._load_older()

    # ---- keys

    def action_open(self) -> None:
        """The race with its laps and its trail."""
        if (race := self._chosen()) is not None:
            self.app.push_screen(RaceEditScreen(race))

    def action_track(self) -> None:
        """All tracks, then each."""
        tracks = [None, *(track.track_id for track in self.seat.picture.tracks)]
        here = tracks.index(self._filter.track_id) if self._filter.track_id in tracks else 0
        self._choose(replace(self._filter, track_id=tracks[(here + 1) % len(tracks)]))

    def action_state(self) -> None:
        """All states, then each, then the deleted ones."""
        here = STATE_CHOICES.index(self._filter.state)
        self._choose(replace(self._filter, state=STATE_CHOICES[(here + 1) % len(STATE_CHOICES)]))

    @work
    async def action_racer(self) -> None:
        """Only the races of one racer."""
        racer = await self.app.push_screen_wait(FindRacer(self.seat.box, "Whose races?"))
        if racer is not None:
            self._choose(replace(self._filter, racer=racer))

    def action_all(self) -> None:
        """All races of the event again."""
        self._choose(Filter())

    # ---- the box

    def _choose(self, wanted: Filter) -> None:
        self._filter, self._races, self._is_known, self._has_more = wanted, [], False, False
        self._load()
        self._paint()

    @work(exclusive=True, group="races")
    async def _load(self, limit: int | None = None) -> None:
        limit = PAGE if limit is None or not self._is_known else limit
        newest = await self.ask(self._page(None, limit))
        if newest is None:
            return
        older = _older(self._races, newest) if len(newest) == limit else []
        if not older and limit == PAGE:
            self._has_more = len(newest) == limit
        self._take([*newest, *older])

    @work(exclusive=True, group="older")
    async def _load_older(self) -> None:
        wanted, last = self._filter, self._races[-1].race_id
        older = await self.ask(self._page(last, PAGE))
        if older is not None and self._filter is wanted and self._races and self._races[-1].race_id == last:
            self._has_more = len(older) == PAGE
            self._take([*self._races, *older])

    async def _page(self, before: str | None, limit: int) -> list[RaceView]:
        wanted, is_deleted = self._filter, self._filter.state == DELETED
        return await self.seat.box.races(
            event_id=self.seat.event_id,
            track_id=wanted.track_id,
            racer_id=None if wanted.racer is None else wanted.racer.racer_id,
            state=None if is_deleted or not wanted.state else RaceState(wanted.state),
            only_deleted=is_deleted,
            before=before,
            limit=limit,
        )

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        """The chosen race whole, once the cursor rests on it."""
        race, box = self._chosen(), self.seat.box
        if race is None or not self.query_one("#races-detail").display:
            return
        self._paint_detail(race, Content("…"))
        await asyncio.sleep(LOOK_S)
        try:
            whole, trail = await asyncio.gather(box.race(race.race_id, deleted_laps=True), box.trail(race.race_id))
        except BoxError as error:
            self._paint_detail(race, Content(str(error)))
        else:
            self._paint_detail(whole, trail_text(trail))

    # ---- what is seen

    def _take(self, races: list[RaceView]) -> None:
        chosen = self._chosen()
        self._races, self._is_known = races, True
        self._paint()
        place = next((index for index, race in enumerate(races) if chosen and race.race_id == chosen.race_id), 0)
        self.query_one("#races-rows", RowList).choose(place, is_told=False)
        self._look()

    def _chosen(self) -> RaceView | None:
        index = self.query_one("#races-rows", RowList).chosen
        return None if index is None or index >= len(self._races) else self._races[index]

    def _track_names(self) -> dict[str, str]:
        return {track.track_id: track.name for track in self.seat.picture.tracks}

    def _paint(self) -> None:
        rows, is_empty = self.query_one("#races-rows", RowList), self._is_known and not self._races
        rows.set_rows(*race_rows(self._races, self._track_names(), rows.content_width, today()))
        self.query_one("#races-head", Static).update(Content(self._head()))
        self.query_one("#races-body").display = not is_empty
        empty = self.query_one("#races-empty", Static)
        empty.display = is_empty
        empty.update(Content(NONE_YET if self._filter == Filter() else NONE_FITS))

    def _head(self) -> str:
        wanted = self._filter
        track = "all tracks" if wanted.track_id is None else self._track_names().get(wanted.track_id, wanted.track_id)
        racer = "all racers" if wanted.racer is None else wanted.racer.username
        state = "all states" if not wanted.state else "deleted"
        if wanted.state and wanted.state != DELETED:
            state = STATES[RaceState(wanted.state)]
        count = f"{len(self._races)}, more below" if self._has_more else f"{len(self._races)} in all"
        return " · ".join([plain(track), plain(racer), state, count if self._is_known else "asking the box"])

    def _paint_detail(self, race: RaceView, trail: Content) -> None:
        track = self._track_names().get(race.track_id, race.track_id)
        lines = [detail_text(race, track), Content.styled("WHAT HAPPENED", "bold"), trail]
        self.query_one("#races-lines", Static).update(Content("\n").join(lines))


def _older(races: list[RaceView], newest: list[RaceView]) -> list[RaceView]:
    """Those of `races` that come after the last of `newest`."""
    shown = {race.race_id for race in newest}
    return [race for race in races if race.race_id not in shown and race.created_at <= newest[-1].created_at]
