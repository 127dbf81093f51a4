"""
Devices that keep a live page of the crew open: what all such streams share, whatever they show.

Owns the beat, the end of sessions and of the streams, and what becomes of a device that fell behind: it gets the whole
picture anew, and never holds up another. A handful of devices, so plain queues are enough.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from appliance.errors import NotFound, NotReady
from appliance.people_structs import SessionsEnded
from web.house import House
from web.rounds import Key

BEAT_S = 2.0
"""The page calls the link lost after 5 s of silence: a timekeeper must know soon."""
BEAT = b"event: beat\ndata: {}\n\n"
WAITING = 16
"""Messages a device may fall behind before it gets everything anew."""
MAX_DEVICES = 200


@dataclass(kw_only=True, slots=True, eq=False)
class Device:
    """
    One open page or terminal. None in the queue ends its stream; `missed`: it fell behind.

    `token` None: signed in by the connection itself, for as long as that lasts.
    """

    person_id: str
    token: str | None
    messages: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(WAITING))
    missed: bool = False
    leaving: bool = False

    def put(self, message: bytes | None) -> None:
        """Never waits: a full queue is emptied, and the device starts again from a full picture."""
        if self.missed and message is not None:
            return  # In that picture already; after it, it would be an older one.
        self.leaving = self.leaving or message is None
        if self.messages.full():
            while not self.messages.empty():
                self.messages.get_nowait()
            self.missed = True
        self.messages.put_nowait(message)


@dataclass(kw_only=True, slots=True, eq=False)
class TrackDevice(Device):
    """One that shows the track `key`."""

    key: Key


D = TypeVar("D", bound=Device)
T = TypeVar("T", bound=TrackDevice)


class Devices(Generic[D]):
    """All open devices of one kind of page. Only for use on the event loop, inside `running`."""

    def __init__(
        self,
        house: House,
        *,
        beat_s: float = BEAT_S,
        beat: Callable[[], bytes] = lambda: BEAT,
        per_person: int = MAX_DEVICES,
    ) -> None:
        """`beat` is made once for all, every `beat_s`. Of more than `per_person` of one person, the oldest ends."""
        self._house = house
        self._beat_s, self._beat, self._per_person = beat_s, beat, per_person
        self._open: dict[D, None] = {}
        """Oldest first."""
        self._closed = False

    def __iter__(self) -> Iterator[D]:
        return iter(list(self._open))

    def __len__(self) -> int:
        """How many look."""
        return len(self._open)

    @asynccontextmanager
    async def running(self, ends: list[Callable[[], None]]) -> AsyncIterator[None]:
        """Beat for as long as the application runs; afterwards all streams end, and `ends` are called."""
        ends = [*ends, self._house.facts.subscribe(SessionsEnded, self._on_sessions_ended)]
        beat = asyncio.create_task(self._keep_beating())
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
        for device in self:
            device.put(None)

    def check_room(self) -> None:
        """
        Whether one more may be opened.

        Raises:
            NotReady: too many devices, or the box is stopping.
        """
        if self._closed:
            raise NotReady("Trackside is stopping.", "The page connects again by itself.")
        if len(self._open) >= MAX_DEVICES:
            raise NotReady(f"{MAX_DEVICES} crew pages are open.", "Close some of them, then reload this page.")

    async def messages(self, device: D, full: Callable[[D], Awaitable[bytes]]) -> AsyncIterator[bytes]:
        """The stream of one device: the full picture, then what is put, and the full picture where it fell behind."""
        # Claimed here, not where it is asked for: a generator that never starts never reaches its `finally`.
        self._open[device] = None
        self._make_room(device.person_id)
        try:
            yield await full(device)
            while (message := await device.messages.get()) is not None:
                if device.missed:
                    device.missed = False
                    message = await full(device)
                yield message
        except NotFound:
            return  # What it shows is gone: whoever connects again hears so.
        finally:
            self._open.pop(device, None)

    def _make_room(self, person_id: str) -> None:
        """A script that opens one after the other keeps nobody else out."""
        staying = [device for device in self if device.person_id == person_id and not device.leaving]
        for device in staying[: -self._per_person]:
            device.put(None)

    def _on_sessions_ended(self, fact: SessionsEnded) -> None:
        for device in self:
            if device.person_id == fact.person_id:
                device.put(None)

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            beat = self._beat() if self._open else b""
            for device in self:
                device.put(beat if self._is_signed_in(device) else None)

    def _is_signed_in(self, device: D) -> bool:
        return device.token is None or self._house.sessions.is_valid(device.token)


class TrackDevices(Devices[T]):
    """Devices that show one track each."""

    def keys(self) -> set[Key]:
        """The tracks that somebody looks at."""
        return {device.key for device in self}

    def of_track(self, key: Key) -> list[T]:
        """All that show this track."""
        return [device for device in self if device.key == key]

    def of_event(self, event_id: str) -> list[Key]:
        """The tracks of an event that somebody looks at."""
        return [key for key in self.keys() if key[0] == event_id]

    def end(self, key: Key) -> None:
        """The streams of this track end."""
        for device in self.of_track(key):
            device.put(None)


def message_of(html: str) -> bytes:
    """One unnamed message, whose partials htmx swaps in by itself; nothing for no text."""
    lines = [line for line in html.splitlines() if line.strip()]
    return ("".join(f"data: {line}\n" for line in lines) + "\n").encode() if lines else b""
