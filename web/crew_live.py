"""
The crew's live stream for terminals and other programs: each seat sees every change of its track once it is durable.

Owns who sits at which track. A change is encoded once and its bytes shared by all seats; with nobody there nothing is
computed. What each message shows, web/crew_picture.py decides.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from appliance.clock import now_iso
from appliance.errors import NotFound
from appliance.people_structs import PersonChanged
from appliance.permissions import Permission
from appliance.sessions import Viewer
from cars.facts import CarsChanged, CommandsChanged, PushesChanged
from timing.box_clock import box_clock
from timing.crew_structs import Beat, Connections, CrewSeat
from timing.facts import (
    BoardChanged,
    CrossingGone,
    CrossingUnassigned,
    EventChanged,
    QueueChanged,
    RaceChanged,
    StripsChanged,
)
from timing.journal import Kind
from timing.structs import LIVE_STATES, RaceView
from web.crew_picture import board_now, cars_now, queue_now, race_now, snapshot, strips_now, tracks_now
from web.house import House
from web.live_devices import TrackDevice, TrackDevices
from web.live_messages import encode
from web.rounds import FREES_OR_TAKES, Key, Rounds

BEAT_S = 1.0
"""The terminal calls the link lost after 3 s of silence, and takes the box's clock from each beat."""
SEATS_PER_PERSON = 20
"""As many as sessions: nobody sits at more terminals, a script may."""
STRIPS_EVERY_S = 0.25
"""A bouncing strip makes dozens of edges a second; nobody reads faster."""
CARS_EVERY_S = 0.5
"""Four pushes tell sixteen times a second, and whoever is told asks for the whole list."""


class Part(StrEnum):
    """A message of the stream; in a round they go out in this order."""

    RACE = "race"
    TRACKS = "tracks"
    QUEUE = "queue"
    BOARD = "board"
    STRIPS = "strips"
    CARS = "cars"
    SNAPSHOT = "snapshot"
    """Instead of all others."""


@dataclass(kw_only=True, slots=True, eq=False)
class Seat(TrackDevice):
    """An open stream of the track `key`."""

    viewer: Viewer
    address: str
    since: str


