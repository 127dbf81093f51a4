"""
The timekeeper's seat at one track: what it knows, how its link is, and the keys pressed at it. No Textual here.

Owns one picture, one link, one clock of the box and one list of presses, and tells who listens what is different.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from timing.crew_structs import BoardNow, CarsNow, ClockReading, CrewSnapshot, QueueNow, RaceNow, StripsNow, TracksNow
from timing.journal import Kind
from timing.structs import RaceState
from tui import local_clock
from tui import picture as pictures
from tui.box import Box, new_id
from tui.car_stop import CarStop
from tui.expected import Expected, expected
from tui.key_repeat import KeyRepeat
from tui.link import Link, LinkState, LinkWord
from tui.picture import NS_PER_MS, Picture
from tui.press import Press
from tui.press_file import PressFile
from tui.presses import Presses
from tui.server_clock import ServerClock, Stamp
from tui.shown_clock import STANDS_STILL, ShownClock
from tui.wire import StreamMessage, WhoAmI

CAPTURES = frozenset({Kind.LAP, Kind.DNF})
"""Presses that make a lap which the number on the screen does not count yet."""

KEY_NS = 2_000_000_000
"""Longer than any drawing takes; a key that is older has nothing to do with the press."""


class Changed(StrEnum):
    """What is different."""

    PICTURE_RACE = "picture_race"
    PICTURE_QUEUE = "picture_queue"
    PICTURE_STRIPS = "picture_strips"
    PICTURE_TRACKS = "picture_tracks"
    BOARD = "board"
    CARS = "cars"
    STOP = "stop"
    LINK = "link"
    PRESSES = "presses"
    CLOCK = "clock"
    PROBLEM = "problem"


ALL_OF_PICTURE = (
    Changed.PICTURE_RACE,
    Changed.PICTURE_QUEUE,
    Changed.PICTURE_STRIPS,
    Changed.PICTURE_TRACKS,
    Changed.BOARD,
    Changed.CARS,
)
TELLS: dict[type[StreamMessage], tuple[Changed, ...]] = {
    CrewSnapshot: ALL_OF_PICTURE,
    RaceNow: (Changed.PICTURE_RACE,),
    QueueNow: (Changed.PICTURE_QUEUE,),
    StripsNow: (Changed.PICTURE_STRIPS,),
    TracksNow: (Changed.PICTURE_TRACKS,),
    BoardNow: (Changed.BOARD,),
    CarsNow: (Changed.CARS,),
}


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the clocks show, in ms; `race_left_ms` None without a race or a race time."""

    race_left_ms: int | None
    race_elapsed_ms: int
    lap_elapsed_ms: int


