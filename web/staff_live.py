"""
The crew's live panels: each device that has a track open sees every change of it once it is durable.

Owns who watches which track. A change is rendered once and its bytes shared by all devices; a device that fell behind
gets all panels anew, and never holds up another. A handful of devices, so plain queues are enough.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from litestar import Litestar

from appliance.errors import NotFound, NotReady
from appliance.people_structs import PersonChanged, SessionsEnded
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
from web.house import House
from web.pages.staff.panel import Part, parts

log = logging.getLogger(__name__)

BEAT_S = 2.0
"""The page calls the link lost after 5 s of silence: a timekeeper must know soon."""
STRIPS_EVERY_S = 0.25
"""A bouncing strip makes dozens of edges a second; nobody reads faster."""
WAITING = 16
"""Messages a device may fall behind before it gets everything anew."""
MAX_DEVICES = 200

FREES_OR_TAKES = frozenset(
    {Kind.READY, Kind.SUBMIT, Kind.DISCARD, Kind.SET_TRACK, Kind.SET_RACER, Kind.DELETE_RACE, Kind.RESTORE_RACE}
)
"""After these a track may be free or taken; a lap alone is not worth sending a line of 50 KB again."""

BEAT = b"event: beat\ndata: {}\n\n"
CROSSINGS = b"event: crossings\ndata: {}\n\n"
"""For the page that lists them: it asks for itself again, with its own filter."""
Key = tuple[str, str]


@dataclass(slots=True, eq=False)
class Device:
    """One open page. None in the queue ends its stream; `missed`: it fell behind."""

    parts: frozenset[Part]
    person_id: str
    token: str
    messages: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(WAITING))
    missed: bool = False

    def put(self, message: bytes | None) -> None:
        """Never waits: a full queue is emptied, and the device starts again from a full picture."""
        if self.messages.full():
            while not self.messages.empty():
                self.messages.get_nowait()
            self.missed = True
        self.messages.put_nowait(message)


class StaffLive:
    """All devices of the crew. Only for use on the event loop, inside `running`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._devices: dict[Key, set[Device]] = {}
        self._stale: dict[Key, set[Part]] = {}
        self._strips_due = False
        self._telling: asyncio.Task[None] | None = None
        self._closed = False

    @asynccontextmanager
    async def running(self, _: Litestar) -> AsyncIterator[None]:
        """Follow the house's facts for as long as the application runs."""
        facts = self._house.facts
        ends = [
            facts.subscribe(RaceChanged, self._on_race),
            facts.subscribe(
                QueueChanged, lambda fact: self._mark([(fact.event_id, fact.track_id)], Part.QUEUE, Part.PAST)
            ),
            facts.subscribe(BoardChanged, lambda fact: self._mark(self._of_event(fact.event_id), Part.QUEUE)),
            facts.subscribe(EventChanged, self._on_event),
            facts.subscribe(PersonChanged, lambda _: self._mark(list(self._devices), *Part)),
            facts.subscribe(StripsChanged, self._on_strips),
            facts.subscribe(CrossingUnassigned, self._on_crossing),
            facts.subscribe(CrossingGone, self._on_crossing),
            facts.subscribe(SessionsEnded, self._on_sessions_ended),
        ]
        beat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            for end in ends:
                end()
            self.close()
            beat.cancel()

    def close(self) -> None:
        """End all streams and take no new ones."""
        self._closed = True
        for device in self._all():
            device.put(None)

    async def open(self, key: Key, wanted: Iterable[Part], person_id: str, token: str) -> AsyncIterator[bytes]:
        """
        The stream of one page: its panels, then each change, for as long as the session of `token` lasts.

        Raises:
            NotReady: too many devices, or the box is stopping.
            NotFound: no such track.
        """
        if self._closed:
            raise NotReady("Trackside is stopping.", "The page connects again by itself.")
        if len(self._all()) >= MAX_DEVICES:
            raise NotReady(f"{MAX_DEVICES} crew pages are open.", "Close some of them, then reload this page.")
        self._house.events.track(*key)
        return self._messages(key, Device(parts=frozenset(wanted), person_id=person_id, token=token))

    async def _messages(self, key: Key, device: Device) -> AsyncIterator[bytes]:
        # Claimed here, not in `open`: a generator that never starts never reaches its `finally`.
        self._devices.setdefault(key, set()).add(device)
        try:
            yield await self._full(key, device)
            while (message := await device.messages.get()) is not None:
                if device.missed:
                    device.missed = False
                    message = await self._full(key, device)
                yield message
        finally:
            self._devices[key].discard(device)
            if not self._devices[key]:
                del self._devices[key]

    async def _full(self, key: Key, device: Device) -> bytes:
        return _message(await parts(self._house, *key, device.parts))

    # ---- what happened

    def _on_race(self, fact: RaceChanged) -> None:
        """The line has start buttons or not. A race may move, so then every track of the event looks again."""
        keys = self._of_event(fact.view.event_id)
        self._mark(keys, Part.TABS)
        if fact.kind in FREES_OR_TAKES:
            self._mark(keys, Part.RACE, Part.QUEUE, Part.BLIND, Part.LOOSE)
        else:
            self._mark([(fact.view.event_id, fact.view.track_id)], Part.RACE)

    def _on_event(self, fact: EventChanged) -> None:
        for key in self._of_event(fact.event_id):
            try:
                self._house.events.track(*key)
                self._mark([key], *Part)
            except NotFound:
                self._end(key)

    def _on_strips(self, _: StripsChanged) -> None:
        if not self._strips_due and self._devices:
            self._strips_due = True
            asyncio.get_running_loop().call_later(STRIPS_EVERY_S, self._strips_now)

    def _strips_now(self) -> None:
        self._strips_due = False
        self._mark(list(self._devices), Part.STRIPS, Part.BLIND)

    def _on_crossing(self, fact: CrossingUnassigned | CrossingGone) -> None:
        self._mark([(fact.event_id, fact.track_id)], Part.LOOSE)
        self._mark(self._of_event(fact.event_id), Part.CROSSINGS)

    def _on_sessions_ended(self, fact: SessionsEnded) -> None:
        for device in self._all():
            if device.person_id == fact.person_id:
                device.put(None)

    # ---- telling

    def _mark(self, keys: Iterable[Key], *changed: Part) -> None:
        for key in keys:
            if key in self._devices:
                self._stale.setdefault(key, set()).update(changed)
        if self._stale and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """What changed while one round is rendered goes out in the next, so that versions never go backwards."""
        while self._stale:
            key, changed = self._stale.popitem()
            try:
                await self._tell_track(key, changed)
            except NotFound:
                self._end(key)
            except Exception:
                log.exception("panel failed event_id=%s track_id=%s", *key)
                self._end(key)

    async def _tell_track(self, key: Key, changed: set[Part]) -> None:
        rendered = await parts(self._house, *key, changed)
        messages: dict[frozenset[Part], bytes] = {}
        for device in self._devices.get(key, ()):
            shown = frozenset(device.parts & rendered.keys())
            if shown and shown not in messages:
                messages[shown] = _message({part: rendered[part] for part in shown})
            if shown:
                device.put(messages[shown])

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            for device in self._all():
                device.put(BEAT if self._house.sessions.is_valid(device.token) else None)

    def _end(self, key: Key) -> None:
        for device in self._devices.get(key, ()):
            device.put(None)

    def _all(self) -> list[Device]:
        return [device for devices in self._devices.values() for device in devices]

    def _of_event(self, event_id: str) -> list[Key]:
        return [key for key in self._devices if key[0] == event_id]


def _message(rendered: Mapping[Part, str]) -> bytes:
    """One unnamed message, whose partials htmx swaps in by itself; and the word for a page that asks for itself."""
    lines = [line for text in rendered.values() for line in text.splitlines() if line.strip()]
    message = ("".join(f"data: {line}\n" for line in lines) + "\n").encode() if lines else b""
    return message + CROSSINGS if Part.CROSSINGS in rendered else message
