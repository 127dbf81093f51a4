"""The lap key in the real terminal: stamped when it came, not when the screen had time for it."""

import time

import pytest
from textual.events import Key

from tests.tui.seated import seated
from tests.web.conftest import Site
from tests.web.racing_day import add_racer, start_race
from timing.structs import Event, NewEvent, NewTrack
from tui.press import Press
from tui.screens.race import RaceScreen

BUSY_S = 0.3
FLOAT_NS = 1_000
"""What a float of seconds since the machine's start is exact to, even after a year."""


@pytest.fixture
async def event(site: Site) -> Event:
    """An event with one track, and a race that runs."""
    event = await site.house.events.create(NewEvent(name="Finale", tracks=[NewTrack(name="Left")]), "test")
    await start_race(site.house, event, await add_racer(site.house, "ada"))
    return event


@pytest.mark.parametrize(("name", "character"), [("l", "l"), ("enter", "\r"), ("r", "r")])
async def test_a_key_counts_from_when_it_came(site: Site, event: Event, name: str, character: str) -> None:
    async with seated(site, event.event_id, {"race": RaceScreen}) as terminal:
        await terminal.until(lambda: terminal.seat.picture.is_running)
        made: list[int] = []
        add = terminal.seat.presses.add

        def note(press: Press) -> None:
            made.append(press.mono_ns)
            add(press)

        terminal.seat.presses.add = note  # type: ignore[method-assign]
        before_ns = time.monotonic_ns()
        key = Key(name, character)
        after_ns = time.monotonic_ns()
        came_ns = int(key.time * 1e9)
        assert before_ns - FLOAT_NS <= came_ns <= after_ns + FLOAT_NS
        busy(BUSY_S)
        terminal.app.post_message(key)
        await terminal.until(lambda: made)
        assert made == [came_ns]


def busy(seconds: float) -> None:
    """Draw something very large."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


async def test_keys_that_came_while_the_screen_was_busy_count_in_their_order_and_as_of_their_moment(
    site: Site, event: Event
) -> None:
    async with seated(site, event.event_id, {"race": RaceScreen}) as terminal:
        await terminal.until(lambda: terminal.seat.picture.is_running)
        made: list[tuple[str, int]] = []
        add = terminal.seat.presses.add

        def note(press: Press) -> None:
            made.append((press.kind.value, press.mono_ns))
            add(press)

        terminal.seat.presses.add = note  # type: ignore[method-assign]
        keys = []
        for name, character in (("r", "r"), ("l", "l"), ("d", "d")):
            busy(0.01)
            keys.append(Key(name, character))
        for key in keys:
            terminal.app.post_message(key)
        await terminal.until(lambda: len(made) == 3)
        assert made == [(kind, int(key.time * 1e9)) for kind, key in zip(("reset", "lap", "dnf"), keys, strict=True)]
