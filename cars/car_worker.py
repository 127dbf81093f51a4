"""
A process that pairs, recognises or releases one car: `python -m cars.car_worker`, an order on its input, news on its
output.

asyncssh and httpx cost 30 MB: they live here, for as long as it takes, and never in the server.
"""

import asyncio
import logging
import sys

from appliance.errors import ApplianceError
from cars.enrol_wire import ORDER, Enrol, Failed, News, Order, Recognise, line_of
from cars.enrolment import enrol
from cars.recognition import recognise
from cars.release import release

WHOLE_S = 240.0
"""A first visit to a slow car takes half a minute; a step that hangs beyond all its own timeouts ends here."""

log = logging.getLogger("trackside.cars")


def main() -> None:
    """Do the one order that is on standard input."""
    logging.basicConfig(level=logging.WARNING)
    order = ORDER.decode(sys.stdin.buffer.readline())
    asyncio.run(_do(order))


async def _do(order: Order) -> None:
    try:
        async with asyncio.timeout(WHOLE_S):
            _say(await _answered(order))
    except ApplianceError as error:
        _say(Failed(message=error.message, remedy=error.remedy, field=error.field))
    except TimeoutError:
        _say(Failed(message="The car takes too long.", remedy="Look whether its Wi-Fi is good, then try again."))
    except Exception as error:  # The boundary of the process: whoever waits is told.
        log.exception("car_worker_failed")
        _say(Failed(message=f"It failed: {type(error).__name__}.", remedy="Try again; the box's log says more."))


async def _answered(order: Order) -> News:
    if isinstance(order, Enrol):
        return await enrol(order, _say)
    return await recognise(order) if isinstance(order, Recognise) else await release(order)


def _say(news: News) -> None:
    sys.stdout.buffer.write(line_of(news))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
