"""
The strip of the whole way: the box's recorder as its supervisor starts it, a process of its own, and the car that rolls
over it.

The box hears of a crossing as at a track: from the recorder, over the timing stream.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.settings import Settings
from appliance.supervisor import recorder_arguments
from tests.timing.recorder_process import BareClient, RecorderProcess, connected

LINE = 17
SETTINGS = {"TRACKSIDE_STRIPS": "simulated", "TRACKSIDE_SIMULATED_LINES": f"{LINE},27"}


class Strip:
    """One line of the recorder."""

    def __init__(self, client: BareClient) -> None:
        self._client = client

    async def crossed(self) -> int:
        """A car rolls over it; the stamp of that, in ns, once it is on the recorder's disk."""
        self._client.hit(LINE)
        on, off = await self._client.until("edge"), await self._client.until("edge")
        assert [(edge["line"], edge["edge"]) for edge in (on, off)] == [(LINE, "active"), (LINE, "inactive")]
        return int(on["at_ns"])


@asynccontextmanager
async def recorded_strip(settings: Settings) -> AsyncIterator[Strip]:
    """A recorder for as long as the block lasts."""
    arguments = recorder_arguments(settings, settings.recorder_socket)
    recorder = RecorderProcess(settings.data_dir, *arguments, data=settings.data_dir)
    async with recorder, connected(settings.recorder_socket) as client:
        client.hello(after=None)
        yield Strip(client)
