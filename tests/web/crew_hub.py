"""The crew's live streams as the application keeps them: its own side of every terminal."""

import asyncio

from tests.web.conftest import Site
from tests.web.streams import DEADLINE_S
from web.crew_live import CrewLive


def hub_of(site: Site) -> CrewLive:
    """The application's own."""
    hub: CrewLive = site.app.state.streams.crew_live
    return hub


async def seats_are(site: Site, count: int) -> None:
    """Wait until the server has this many."""
    async with asyncio.timeout(DEADLINE_S):
        while len(hub_of(site).connections().seats) != count:  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.001)
