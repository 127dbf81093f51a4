"""
Making the next racer's race ready: the one way to it from every screen that has the key.

Owns the question about used-up runs, and that pressing twice makes one race. Whether it may be is the box's to say.
"""

from timing.crew_structs import InLine
from timing.structs import NewRace, RaceView
from tui.box import new_id
from tui.columns import plain
from tui.errors import BoxAway, BoxError
from tui.picture import Picture
from tui.screens.ask import Ask
from tui.screens.base import RoomScreen
from tui.widgets.queue_side import in_line, is_used_up
from tui.words import STATES, counted


class NextRacer:
    """For one screen; `make_ready` runs in a worker of it, as it may ask."""

    def __init__(self, screen: RoomScreen) -> None:
        self._screen = screen
        self._is_asking = False
        self._unanswered: tuple[str, str] | None = None
        """Entry and race id of a call whose answer was lost: sent again, it finds the race that it may have made."""

    async def make_ready(self, item: InLine | None = None, *, by_proxy: bool = False) -> RaceView | None:
        """Make `item`, or the first in line, ready; None when it was not done, and why was said."""
        if self._is_asking or not self._screen.may_run():
            return None
        self._is_asking = True
        try:
            return await self._make_ready(item, by_proxy=by_proxy)
        finally:
            self._is_asking = False

    async def _make_ready(self, item: InLine | None, *, by_proxy: bool) -> RaceView | None:
        picture = self._screen.seat.picture
        item = item or next(iter(in_line(picture.queue)), None)
        if (why_not := _why_not(picture, item)) is not None or item is None:
            message, remedy = why_not or ("", "")
            self._screen.notify(remedy, title=message, severity="warning", markup=False)
            return None
        if is_used_up(item) and not await self._allows_one_more(item):
            return None
        return await self._create(picture, item, by_proxy=by_proxy)

    async def _create(self, picture: Picture, item: InLine, *, by_proxy: bool) -> RaceView | None:
        queue_id = item.entry.queue_id
        again = self._unanswered is not None and self._unanswered[0] == queue_id
        race_id = self._unanswered[1] if again and self._unanswered else new_id()
        self._unanswered = None
        new = NewRace(
            event_id=picture.event_id,
            track_id=picture.track_id,
            racer_id=item.entry.racer_id,
            by_proxy=by_proxy,
            override=is_used_up(item),
            race_id=race_id,
        )
        try:
            return await self._screen.seat.box.create_race(new)
        except BoxAway as error:
            self._unanswered = (queue_id, race_id)
            self._screen.tell_problem(error)
        except BoxError as error:
            self._screen.tell_problem(error)
        return None

    async def _allows_one_more(self, item: InLine) -> bool:
        runs = counted(item.max_runs or 0, "run")
        used = "The one run is used." if item.max_runs == 1 else f"All {runs} are used."
        question = Ask(
            f"Allow one more run for {plain(item.entry.username)}?",
            f"{used} It is recorded that you allowed it.",
            yes="One more run",
            no="Not now",
            careful=True,
        )
        may: bool = await self._screen.app.push_screen_wait(question)
        return may


def _why_not(picture: Picture, item: InLine | None) -> tuple[str, str] | None:
    """What is in the way, and what to do about it."""
    if picture.race is not None:
        view = picture.race.view
        return (
            f"The race of {plain(view.username)} is on the track ({STATES[view.state]}).",
            "Submit or discard it first, on the Race screen: press 1.",
        )
    if item is None:
        return "Nobody in line.", "Add somebody on the Queue screen: press 2, then A."
    return None
