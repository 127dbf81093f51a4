"""
The logs that are on their way or wait for it, as they are at this moment: whose turn it is, and what each waits for.

One at a time: logs have time, models and laps have not. In memory; the rows are cars/logs.py's. No I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass

from appliance.errors import ApplianceError
from cars.log_rules import GIVE_UP_S, pause_s
from cars.log_schema import LogRow
from cars.log_structs import LogState
from cars.log_wire import Went

Hindrance = Callable[[str], ApplianceError | None]
"""Why nothing may be fetched from a car now, in words; None when it may."""


@dataclass(slots=True)
class OpenLog:
    """
    One of them. `row` is as stored; the rest is what happens now.

    `is_ordered`: the worker has it. `is_ending`: its end is being written.
    """

    row: LogRow
    state: LogState = LogState.WAITING
    got_bytes: int = 0
    size_bytes: int = 0
    tries: int = 0
    first_ns: int = 0
    again_ns: int = 0
    reason: str | None = None
    remedy: str | None = None
    is_ordered: bool = False
    is_ending: bool = False

    def waits(self, why: ApplianceError | None) -> bool:
        """Back to the line, what is here stays; answers whether anything is different from before."""
        before = (self.state, self.reason)
        self.state, self.is_ordered = LogState.WAITING, False
        self.reason, self.remedy = (None, None) if why is None else (why.message, why.remedy)
        return before != (self.state, self.reason)


class OpenLogs:
    """All of them, the oldest first."""

    def __init__(self, now_ns: Callable[[], int], hindrance: Hindrance) -> None:
        self._now_ns = now_ns
        self._hindrance = hindrance
        self._logs: dict[str, OpenLog] = {}

    def __len__(self) -> int:
        """How many have not ended."""
        return len(self._logs)

    def add(self, row: LogRow) -> OpenLog:
        """A stored row that waits; the one that is known already stays."""
        return self._logs.setdefault(row.log_id, OpenLog(row))

    def get(self, log_id: str) -> OpenLog | None:
        """One that has not ended."""
        return self._logs.get(log_id)

    def drop(self, log_id: str) -> OpenLog | None:
        """Its end is stored."""
        return self._logs.pop(log_id, None)

    @property
    def running(self) -> OpenLog | None:
        """The one that the worker has."""
        return next((one for one in self._logs.values() if one.is_ordered or one.is_ending), None)

    def hindered(self) -> OpenLog | None:
        """The one that the worker has and must leave for now: its car is needed."""
        running = self.running
        return running if running is not None and running.is_ordered and self._hindrance(running.row.car_id) else None

    def next(self) -> tuple[OpenLog | None, list[str]]:
        """Whose turn it is, and the ids of those that wait for something else than before."""
        changed, chosen = [], None
        for one in [] if self.running is not None else self._logs.values():
            why = self._hindrance(one.row.car_id)
            if why is not None:
                if one.waits(why):
                    changed.append(one.row.log_id)
            elif one.again_ns > self._now_ns():
                continue
            elif chosen is None:
                chosen = one
            elif one.waits(None):
                changed.append(one.row.log_id)
        return chosen, changed

    def wakes_in_s(self) -> float | None:
        """In how many seconds a car is tried again; None while none is waited for."""
        moments = [one.again_ns for one in self._logs.values() if one.again_ns > self._now_ns()]
        return (min(moments) - self._now_ns()) / 1e9 if moments else None

    def went(self, news: Went) -> OpenLog | None:
        """A try went on; None for one that is of no interest any more."""
        one = self._logs.get(news.log_id)
        if one is None or not one.is_ordered:
            return None
        if news.got_bytes > one.got_bytes:
            one.tries = 0
        one.state, one.got_bytes, one.size_bytes = news.state, news.got_bytes, news.size_bytes
        one.reason = one.remedy = None
        return one

    def lost(self, one: OpenLog, why: ApplianceError) -> bool:
        """Its car went out of reach: it is tried again later; False when that has gone on for too long."""
        now_ns = self._now_ns()
        if one.tries == 0:
            one.first_ns = now_ns
        one.tries += 1
        if now_ns - one.first_ns > GIVE_UP_S * 1_000_000_000:
            return False
        one.again_ns = now_ns + pause_s(one.tries) * 1_000_000_000
        one.waits(why)
        return True

    def found(self, car_id: str) -> None:
        """It answers again: whatever was wrong is over."""
        for one in self._logs.values():
            if one.row.car_id == car_id:
                one.again_ns = one.tries = 0
