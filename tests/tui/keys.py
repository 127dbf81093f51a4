"""Keys as a test presses them: each has been handled before the next one comes, on a slow machine too."""

import asyncio
from contextlib import suppress
from typing import Any

from textual.app import App
from textual.message_pump import MessagePump
from textual.pilot import Pilot

ONE_KEY_S = 2.0
PATIENCE_S = 20.0


async def press(pilot: Pilot[Any], *names: str) -> None:
    """Press these, and return when each has been handled; one whose handling goes on for long is left to itself."""
    for name in names:
        await handled(pilot.app)  # A screen that came up with the key before has its focus.
        await pilot.press(name)
        await handled(pilot.app)


async def ended(pilot: Pilot[Any]) -> None:
    """Wait until the program has been told to end."""
    async with asyncio.timeout(PATIENCE_S):
        while not pilot.app._exit:
            await pilot.pause(0.02)


async def handled(app: App[Any]) -> None:
    """
    Let everything pass that is on its way.

    A key goes from the app down to what has the focus, and up again through all that holds it, a queue each; and what
    is posted on that way goes up once more.
    """
    for _ in range(2):
        if not app.is_running or not app.screen_stack:
            return
        screen = app.screen
        for node in (app, *(screen.focused or screen).ancestors_with_self):
            await _passed(node)


async def _passed(node: MessagePump) -> None:
    passed = asyncio.Event()
    if node.call_later(passed.set):
        with suppress(TimeoutError):
            await asyncio.wait_for(passed.wait(), ONE_KEY_S)