class CrewLive:
    """All seats of the crew. Only for use on the event loop, inside `running`."""

    def __init__(self, house: House, screens: Callable[[], int], pages: Callable[[], int]) -> None:
        """
        Args:
            screens: How many screens of the hall are connected.
            pages: How many pages the crew has open in browsers.
        """
        self._house = house
        self._screens, self._pages = screens, pages
        self._seats: TrackDevices[Seat] = TrackDevices(house, beat_s=BEAT_S, beat=beat, per_person=SEATS_PER_PERSON)
        self._quick: Rounds[Part] = Rounds(self._tell, self._seats.end)
        self._slow: Rounds[Part] = Rounds(self._tell, self._seats.end)
        """What reads from the disk, which a lap must not wait for."""
        self._shown: dict[str, tuple[object, ...]] = {}
        """What the list of tracks shows of each live race."""
        self._strips_due: set[Key] = set()
        self._resting: asyncio.TimerHandle | None = None
        self._cars_due: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the house's facts for as long as the application runs."""
        facts = self._house.facts
        ends = [
            facts.subscribe(RaceChanged, self._on_race),
            facts.subscribe(QueueChanged, self._on_queue),
            facts.subscribe(BoardChanged, self._on_board),
            facts.subscribe(StripsChanged, lambda _: self._strips_soon(self._seats.keys())),
            facts.subscribe(CrossingUnassigned, self._on_crossing),
            facts.subscribe(CrossingGone, self._on_crossing),
            facts.subscribe(EventChanged, self._on_event),
            *(facts.subscribe(fact, lambda _: self._cars_soon()) for fact in ABOUT_CARS),
            facts.subscribe(PersonChanged, lambda _: self._mark(self._slow, self._seats.keys(), Part.SNAPSHOT)),
        ]
        async with self._seats.running(ends):
            yield

    def close(self) -> None:
        """End all streams and take no new ones."""
        self._seats.close()

    async def open(self, key: Key, viewer: Viewer, token: str | None, address: str) -> AsyncIterator[bytes]:
        """
        The stream of one seat: a snapshot, then each change, for as long as the session of `token` lasts.

        Args:
            token: None for somebody whom the connection itself signed in.

        Raises:
            NotReady: too many seats, or the box is stopping.
            NotFound: no such track.
        """
        self._seats.check_room()
        self._house.events.track(*key)
        seat = Seat(person_id=viewer.person_id, token=token, key=key, viewer=viewer, address=address, since=now_iso())
        return self._seats.messages(seat, self._full)

    def connections(self) -> Connections:
        """Who is connected now; the seat that has been open longest first."""
        seats = [
            CrewSeat(
                username=self._name(seat),
                event_id=seat.key[0],
                track_id=seat.key[1],
                since=seat.since,
                address=seat.address,
            )
            for seat in self._seats
        ]
        return Connections(screens=self._screens(), seats=seats, pages=self._pages())

    async def _full(self, seat: Seat) -> bytes:
        picture = await snapshot(self._house, *seat.key, you=self._name(seat), may_run=may_run(seat))
        return encode(Part.SNAPSHOT, picture)

    def _name(self, seat: Seat) -> str:
        try:
            return self._house.people.get(seat.person_id).username
        except NotFound:  # Somebody whom the machine knows, not the box.
            return seat.viewer.username

    # ---- what happened

    def _on_race(self, fact: RaceChanged) -> None:
        view = fact.view
        of_event = self._seats.of_event(view.event_id)
        touched = of_event if fact.kind is Kind.SET_TRACK else [(view.event_id, view.track_id)]
        self._mark(self._quick, touched, Part.RACE)
        if self._is_news(view):
            self._mark(self._quick, of_event, Part.TRACKS)
        if fact.kind in FREES_OR_TAKES:
            self._strips_soon(touched)

    def _is_news(self, view: RaceView) -> bool:
        """Whether the list of tracks shows this race otherwise than before."""
        shown = (view.track_id, view.racer_id, view.state)
        before = self._shown.pop(view.race_id, None)
        if view.state in LIVE_STATES and not view.deleted:
            self._shown[view.race_id] = shown
        return before != shown

    def _on_queue(self, fact: QueueChanged) -> None:
        self._mark(self._quick, [(fact.event_id, fact.track_id)], Part.QUEUE)

    def _on_board(self, fact: BoardChanged) -> None:
        """The line shows runs."""
        self._mark(self._quick, self._seats.of_event(fact.event_id), Part.QUEUE, Part.BOARD)

    def _on_event(self, fact: EventChanged) -> None:
        """A track that is gone ends its streams: the snapshot is not found."""
        self._mark(self._slow, self._seats.of_event(fact.event_id), Part.SNAPSHOT)

    def _on_crossing(self, fact: CrossingUnassigned | CrossingGone) -> None:
        self._strips_soon([(fact.event_id, fact.track_id)])

    def _strips_soon(self, keys: Iterable[Key]) -> None:
        """Tell at once, then not again before `STRIPS_EVERY_S` are over; the last change is always told."""
        self._strips_due.update(keys)
        if self._resting is None:
            self._strips_now()

    def _strips_now(self) -> None:
        due, self._strips_due = self._seats.keys() & self._strips_due, set()
        rest = asyncio.get_running_loop().call_later
        self._resting = rest(STRIPS_EVERY_S, self._strips_now) if due else None
        self._mark(self._slow, due, Part.STRIPS)

    def _cars_soon(self) -> None:
        """Everything of the next `CARS_EVERY_S` with one message."""
        if self._cars_due is None and self._seats.keys():
            self._cars_due = asyncio.get_running_loop().call_later(CARS_EVERY_S, self._cars_now)

    def _cars_now(self) -> None:
        self._cars_due = None
        self._mark(self._slow, self._seats.keys(), Part.CARS)

    # ---- telling

    def _mark(self, rounds: Rounds[Part], keys: Iterable[Key], *changed: Part) -> None:
        rounds.mark(self._seats.keys().intersection(keys), *changed)

    async def _tell(self, key: Key, changed: set[Part]) -> None:
        if Part.SNAPSHOT in changed:
            await self._tell_anew(key)
            return
        for part in Part:
            if part in changed:
                message = encode(part, await RENDER[part](self._house, *key))
                for seat in self._seats.of_track(key):
                    seat.put(message)

    async def _tell_anew(self, key: Key) -> None:
        picture = await snapshot(self._house, *key, you="", may_run=False)
        for seat in self._seats.of_track(key):
            seat.put(encode(Part.SNAPSHOT, replace(picture, you=self._name(seat), may_run=may_run(seat))))


def beat() -> bytes:
    """The box's clock now: says that the link lives."""
    return encode("beat", Beat(clock=box_clock()))


def may_run(seat: Seat) -> bool:
    """Whether this person may change things. Whoever's roles change is signed out, so they hold for the stream."""
    return seat.viewer.can(Permission.RUN_RACES)


async def _tracks(house: House, event_id: str, _: str) -> Struct:
    return tracks_now(house, event_id)


async def _board(house: House, event_id: str, _: str) -> Struct:
    return await board_now(house, event_id)


async def _cars(house: House, _: str, __: str) -> Struct:
    return cars_now(house)


ABOUT_CARS: tuple[type[Struct], ...] = (CarsChanged, CommandsChanged, PushesChanged)
RENDER: dict[Part, Callable[[House, str, str], Awaitable[Struct]]] = {
    Part.RACE: race_now,
    Part.TRACKS: _tracks,
    Part.QUEUE: queue_now,
    Part.BOARD: _board,
    Part.STRIPS: strips_now,
    Part.CARS: _cars,
}
