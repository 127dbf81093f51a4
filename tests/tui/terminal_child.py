"""
A terminal without a screen, in a process of its own to be killed: `python -m tests.tui.terminal_child URL TOKEN EVENT
FOLDER`. Each line of stdin is a kind to press; each press is answered on stdout, as JSON, once it is on the disk.
The line "sent" is answered once nothing waits, with what the clock of the box was wrong by at worst, in ns.
"""

import asyncio
import sys
from pathlib import Path

import msgspec

from tests.tui.seats import sitting
from timing.journal import Kind


async def main(url: str, token: str, event_id: str, folder: str) -> None:
    """Press what stdin says."""
    async with sitting(url, token, event_id, folder=Path(folder)) as seated:
        await seated.live()
        print("live", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line == "sent\n":
                await seated.sent()
                print("sent", seated.worst_error_ns, flush=True)
                continue
            press = await seated.press(Kind(line.strip()))
            await seated.seat.presses.kept()
            print(msgspec.json.encode(press).decode(), flush=True)


asyncio.run(main(*sys.argv[1:]))
