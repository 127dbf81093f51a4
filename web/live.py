"""
The live stream: every screen of the hall hears of each change once it is durable, and nothing in between.

Owns who watches which board. Each message is encoded once and its bytes shared by all screens of a board; screens run
the clocks on by themselves, so nothing is sent while nothing changes. Built on Litestar's Channels, whose own queues
are bounded: a screen that fell behind loses its backlog and gets a fresh snapshot, and never holds up another.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend

from appliance.errors import NotFound, NotReady
from appliance.people import PersonChanged
from timing.facts import BoardChanged, EventChanged, QueueChanged, RaceChanged
from timing.journal import Kind
from timing.structs import COMBINED, LIVE_STATES, Board, RaceView
from web.board_delta import board_delta
from web.house import House
from web.live_messages import (
    Beat,
    LiveRace,
    Message,
    NextOnTrack,
    NextRacer,
    QueueMessage,
    Snapshot,
    encode,
    live_race,
)
from web.live_screen import WAITING_MESSAGES, Screen
from web.live_watch import Key, Watch
from web.open_files import allow_open_files

log = logging.getLogger(__name__)

MAX_SCREENS = 4_000
"""About 15 KiB of memory each on uvicorn; measured: 2,000 screens take 69 ms at the median, 5,000 take 108 ms."""
OTHER_FILES = 12_000
"""Open files besides screens: pages being fetched, and whoever connects and says nothing (web/patience.py)."""
BEAT_SECONDS = 4.0
"""A beat goes out where nothing else did since the last was due, so silence lasts 8 s at most; screens wait 12 s."""
NEXT_SHOWN = 3
END_OF_RACE = frozenset({Kind.SUBMIT, Kind.DISCARD, Kind.DELETE_RACE})


class Live:
    """All screens of the box. Only for use on the event loop, inside `running`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._watches: dict[Key, Watch] = {}
        self._race_tracks: dict[str, str] = {}
        self._number = 0
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.channels = ChannelsPlugin(
            MemoryChannelsBackend(),
            arbitrary_channels_allowed=True,
            subscriber_max_backlog=WAITING_MESSAGES,
            subscriber_backlog_strategy="dropleft",
            subscriber_class=Screen,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the house's facts and keep the links warm for as long as the application runs."""
        allow_open_files(MAX_SCREENS + OTHER_FILES)
        facts = self._house.facts
        ends = [
            facts.subscribe(RaceChanged, self._on_race),
            facts.subscribe(BoardChanged, self._on_board),
            facts.subscribe(QueueChanged, self._on_queue),
            facts.subscribe(EventChanged, self._on_event),
            facts.subscribe(PersonChanged, self._on_person),
        ]
        try:
            async with self.channels:
                self._spawn(self._beat())
                yield
        finally:
            for end in ends:
                end()
            self.close()
            for task in self._tasks:
                task.cancel()

    @property
    def screens(self) -> int:
        """How many streams are open."""
        return sum(len(watch.screens) for watch in self._watches.values())

    def close(self) -> None:
        """End all streams and take no new ones; the server would wait for them for ever."""
        self._closed = True
        for watch in self._watches.values():
            watch.end()

    async def open(self, key: Key, known_version: int | None, address: str = "") -> AsyncIterator[bytes]:
        """
        The stream of one screen at `address`: a snapshot, then each change.

        Raises:
            NotReady: as many screens as the box carries, or it is shutting down.
        """
        if self._closed:
            raise NotReady("Trackside is stopping.", "Try again in a moment.")
        self._make_room(address)
        watch = self._watches.setdefault(key, Watch(key))
        await self._bring_up(watch)
        return self._messages(watch, known_version, address)

    def _make_room(self, address: str) -> None:
        """When the box is full, the address with the most screens gives one up: nobody's thousands keep a hall out."""
        if self.screens < MAX_SCREENS:
            return
        staying = [screen for watch in self._watches.values() for screen in watch.screens if not screen.leaving]
        held = Counter(screen.address for screen in staying)
        greedy, most = max(held.items(), key=lambda item: item[1], default=("", 0))
        if len(staying) >= MAX_SCREENS and most <= held[address] + 1:
            raise NotReady(
                f"{MAX_SCREENS:,} screens are connected, and that is as many as this box carries.",
                "The board still works without live times: reload the page to see the latest.",
            )
        if len(staying) >= MAX_SCREENS:
            next(screen for screen in staying if screen.address == greedy).end()

    async def _messages(self, watch: Watch, known_version: int | None, address: str) -> AsyncIterator[bytes]:
        """
        The screen is claimed here, not in `open`: a generator that never starts never reaches its `finally`.

        Nothing is missed between the snapshot and the first change: from the subscription on, every message lands in
        the screen's queue, and those that the snapshot includes already are skipped by their number.
        """
        screen = await self.channels.subscribe(watch.channel)
        assert isinstance(screen, Screen)  # noqa: S101  subscriber_class above
        screen.address = address
        watch.screens.add(screen)
        try:
            await self._bring_up(watch)
            included = self._number
            yield self._snapshot(watch, known_version)
            while (message := await screen.take()) is not None and not self._closed:
                if screen.has_missed:
                    screen.start_again()
                    included = self._number
                    yield self._snapshot(watch, None)
                elif message.number > included:
                    yield message
        finally:
            watch.screens.discard(screen)
            # Never waits: the queue drops instead of blocking and the backend is in memory. A real wait here would
            # not come back once the client has gone.
            await self.channels.unsubscribe(screen, watch.channel)

    async def _bring_up(self, watch: Watch) -> None:
        """
        Have the newest board, and tell the screens that had an older one.

        Changes that arrive meanwhile go out together in the next round.
        """
        async with watch.lock:
            while watch.board is None or watch.stale:
                watch.stale = False
                old, new = watch.board, await self._board(watch.key)
                finisher, watch.finisher = watch.finisher, None
                if old is None or new.version != old.version:
                    watch.show(new)
                    if old is not None and watch.screens:
                        self._publish(encode("board", board_delta(old, new, finisher)), [watch])

    async def _board(self, key: Key) -> Board:
        try:
            return await self._house.boards.board(*key)
        except NotFound:
            self._watches.pop(key, None)
            raise

    # ---- what happened

    def _on_race(self, fact: RaceChanged) -> None:
        if fact.view.state in LIVE_STATES or fact.kind in END_OF_RACE:
            self._tell_race(fact.view)

    def _tell_race(self, view: RaceView) -> None:
        """Screens of a track that it moved away from start again, so that they let it go."""
        before = self._race_tracks.pop(view.race_id, view.track_id)
        if view.state in LIVE_STATES and not view.deleted:
            self._race_tracks[view.race_id] = view.track_id
        watches = [
            watch for watch in self._watched(view.event_id) if watch.includes(view.track_id) or watch.includes(before)
        ]
        for watch in watches:
            if not watch.includes(view.track_id):
                watch.start_again()
        if watches:
            self._publish(encode("race", live_race(view)), watches)

    def _on_board(self, fact: BoardChanged) -> None:
        for watch in self._watches_of(fact.event_id):
            watch.stale = True
            if fact.finished_race_id is not None and fact.racer_ids:
                watch.finisher = fact.racer_ids[0]
            if watch.screens:
                self._spawn(self._bring_up(watch))

    def _on_queue(self, fact: QueueChanged) -> None:
        watches = [watch for watch in self._watched(fact.event_id) if watch.includes(fact.track_id)]
        if watches:
            message = QueueMessage(track_id=fact.track_id, next=self._next(fact.event_id, fact.track_id))
            self._publish(encode("queue", message), watches)

    def _on_event(self, fact: EventChanged) -> None:
        """A screen whose event or track is gone is let go; it connects again and hears what is wrong."""
        for watch in list(self._watches_of(fact.event_id)):
            tracks = self._tracks(fact.event_id)
            if tracks is None or watch.key[1] not in (COMBINED, *tracks):
                self._watches.pop(watch.key, None)
                watch.end()

    def _on_person(self, fact: PersonChanged) -> None:
        """A new name shows on the running race too; boards and queues tell of it themselves."""
        for view in self._house.control.live_races():
            if view.racer_id == fact.person_id:
                self._tell_race(view)

    # ---- sending

    def _publish(self, encoded: bytes, watches: list[Watch]) -> None:
        self._number += 1
        for watch in watches:
            watch.was_told = True
        message = Message(encoded)
        message.number = self._number
        self.channels.publish(message, [watch.channel for watch in watches])

    def _snapshot(self, watch: Watch, known_version: int | None) -> bytes:
        event_id, track, board_format = watch.key
        board = watch.board
        assert board is not None  # noqa: S101  loaded before, and kept while a screen watches
        tracks = [one for one in self._tracks(event_id) or () if watch.includes(one)]
        snapshot = Snapshot(
            event_id=event_id,
            track=track,
            format=board_format,
            version=board.version,
            rows=None if known_version == board.version else msgspec.Raw(watch.rows),
            races=list(self._races(event_id, tracks)),
            next=[NextOnTrack(track_id=one, racers=self._next(event_id, one)) for one in tracks],
        )
        return encode("snapshot", snapshot)

    def _races(self, event_id: str, tracks: list[str]) -> Iterator[LiveRace]:
        for track_id in tracks:
            view = self._house.control.live(event_id, track_id)
            if view is not None:
                yield live_race(view)

    def _next(self, event_id: str, track_id: str) -> list[NextRacer]:
        return [
            NextRacer(username=entry.username, country=entry.country)
            for entry in self._house.queue.next(event_id, track_id, NEXT_SHOWN)
        ]

    def _tracks(self, event_id: str) -> list[str] | None:
        try:
            return [track.track_id for track in self._house.events.get(event_id).tracks]
        except NotFound:
            return None

    async def _beat(self) -> None:
        while not self._closed:
            await asyncio.sleep(BEAT_SECONDS)
            # Any message shows that the link is alive: no screen is beaten in the middle of a race.
            quiet = [watch for watch in self._watches.values() if watch.screens and not watch.was_told]
            if quiet:
                self._publish(encode("beat", Beat()), quiet)
            for watch in self._watches.values():
                watch.was_told = False
                if not watch.screens:
                    watch.board, watch.rows = None, b"[]"

    def _watches_of(self, event_id: str) -> list[Watch]:
        return [watch for watch in self._watches.values() if watch.key[0] == event_id]

    def _watched(self, event_id: str) -> list[Watch]:
        return [watch for watch in self._watches_of(event_id) if watch.screens]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """A board that could not be made ends its screens: they connect again, and see the error if it stays."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("live failed", exc_info=error)
            for watch in self._watches.values():
                watch.end()
