"""
The way to a seat: which box, who sits there, which track. Asks only what is not known, and remembers the answers.

A box that was used before, with a session that still holds, leads straight to its last track: after a break nobody
types anything. Every question can be left with Escape, which goes back to the question before.
"""

import asyncio
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace
from textual.app import App

from timing.structs import Event
from tui.box import Box
from tui.errors import BoxError, SignedOut
from tui.finder import Finder, first_answer
from tui.screens.ask import Ask
from tui.screens.boxes import BoxesScreen
from tui.screens.sign_in import SignInScreen
from tui.screens.tracks import TracksScreen
from tui.seat import Seat
from tui.state_dir import Likes, RememberedBox, StateDir
from tui.typed_address import addresses_typed
from tui.wire import WhoAmI

PROBLEM_S = 8.0


@dataclass(frozen=True, slots=True)
class Entered:
    """A box that let somebody in. `known` is what was remembered of it, with this visit's address."""

    box: Box
    me: WhoAmI
    known: RememberedBox


class Arrival:
    """A `Host` of tui/seat_app.py: leads to a seat at a real box. `address` is what the command line said."""

    def __init__(self, state: StateDir, address: str | None = None) -> None:
        self._state = state
        self._address = address
        self._likes = state.likes()
        self._entered: Entered | None = None
        self._newest: Seat | None = None

    @property
    def muted(self) -> bool:
        """Whether sound is off."""
        return self._likes.muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._keep(Likes(muted=muted, light=self.light))

    @property
    def light(self) -> bool:
        """Whether the bright look is liked."""
        return self._likes.light

    @light.setter
    def light(self, light: bool) -> None:
        self._keep(Likes(muted=self.muted, light=light))

    async def first_seat(self, app: App[None]) -> Seat | None:
        """Straight to where somebody sat last, else by asking; None when the first question is left."""
        entered = await self._enter_given(app) if self._address else await self._enter_last(app)
        if entered is not None:
            seat = await self._seat_of_last_time(app, entered)
            if seat is not None:
                return seat
        return await self._ask_all(app, entered)

    async def other_track(self, app: App[None], seat: Seat) -> Seat | None:
        """The next track of the event; None when there is only one."""
        entered = self._entered
        tracks = [track.track_id for track in seat.picture.tracks]
        if entered is None or len(tracks) < 2 or seat.track_id not in tracks:
            app.notify("This event has one track.", timeout=3)
            return None
        return await self._sit(app, entered, seat.event_id, tracks[(tracks.index(seat.track_id) + 1) % len(tracks)])

    async def other_box(self, app: App[None], seat: Seat) -> Seat | None:
        """Another event or track of this box; Escape there leads to the boxes, and Escape there back to the seat."""
        try:
            me = await seat.box.who()
        except SignedOut:
            return await self._sign_in_again(app, seat)
        except BoxError:
            return await self._ask_all(app, None)
        entered = None if self._entered is None else Entered(seat.box, me, self._entered.known)
        return await self._ask_all(app, entered)

    async def leave(self, seat: Seat) -> None:
        """Nobody sits there any more; the box is left too, unless the next seat is at it."""
        if self._entered is None or self._entered.box is not seat.box or seat is self._newest:
            await seat.box.close()

    async def while_lost(self, app: App[None], seat: Seat) -> None:
        """
        Look whether the box has another address now, until the link is back; go there if somebody says so.

        It is asked, not done: any machine of the hall can say that it is this box, and would be shown our token.
        """
        entered = self._entered
        if entered is None:
            return
        address = await moved_to(entered.known)
        question = f"{entered.known.name} seems to be at {address} now. Go there?"
        detail = "The box's own screen shows its address. What you press goes on waiting meanwhile."
        if not seat.link_state.is_live and await app.push_screen_wait(Ask(question, detail, yes="Go there", no="Stay")):
            seat.move_to(address)
            await self._remember(entered, address, seat.event_id, seat.track_id)
            if seat.box.token is not None:
                await asyncio.to_thread(self._state.keep_token, entered.known.box_id, address, seat.box.token)

    # ---- inside

    def _keep(self, likes: Likes) -> None:
        """For the next time; a slow disk holds nothing up."""
        self._likes = likes
        keep = partial(self._state.keep_likes, muted=likes.muted, light=likes.light)
        asyncio.get_running_loop().run_in_executor(None, keep)

    async def _ask_all(self, app: App[None], entered: Entered | None) -> Seat | None:
        while True:
            if entered is None:
                entered = await self._enter_chosen(app)
                if entered is None:
                    return None
            chosen = await app.push_screen_wait(
                TracksScreen(entered.box, entered.known.event_id, entered.known.track_id)
            )
            if chosen is not None:
                return await self._sit(app, entered, *chosen)
            if self._entered is None or self._entered.box is not entered.box:
                await entered.box.close()
            entered = None

    async def _enter_given(self, app: App[None]) -> Entered | None:
        try:
            address, identity = await first_answer(addresses_typed(self._address or ""))
        except BoxError as error:
            _tell(app, error)
            return None
        return await self._enter(app, address, identity.id, identity.name)

    async def _enter_last(self, app: App[None]) -> Entered | None:
        """The box that was used last, if it is still there; nobody is told when it is not, the boxes are shown."""
        known = await asyncio.to_thread(self._state.boxes)
        if not known:
            return None
        try:
            address, identity = await first_answer((known[0].address,), known[0].box_id)
        except BoxError:
            return None
        return await self._enter(app, address, identity.id, identity.name)

    async def _enter_chosen(self, app: App[None]) -> Entered | None:
        while True:
            address = await app.push_screen_wait(BoxesScreen(await asyncio.to_thread(self._state.boxes)))
            if address is None:
                return None
            try:
                address, identity = await first_answer((address,))
            except BoxError as error:
                _tell(app, error)
                continue
            entered = await self._enter(app, address, identity.id, identity.name)
            if entered is not None:
                return entered

    async def _enter(self, app: App[None], address: str, box_id: str, name: str) -> Entered | None:
        """With the token of last time, the group on this machine, or by signing in; None when that is left."""
        box = Box(address, await asyncio.to_thread(self._state.token, box_id, address))
        try:
            me = await box.who()
        except SignedOut:
            signed_in = await self._sign_in(app, box, box_id, name)
            if signed_in is None:
                await box.close()
                return None
            me = signed_in
        except BoxError as error:
            await box.close()
            _tell(app, error)
            return None
        before = await asyncio.to_thread(self._state.box, box_id)
        known = before or RememberedBox(box_id=box_id, address=address, name=name)
        return Entered(box, me, replace(known, address=address, name=name, username=me.username))

    async def _sign_in(self, app: App[None], box: Box, box_id: str, name: str) -> WhoAmI | None:
        before = await asyncio.to_thread(self._state.box, box_id)
        box.token = None
        session = await app.push_screen_wait(
            SignInScreen(box, name, username=(before.username if before else None) or "")
        )
        if session is None:
            return None
        box.token = session.token
        await asyncio.to_thread(self._state.keep_token, box_id, box.address, session.token)
        return WhoAmI(person_id=session.person_id, username=session.username, roles=session.roles)

    async def _sign_in_again(self, app: App[None], seat: Seat) -> Seat | None:
        """The session ended: the same seat goes on, with all its presses, once somebody has signed in."""
        if self._entered is not None:
            known = self._entered.known
            me = await self._sign_in(app, seat.box, known.box_id, known.name)
            if me is not None:
                seat.signed_in(me)
        return None

    async def _seat_of_last_time(self, app: App[None], entered: Entered) -> Seat | None:
        """Where somebody sat last, if that track is still there."""
        try:
            events = await entered.box.events()
        except BoxError as error:
            _tell(app, error)
            return None
        known = entered.known
        if known.track_id is None or not _has(events, known.event_id, known.track_id):
            return None
        return await self._sit(app, entered, known.event_id or "", known.track_id)

    async def _sit(self, app: App[None], entered: Entered, event_id: str, track_id: str) -> Seat:
        await self._remember(entered, entered.known.address, event_id, track_id)
        if self._state.trouble is not None:
            app.notify(self._state.trouble, severity="warning", timeout=PROBLEM_S, markup=False)
        self._newest = Seat(
            entered.box,
            event_id,
            track_id,
            entered.me,
            press_folder=self._state.press_folder,
            box_key=entered.known.box_id,
        )
        return self._newest

    async def _remember(self, entered: Entered, address: str, event_id: str, track_id: str) -> None:
        known = replace(
            entered.known, address=address, username=entered.me.username, event_id=event_id, track_id=track_id
        )
        self._entered = Entered(entered.box, entered.me, known)
        await asyncio.to_thread(self._state.remember, known)


async def moved_to(known: RememberedBox) -> str:
    """Wait until this box answers at another address than the one that is remembered."""
    seen = asyncio.Event()
    finder = Finder(seen.set, known=[known])
    looking = asyncio.create_task(finder.run())
    try:
        while True:
            await seen.wait()
            seen.clear()
            for box in finder.boxes:
                if box.box_id == known.box_id and box.answers_at not in (None, known.address):
                    return str(box.answers_at)
    finally:
        looking.cancel()
        await asyncio.wait([looking])


def run(address: str | None = None) -> int:
    """`trackside tui`; the exit status."""
    from tui.app import TracksideApp

    app = TracksideApp(Arrival(StateDir(), address))
    app.run()
    return app.return_code or 0


def _has(events: list[Event], event_id: str | None, track_id: str) -> bool:
    return any(
        event.event_id == event_id and any(track.track_id == track_id for track in event.tracks) for event in events
    )


def _tell(app: App[None], error: BoxError) -> None:
    app.notify(error.remedy, title=error.message, severity="error", timeout=PROBLEM_S, markup=False)
