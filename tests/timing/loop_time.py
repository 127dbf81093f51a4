"""Time as an event loop lives it: what other programs take from a busy machine is not counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TICK_S = 0.05


class LoopTime:
    """`lived_s` grows while the loop runs; a loop that gets no core lives more slowly than clocks go."""

    def __init__(self) -> None:
        self.lived_s = 0.0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.lived_s += TICK_S


@asynccontextmanager
async def loop_time() -> AsyncIterator[LoopTime]:
    """Counted for as long as the block lasts."""
    time = LoopTime()
    task = asyncio.create_task(time.run())
    try:
        yield time
    finally:
        task.cancel()