class Seat:
    """
    A seat. `run()` keeps it up to date until it is cancelled; `close()` afterwards.

    `press_folder` is where presses that wait are kept, with a folder for each `box_key` (the box's id, or else its
    address); without one they live as long as this program.
    """

    def __init__(
        self,
        box: Box,
        event_id: str,
        track_id: str,
        me: WhoAmI,
        *,
        press_folder: Path | None = None,
        box_key: str | None = None,
    ) -> None:
        self.box = box
        self.event_id = event_id
        self.track_id = track_id
        self.me = me
        self.picture = Picture()
        self.clock = ServerClock()
        file = None if press_folder is None else PressFile(press_folder / _folder_of(box_key or box.address))
        self.presses = Presses(box, self.clock, file, self._presses_changed)
        self._link = Link(
            box,
            self.clock,
            (event_id, track_id),
            heard=self._heard,
            changed=self._link_changed,
            measured=self._measured,
        )
        self.stop = CarStop(box, (event_id, track_id), lambda: self._tell(Changed.STOP))
        self._listeners: list[Callable[[Changed], None]] = []
        self._repeat = KeyRepeat()
        self._refused = 0
        self._was_lost = False
        self._hint_ns: int | None = None
        self._key_ns: int | None = None
        self._now = ShownClock(stands_still=STANDS_STILL * NS_PER_MS)
        self._clocks = (ShownClock(step=-1), ShownClock(), ShownClock())

    # what it knows

    @property
    def link_state(self) -> LinkState:
        """How the link is, and since when."""
        return self._link.state

    @property
    def is_signed_out(self) -> bool:
        """Whether somebody has to sign in before anything goes on; then `signed_in`."""
        return self.presses.signed_out or self.link_state.word is LinkWord.SIGNED_OUT

    @property
    def may_run(self) -> bool:
        """Whether whoever sits here may change anything."""
        return self.picture.may_run if self.picture.known else self.me.may_run

    @property
    def expected(self) -> Expected:
        """The race's state with the presses that wait, and what may be pressed now."""
        race = self.picture.race
        waiting = [] if race is None else self.presses.unanswered(race.view.race_id, race.view.version)
        return expected(race, waiting, is_live=self.link_state.is_live)

    @property
    def race_state(self) -> RaceState | None:
        """The race's state with the presses that wait; None without a race."""
        return self.expected.state

    @property
    def allowed(self) -> frozenset[Kind]:
        """What may be pressed now."""
        return self.expected.allowed if self.may_run else frozenset()

    def server_now_ns(self) -> int:
        """The box's clock now, for showing: it never goes back by what was only measured badly."""
        now = local_clock.stamp()
        there = self.clock.place(now)
        if there is not None:
            return self._now.show(there.at_ns, there.boot_id)
        return now.mono_ns + (self._hint_ns or 0)

    def clocks(self, server_now_ns: int) -> Clocks:
        """What the clocks of the race show at that moment, without jumping back by what was only measured badly."""
        race = self.picture.race
        of = None if race is None else (race.view.race_id, self.picture.is_running, len(race.view.laps))
        left, elapsed, lap = self._clocks
        left_ms = pictures.race_left_ms(self.picture, server_now_ns)
        return Clocks(
            race_left_ms=None if left_ms is None else left.show(left_ms, of),
            race_elapsed_ms=elapsed.show(pictures.race_elapsed_ms(self.picture, server_now_ns), of),
            lap_elapsed_ms=lap.show(pictures.lap_elapsed_ms(self.picture, server_now_ns), of),
        )

    def listen(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call back whenever something is different; the answer ends that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    # what is done at it

    def press(
        self, kind: Kind, *, lap: int | None = None, valid: bool | None = None, by_proxy: bool | None = None
    ) -> Press | None:
        """
        A key was pressed: now. None when it goes on with the press before (a held key), or the race cannot take it.
        """
        at, came_ns = self._moment(local_clock.stamp())
        race = self.picture.race
        if race is None or not self._repeat.is_new(kind, came_ns, of=(race.view.race_id, lap)):
            return None
        if kind not in self.allowed:
            return None
        press = Press(
            action_id=new_id(),
            race_id=race.view.race_id,
            kind=kind,
            mono_ns=at.mono_ns,
            slept_ns=at.slept_ns,
            local_boot_id=local_clock.boot_id(),
            server_boot_id=self.clock.boot_id,
            wall_ns=time.time_ns(),
            lap=self._last_lap() if kind is Kind.UNDO_LAP and lap is None else lap,
            valid=valid,
            by_proxy=by_proxy,
        )
        self.presses.add(press)
        return press

    def key_came(self, at_s: float) -> None:
        """
        A key came in at this moment of CLOCK_MONOTONIC, which the press that it turns out to be is stamped with.

        The terminal notes it in a thread of its own, so the loop may be busy drawing meanwhile.
        """
        self._key_ns = int(at_s * 1e9)

    async def run(self) -> None:
        """Follow the track and send what is pressed, until cancelled."""
        await self.presses.load()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run())
            tasks.create_task(self.presses.run())

    async def close(self) -> None:
        """What waits is on the disk afterwards. The box stays open: it is not the seat's."""
        await self.stop.close()
        await self.presses.close()

    def move_to(self, address: str) -> None:
        """The same box is at another address now; nothing is lost."""
        self.box.move_to(address)
        self.try_again()

    def signed_in(self, me: WhoAmI) -> None:
        """Somebody signed in again, and `box` has their token."""
        self.me = me
        self.try_again()

    def try_again(self) -> None:
        """Connect and send now, rather than in a second."""
        self._link.again()
        self.presses.nudge()

    # ---- inside

    def _moment(self, now: Stamp) -> tuple[Stamp, int]:
        """
        Of the key that leads here; now, when there is none or it is too long ago to be that.

        And when that key came in however long ago: those of a held one come in time, whenever there is time for them.
        """
        key_ns, self._key_ns = self._key_ns, None
        if key_ns is None or key_ns > now.mono_ns:
            return now, now.mono_ns
        return (Stamp(key_ns, now.slept_ns) if now.mono_ns - key_ns <= KEY_NS else now), key_ns

    def _last_lap(self) -> int | None:
        """The number of the last lap shown; None when laps wait that have no number yet."""
        race = self.picture.race
        if race is None or not race.view.laps:
            return None
        waiting = self.presses.unanswered(race.view.race_id, race.view.version)
        return None if CAPTURES.intersection(waiting) else race.view.laps[-1].lap

    def _heard(self, message: StreamMessage) -> None:
        reading: ClockReading | None = getattr(message, "clock", None)
        if reading is not None:
            self._take_hint(reading, local_clock.stamp())
        self.picture = pictures.after(self.picture, message)
        for changed in TELLS.get(type(message), ()):
            self._tell(changed)

    def _take_hint(self, reading: ClockReading, now: Stamp) -> None:
        """Until the clock was measured: a message cannot have been sent after it came."""
        if self._hint_ns is None or reading.boot_id != self.picture.boot_id:
            self._hint_ns = reading.mono_ns - now.mono_ns
        self._hint_ns = max(self._hint_ns, reading.mono_ns - now.mono_ns)

    def _link_changed(self) -> None:
        state = self._link.state
        if state.is_live:
            if self._was_lost:
                self.box.forget_connections()
            self.presses.nudge()
        self._was_lost = not state.is_live and (self._was_lost or state.word is LinkWord.LOST)
        self._tell(Changed.LINK)

    def _measured(self) -> None:
        if any(one.why for one in self.presses.waiting):
            self.presses.nudge()
        self._tell(Changed.CLOCK)

    def _presses_changed(self) -> None:
        self._tell(Changed.PRESSES)
        if len(self.presses.refused) > self._refused:
            self._tell(Changed.PROBLEM)
        self._refused = len(self.presses.refused)

    def _tell(self, changed: Changed) -> None:
        for callback in tuple(self._listeners):
            callback(changed)


def _folder_of(box_key: str) -> str:
    """A name for its folder; a box may call itself anything, ".." too."""
    return quote(box_key, safe="").replace(".", "%2E")
