"""The logs of one race, as its page shows them to the crew."""

from msgspec import Struct

from cars.log_structs import LogState
from timing.structs import LIVE_STATES, RaceView
from web.car_logs import has_car
from web.house import House
from web.pages.log_words import ShownLog, shown

AGAIN = frozenset({LogState.NOTHING, LogState.FAILED, LogState.DELETED})


class RaceLogs(Struct, frozen=True, kw_only=True):
    """`logs` newest first, the last deleted one too: it says why it went. `may_fetch`: there is a car to ask."""

    logs: list[ShownLog]
    may_fetch: bool
    is_open: bool


async def race_logs(house: House, race: RaceView) -> RaceLogs | None:
    """None where the race goes on, or no car of this box drove it."""
    if (race.state in LIVE_STATES and not race.deleted) or not has_car(house, race):
        return None
    found = await house.logs.find(race_id=race.race_id, with_deleted=True, limit=20)
    logs = [shown(log) for number, log in enumerate(found) if number == 0 or log.state is not LogState.DELETED]
    return RaceLogs(
        logs=logs,
        may_fetch=not logs or logs[0].log.state in AGAIN,
        is_open=any(one.is_open for one in logs),
    )
