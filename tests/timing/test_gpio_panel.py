"""Lamp, buzzer and shutdown button on mock pins; on real lines they are in tests/faults."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.errors import NotReady
from appliance.gpio_lines import parse_gpio_line
from tests.timing.mock_pins import TickedFactory
from timing.stream import Problem
from timing.strips import panel as panel_module
from timing.strips.panel import GpioPanel, NoPanel, PanelWiring

WIRING = PanelWiring(lamp=23, buzzer=24, shutdown_button=parse_gpio_line("5", "off"))


@asynccontextmanager
async def started(factory: TickedFactory, command: tuple[str, ...] = ("true",)) -> AsyncIterator[GpioPanel]:
    panel = GpioPanel(WIRING, lambda: factory, command)
    await panel.start()
    try:
        yield panel
    finally:
        await panel.stop()


def states(factory: TickedFactory, line: int) -> list[bool]:
    """Every level the line had, since the panel took it."""
    return [state.state for state in factory.pin(line).states]


async def until(is_so: Callable[[], bool]) -> None:
    """Something that a thread of gpiozero, or a command, does."""
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(is_so):  # noqa: ASYNC110  it sets no event of ours
            await asyncio.sleep(0.01)


async def until_state(factory: TickedFactory, line: int, count: int) -> list[bool]:
    await until(lambda: len(states(factory, line)) >= count)
    return states(factory, line)


async def test_the_lamp_is_off_until_recording_then_on_and_off_at_the_end() -> None:
    factory = TickedFactory()
    async with started(factory) as panel:
        assert states(factory, 23) == [False]
        for _ in range(3):
            panel.show(None)
        assert states(factory, 23) == [False, True]
    assert factory.pin(23).function == "input"


async def test_the_lamp_blinks_on_a_problem_and_is_steady_again_afterwards() -> None:
    factory = TickedFactory()
    async with started(factory) as panel:
        panel.show(None)
        panel.show(Problem.DISK_FULL)
        assert len(await until_state(factory, 23, 5)) >= 5
        panel.show(None)
        assert factory.pin(23).state
        steady = len(states(factory, 23))
        panel.show(None)
        assert len(states(factory, 23)) == steady


async def test_the_buzzer_sounds_shortly_and_crossings_do_not_wait_for_it() -> None:
    factory = TickedFactory()
    async with started(factory) as panel:
        panel.crossed()
        panel.crossed()
        assert states(factory, 24) == [False, True]
        assert await until_state(factory, 24, 3) == [False, True, False]


async def test_a_button_held_long_enough_runs_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_module, "HOLD_S", 0.05)
    factory, marker = TickedFactory(), tmp_path / "off"
    async with started(factory, ("touch", str(marker))):
        await asyncio.to_thread(factory.pin(5).drive_low)
        await until(marker.exists)
    assert not [thread for thread in threading.enumerate() if type(thread).__name__ == "HoldThread"]


@pytest.mark.parametrize("command", [("false",), ("no-such-command",)])
async def test_a_command_that_fails_is_logged_and_may_be_tried_again(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(panel_module, "HOLD_S", 0.05)
    factory = TickedFactory()
    async with started(factory, command):
        for times in (1, 2):
            factory.pin(5).drive_low()
            await until(lambda: [record.levelname for record in caplog.records].count("ERROR") == times)  # noqa: B023
            factory.pin(5).drive_high()


async def test_a_button_whose_release_was_missed_does_not_shut_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(panel_module, "HOLD_S", 0.05)
    factory, marker = TickedFactory(), tmp_path / "off"
    async with started(factory, ("touch", str(marker))) as panel:
        pin = factory.pin(5)
        pin.edge(False, 1.0)
        pin._state = True
        button = panel._button
        await until(lambda: button.is_held)
        assert not button.is_pressed
    assert not await asyncio.to_thread(marker.exists)
    assert "shutdown_button_held" not in caplog.text


async def test_a_panel_without_its_chip_is_logged_and_does_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def no_chip() -> TickedFactory:
        raise NotReady("This machine has no GPIO chip.", "Run the recorder on a Raspberry Pi.")

    panel = GpioPanel(WIRING, no_chip)
    await panel.start()
    panel.show(None)
    panel.crossed()
    await panel.stop()
    assert caplog.messages == [
        "panel_part_failed part=panel error=This machine has no GPIO chip. Run the recorder on a Raspberry Pi."
    ]


async def test_one_part_that_cannot_be_had_leaves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    factory = TickedFactory()
    wiring = PanelWiring(lamp=99, buzzer=24, shutdown_button=parse_gpio_line("5:pull-up:active-high", "off"))
    panel = GpioPanel(wiring, lambda: factory)
    await panel.start()
    panel.show(None)
    panel.crossed()
    assert factory.pin(24).state
    await panel.stop()
    assert caplog.messages == [
        "panel_part_failed part=lamp error=99 is not a valid pin name",
        "panel_part_failed part=shutdown_button error=GPIO 5 is pulled to where it is pressed. Leave its pull or its "
        "level away.",
    ]


async def test_a_box_without_a_panel_has_one_that_does_nothing() -> None:
    panel = NoPanel()
    await panel.start()
    panel.show(Problem.DISK_FULL)
    panel.crossed()
    await panel.stop()
