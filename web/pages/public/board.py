"""
The board of an event, for phones and the big screen. Public; everything on it is in the first answer, script only keeps
it true.

The address takes DREM's parameters (reference/drem.md 4.2): `lang`, `track`, `format`, `scroll`, `flag`, `qr`; and
`theme`. A value that is not known is as if it were not there: an old link never fails.
"""

from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from litestar import Controller, Request, Response, get
from litestar.params import FromPath, FromQuery
from markupsafe import Markup
from msgspec import Struct

from timing.boards import FORMAT_OF, Boards
from timing.queue import QueueEntry
from timing.structs import COMBINED, Board, BoardFormat, Event, RaceState, RaceView
from web.given import House
from web.render import page, render

SHOWN_STATES = frozenset({RaceState.READY, RaceState.RUNNING, RaceState.PAUSED, RaceState.OVER})
BOARDS_KEPT = 16
"""Rendered boards kept at once: a few tracks in both formats; 1,000 rows are 0.4 MB."""

_Key = tuple[str, str, BoardFormat, bool]
_ROWS: WeakKeyDictionary[Boards, dict[_Key, tuple[int, Markup]]] = WeakKeyDictionary()


class BoardOptions(Struct, frozen=True, kw_only=True):
    """What the address asks for, with every default filled in."""

    track: str
    format: BoardFormat
    scroll: bool
    flag: bool
    qr: str | None
    lang: str

    def query(self, **changes: str) -> str:
        """The same board with `changes`, as the query of a link."""
        values = {
            "track": self.track,
            "format": self.format.value,
            "scroll": "" if self.scroll else "false",
            "flag": "" if self.flag else "false",
            "qr": self.qr or "",
        }
        return "?" + urlencode({name: value for name, value in {**values, **changes}.items() if value})


class BoardPage(Controller):
    """`/events/{event_id}/board`."""

    path = "/events/{event_id:str}/board"
    include_in_schema = False

    @get()
    async def show(
        self,
        *,
        request: Request[Any, Any, Any],
        house: House,
        event_id: FromPath[str],
        track: FromQuery[str | None] = None,
        format: FromQuery[str | None] = None,
        scroll: FromQuery[str | None] = None,
        flag: FromQuery[str | None] = None,
        qr: FromQuery[str | None] = None,
    ) -> Response[str]:
        """The whole board, first paint without script."""
        event = house.events.get(event_id)
        options = options_of(event, track=track, board_format=format, scroll=scroll, flag=flag, qr=qr)
        board = await house.boards.board(event_id, options.track, options.format)
        return page(
            request,
            "public/board.html",
            event=event,
            options=options,
            board=board,
            rows=rows_html(house, board, options.flag),
            track_name=track_name(event, options.track),
            footer=footer_of(event, options.track),
            races=live_races(house, event, options.track),
            next_racers=next_racers(house, event, options.track),
            qr_path=qr_path(house, event),
            track_names={one.track_id: one.name for one in event.tracks},
        )


def options_of(
    event: Event,
    *,
    track: str | None,
    board_format: str | None,
    scroll: str | None = None,
    flag: str | None = None,
    qr: str | None = None,
) -> BoardOptions:
    """Fill in what the address leaves out or says in a way nobody knows."""
    tracks = {COMBINED, *(one.track_id for one in event.tracks)}
    formats = {choice.value for choice in BoardFormat}
    return BoardOptions(
        track=track if track in tracks else COMBINED,
        format=BoardFormat(board_format) if board_format in formats else FORMAT_OF[event.rules.ranking],
        scroll=scroll != "false",
        flag=flag != "false",
        qr=qr if qr in ("header", "footer") else None,
        lang="en",
    )


def rows_html(house: House, board: Board, flags: bool) -> Markup:
    """
    All rows as markup, kept until the board changes: a whole hall asks for the same ones at once.

    1,000 rows take some 15 ms to render, and the event loop has nothing else to give them to.
    """
    kept = _ROWS.setdefault(house.boards, {})
    key = (board.event_id, board.track, board.format, flags)
    version, html = kept.get(key, (-1, Markup()))
    if version != board.version:
        average = board.format is BoardFormat.AVERAGE
        text = render("public/_rows.html", rows=board.rows, event_id=board.event_id, average=average, flags=flags)
        html = Markup(text)  # noqa: S704  the template's own output, escaped there
        if len(kept) >= BOARDS_KEPT:
            kept.clear()
        kept[key] = (board.version, html)
    return html


def qr_path(house: House, event: Event) -> str:
    """The event's landing page: home while it is the current one (the shorter, the easier to scan), else its board."""
    return "/" if house.events.current() == event else f"/events/{event.event_id}/board"


def track_name(event: Event, track: str) -> str:
    """The track's name; with one track the combined board is that track's."""
    if track == COMBINED and len(event.tracks) > 1:
        return "All tracks"
    return next((one.name for one in event.tracks if track in (one.track_id, COMBINED)), "")


def footer_of(event: Event, track: str) -> str:
    """The text at the foot of the board: the track's, or the first one given by any track when combined."""
    return next((one.footer for one in event.tracks if one.footer and track in (one.track_id, COMBINED)), "")


def live_races(house: House, event: Event, track: str) -> list[RaceView]:
    """Who is on the track, or on each of them."""
    views = (
        house.control.live(event.event_id, one.track_id) for one in event.tracks if track in (one.track_id, COMBINED)
    )
    return [view for view in views if view is not None and view.state in SHOWN_STATES]


def next_racers(house: House, event: Event, track: str) -> dict[str, list[QueueEntry]]:
    """The next three of each shown track that has anybody waiting, by track id."""
    shown = (one.track_id for one in event.tracks if track in (one.track_id, COMBINED))
    lines = {track_id: house.queue.next(event.event_id, track_id) for track_id in shown}
    return {track_id: line for track_id, line in lines.items() if line}
