"""The pushes that have not ended: what is known of each beyond its row, and which cars are left alone for a while."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.errors import ApplianceError
from cars.push_rules import PushState, Turn, check_step, is_given_up, pause_s, wakes_at_ns, whose_turn
from cars.push_schema import PushRow
from cars.push_wire import Ended, Went


@dataclass(slots=True)
class OpenPush:
    """
    One of them. `row` is as stored; the rest is what happens now.

    `is_running`: it has its car for itself. `is_ordered`: the worker has it. `is_ending`: its end is being written.
    """

    row: PushRow
    state: PushState = PushState.WAITING
    sent_bytes: int = 0
    bytes_per_s: int = 0
    tries: int = 0
    reason: str | None = None
    remedy: str | None = None
    is_staged: bool = False
    is_running: bool = False
    is_ordered: bool = False
    is_ending: bool = False

    def waits(self, reason: str | None = None, remedy: str | None = None) -> None:
        """Back to the line; its bytes on the car stay."""
        self.state, self.bytes_per_s = PushState.WAITING, 0
        self.reason, self.remedy = reason, remedy
        self.is_running = self.is_ordered = False

    def ended_row(self, outcome: PushState, reason: str | None, remedy: str | None, at: str) -> PushRow:
        """The row to be stored."""
        return replace(
            self.row,
            state=outcome,
            reason=reason,
            remedy=remedy,
            is_staged=self.is_staged,
            sent_bytes=0 if outcome is PushState.ALREADY_THERE else self.sent_bytes,
            tries=self.tries,
            ended_at=at,
        )


@dataclass(slots=True)
class _Trouble:
    """A car out of reach: since when, how often it was tried in a row, when it is tried again."""

    first_ns: int
    tries: int = 0
    again_ns: int = 0


class OpenPushes:
    """All of them, oldest first, in memory."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._pushes: dict[str, OpenPush] = {}
        self._trouble: dict[str, _Trouble] = {}

    def __len__(self) -> int:
        """How many have not ended."""
        return len(self._pushes)

    def add(self, row: PushRow) -> OpenPush:
        """A stored row, new or from before a restart; the one that is known already stays."""
        return self._pushes.setdefault(row.push_id, OpenPush(row, is_staged=row.is_staged))

    def get(self, push_id: str) -> OpenPush | None:
        """One that has not ended."""
        return self._pushes.get(push_id)

    def all(self) -> list[OpenPush]:
        """All that have not ended."""
        return list(self._pushes.values())

    def of_car(self, car_id: str) -> list[OpenPush]:
        """Those to one car."""
        return [push for push in self._pushes.values() if push.row.car_id == car_id]

    def drop(self, push_id: str) -> None:
        """Its end is stored."""
        del self._pushes[push_id]

    # whose turn it is

    def start_next(self) -> list[OpenPush]:
        """Those whose turn it is now; they are running from here on."""
        chosen = [self._pushes[push_id] for push_id in whose_turn(self._turns(), self._not_before(), self._now_ns())]
        for push in chosen:
            push.is_running = True
            push.reason = push.remedy = None
            push.tries += 1
        return chosen

    def next_try_s(self) -> float | None:
        """In how many seconds a car is tried again; None while none is waited for."""
        now_ns = self._now_ns()
        at_ns = wakes_at_ns(self._turns(), self._not_before(), now_ns)
        return None if at_ns is None else (at_ns - now_ns) / 1e9

    def _turns(self) -> list[Turn]:
        return [
            Turn(push_id=push.row.push_id, car_id=push.row.car_id, is_running=push.is_running)
            for push in self._pushes.values()
            if not push.is_ending
        ]

    def _not_before(self) -> dict[str, int]:
        return {car_id: trouble.again_ns for car_id, trouble in self._trouble.items()}

    # what happens on the way

    def went(self, news: Went) -> OpenPush | None:
        """A try went on; None for news of one that has ended. Raises Conflict for a step that cannot be."""
        push = self._pushes.get(news.push_id)
        if push is None or not push.is_ordered or push.is_ending:
            return None
        check_step(push.state, news.state)
        push.state, push.bytes_per_s = news.state, news.bytes_per_s
        if news.sent_bytes is not None:
            if news.sent_bytes > push.sent_bytes:
                self.reached(push.row.car_id)
            push.sent_bytes = news.sent_bytes
        return push

    def stopped(self, ended: Ended) -> OpenPush | None:
        """A try ended, however it did."""
        push = self._pushes.get(ended.push_id)
        if push is None or not push.is_ordered:
            return None
        if ended.is_staged is not None:
            push.is_staged = ended.is_staged
        return push

    def is_given_up(self, push: OpenPush) -> bool:
        """Whether its car has been out of reach for too long."""
        trouble = self._trouble.get(push.row.car_id)
        return trouble is not None and is_given_up(trouble.first_ns, self._now_ns())

    def pause(self, push: OpenPush, error: ApplianceError) -> None:
        """It cannot go on now: everything for its car waits, longer each time."""
        now_ns = self._now_ns()
        trouble = self._trouble.setdefault(push.row.car_id, _Trouble(first_ns=now_ns))
        trouble.tries += 1
        trouble.again_ns = now_ns + int(pause_s(trouble.tries) * 1e9)
        push.waits(error.message, error.remedy)

    def reached(self, car_id: str) -> None:
        """It answers, or took some bytes more: whatever was wrong is over."""
        self._trouble.pop(car_id, None)
