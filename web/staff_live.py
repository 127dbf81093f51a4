"""
The crew's live panels: each device that has a track open sees every change of it once it is durable.

Owns who watches which track. A change is rendered once and its bytes shared by all devices.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from appliance.errors import NotFound
from appliance.people_structs import PersonChanged
from timing.facts import (
    BoardChanged,
    CrossingGone,
    CrossingUnassigned,
    EventChanged,
    QueueChanged,
    RaceChanged,
    StripsChanged,
)
from web.house import House
from web.line_news import LineNews
from web.live_devices import TrackDevice, TrackDevices, message_of
from web.pages.staff.panel import Part, parts
from web.rounds import FREES_OR_TAKES, Key, Rounds

STRIPS_EVERY_S = 0.25
"""A bouncing strip makes dozens of edges a second; nobody reads faster."""

CROSSINGS = b"event: crossings\ndata: {}\n\n"
"""For the page that lists them: it asks for itself again, with its own filter."""


@dataclass(kw_only=True, slots=True, eq=False)
class TrackPage(TrackDevice):
    """An open page of the track `key`, with its panels."""

    parts: frozenset[Part]


class StaffLive:
    """All devices of the crew. Only for use on the event loop, inside `running`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._devices: TrackDevices[TrackPage] = TrackDevices(house)
        self._rounds: Rounds[Part] = Rounds(self._tell_track, self._devices.end)
        self._strips_due = False
        self._line_news = LineNews(house, self._devices.keys, self._mark)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the house's facts for as long as the application runs."""
        facts = self._house.facts
        ends = [
            facts.subscribe(RaceChanged, self._on_race),
            facts.subscribe(
                QueueChanged, lambda fact: self._on_line([(fact.event_id, fact.track_id)], Part.QUEUE, Part.PAST)
            ),
            facts.subscribe(
                BoardChanged, lambda fact: self._on_line(self._devices.of_event(fact.event_id), Part.QUEUE)
            ),
            facts.subscribe(EventChanged, self._on_event),
            facts.subscribe(PersonChanged, lambda _: self._mark(self._devices.keys(), *Part)),
            facts.subscribe(StripsChanged, self._on_strips),
            facts.subscribe(CrossingUnassigned, self._on_crossing),
            facts.subscribe(CrossingGone, self._on_crossing),
            *self._line_news.follow(facts),
        ]
        async with self._devices.running(ends):
            yield

    @property
    def pages(self) -> int:
        """How many are open."""
        return len(self._devices)

    def close(self) -> None:
        """End all streams and take no new ones."""
        self._devices.close()

    async def open(self, key: Key, wanted: Collection[Part], person_id: str, token: str) -> AsyncIterator[bytes]:
        """
        The stream of one page: its panels, then each change, for as long as the session of `token` lasts.

        Raises:
            NotReady: too many devices, or the box is stopping.
            NotFound: no such track.
        """
        self._devices.check_room()
        self._house.events.track(*key)
        shown = {*wanted, Part.SENT} if Part.QUEUE in wanted else wanted
        page = TrackPage(key=key, parts=frozenset(shown), person_id=person_id, token=token)
        return self._devices.messages(page, self._full)

    async def _full(self, page: TrackPage) -> bytes:
        return _message(await parts(self._house, *page.key, page.parts))

    # ---- what happened

    def _on_race(self, fact: RaceChanged) -> None:
        """The line has start buttons or not. A race may move, so then every track of the event looks again."""
        keys = self._devices.of_event(fact.view.event_id)
        self._mark(keys, Part.TABS)
        if fact.kind in FREES_OR_TAKES:
            self._mark(keys, Part.RACE, Part.QUEUE, Part.BLIND, Part.LOOSE)
        else:
            self._mark([(fact.view.event_id, fact.view.track_id)], Part.RACE)

    def _on_line(self, keys: Iterable[Key], *changed: Part) -> None:
        """A free track shows who races next, and the key N starts that race."""
        keys = list(keys)
        self._mark(keys, *changed)
        self._mark([key for key in keys if self._house.control.live(*key) is None], Part.RACE)

    def _on_event(self, fact: EventChanged) -> None:
        for key in self._devices.of_event(fact.event_id):
            try:
                self._house.events.track(*key)
                self._mark([key], *Part)
            except NotFound:
                self._devices.end(key)

    def _on_strips(self, _: StripsChanged) -> None:
        if not self._strips_due and self._devices:
            self._strips_due = True
            asyncio.get_running_loop().call_later(STRIPS_EVERY_S, self._strips_now)

    def _strips_now(self) -> None:
        self._strips_due = False
        self._mark(self._devices.keys(), Part.STRIPS, Part.BLIND)

    def _on_crossing(self, fact: CrossingUnassigned | CrossingGone) -> None:
        self._mark([(fact.event_id, fact.track_id)], Part.LOOSE)
        self._mark(self._devices.of_event(fact.event_id), Part.CROSSINGS)

    # ---- telling

    def _mark(self, keys: Iterable[Key], *changed: Part) -> None:
        self._rounds.mark(self._devices.keys().intersection(keys), *changed)

    async def _tell_track(self, key: Key, changed: set[Part]) -> None:
        rendered = await parts(self._house, *key, changed)
        messages: dict[frozenset[Part], bytes] = {}
        for page in self._devices.of_track(key):
            shown = frozenset(page.parts & rendered.keys())
            if shown and shown not in messages:
                messages[shown] = _message({part: rendered[part] for part in shown})
            if shown:
                page.put(messages[shown])


def _message(rendered: Mapping[Part, str]) -> bytes:
    """One message with all of them; and the word for a page that asks for itself."""
    message = message_of("\n".join(rendered.values()))
    return message + CROSSINGS if Part.CROSSINGS in rendered else message
