"""GPIO strips above their pin factory: raw edges out of ticks and numbers. The kernel's side is in tests/faults."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from gpiozero import DigitalInputDevice, GPIOPinInUse

from appliance.errors import ApplianceError, InvalidInput
from appliance.gpio_lines import GpioLine, parse_gpio_line, parse_gpio_lines
from tests.timing.mock_pins import TickedFactory
from timing.strips import RawEdge, RawGap, gpio
from timing.strips.gpio import GpioStrips
from timing.strips.gpio_pins import KernelEdge


class ScriptedFactory:
    """A kernel that reports what the test says: mislabelled pulses and a chip that goes cannot be had otherwise."""

    note: str | None = None

    def __init__(self, active: Sequence[int] = ()) -> None:
        self.is_released = False
        self._active = active

    def watch(
        self, lines: Sequence[GpioLine], hand_on: Callable[[KernelEdge], None], failed: Callable[[OSError], None]
    ) -> "ScriptedFactory":
        self.report, self.vanish = hand_on, failed
        return self

    def levels(self) -> dict[int, bool]:
        return dict.fromkeys(self._active, True)

    def release(self) -> None:
        self.is_released = True


async def test_ticks_become_the_kernels_nanoseconds_unchanged() -> None:
    factory, raw = TickedFactory(), []
    strips = GpioStrips(parse_gpio_lines(["17", "27:active-high"]), factory)
    await strips.start(raw.append)
    month_s = 2_592_000
    for is_high, at_s in ((False, 123.000001), (False, 123.000002), (True, month_s + 0.123456789)):
        factory.pin(17).edge(is_high, at_s)
    factory.pin(27).edge(True, 200.5)
    await asyncio.sleep(0)
    assert raw == [
        RawEdge(17, True, 123_000_001_000),
        RawEdge(17, True, 123_000_002_000),
        RawEdge(17, False, month_s * 10**9 + 123_456_789),
        RawEdge(27, True, 200_500_000_000),
    ]
    await strips.stop()


async def test_what_was_heard_is_handed_on_before_the_lines_go_and_nothing_after() -> None:
    factory, raw = TickedFactory(), []
    strips = GpioStrips(parse_gpio_lines(["17"]), factory)
    await strips.start(raw.append)
    pin = factory.pin(17)
    pin.edge(False, 1.0)
    assert raw == []
    await strips.stop()
    pin.edge(True, 2.0)
    await asyncio.sleep(0)
    assert [edge.at_ns for edge in raw] == [1_000_000_000]


async def test_no_device_of_gpiozero_can_take_a_strip_away_from_a_fall_back() -> None:
    factory, raw = TickedFactory(), []
    strips = GpioStrips(parse_gpio_lines(["17"]), factory)
    await strips.start(raw.append)
    with pytest.raises(GPIOPinInUse):
        DigitalInputDevice(17, pull_up=True, pin_factory=factory)
    await strips.stop()
    DigitalInputDevice(17, pull_up=True, pin_factory=factory).close()


async def test_a_line_the_board_does_not_have_is_refused_and_the_others_let_go() -> None:
    factory = TickedFactory()
    with pytest.raises(InvalidInput) as refused:
        await GpioStrips(parse_gpio_lines(["17", "44"]), factory).start(print)
    assert str(refused.value) == "GPIO 44 cannot be a strip: 44 is not a valid pin name. Choose another line."
    DigitalInputDevice(17, pull_up=True, pin_factory=factory).close()


async def test_two_equal_directions_in_a_row_are_both_handed_on() -> None:
    factory, raw = ScriptedFactory(), []
    await GpioStrips(parse_gpio_lines(["17"]), factory).start(raw.append)
    for number, is_active in enumerate([True, True, False, False, False], start=1):
        factory.report(KernelEdge(17, is_active, number, number, number))
    assert [edge.active for edge in raw] == [True, True, False, False, False]


async def test_a_hole_in_the_numbers_is_a_gap_before_the_edge_that_shows_it() -> None:
    factory, raw = ScriptedFactory(), []
    await GpioStrips(parse_gpio_lines(["17", "27"]), factory).start(raw.append)
    factory.report(KernelEdge(17, True, 1_000, 201, 203))
    factory.report(KernelEdge(27, True, 1_001, 3, 204))
    assert raw == [
        RawGap(17, 200, 1_000), RawEdge(17, True, 1_000, 201), RawGap(27, 2, 1_001), RawEdge(27, True, 1_001, 3),
    ]  # fmt: skip


async def test_numbers_begin_anew_with_each_start() -> None:
    factory, raw = ScriptedFactory(), []
    strips = GpioStrips(parse_gpio_lines(["17"]), factory)
    for _ in range(2):
        await strips.start(raw.append)
        factory.report(KernelEdge(17, True, 1, 1, 1))
        factory.report(KernelEdge(17, False, 2, 2, 2))
        await strips.stop()
        assert factory.is_released
    assert [type(one) for one in raw] == [RawEdge] * 4


async def test_merged_edges_are_logged_once_it_is_quiet_and_make_no_gap(caplog: pytest.LogCaptureFixture) -> None:
    factory, raw = ScriptedFactory(), []
    caplog.set_level("INFO")
    await GpioStrips(parse_gpio_lines(["17"]), factory).start(raw.append)
    for number, (at_ns, seqno) in enumerate([(1, 1), (2, 4), (3, 5), (2_000_000_000, 6), (4_000_000_000, 7)], start=1):
        factory.report(KernelEdge(17, True, at_ns, number, seqno))
    assert [record.message for record in caplog.records] == ["edges_merged count=2"]
    assert len(raw) == 5


async def test_a_strip_that_is_active_at_the_start_is_told(caplog: pytest.LogCaptureFixture) -> None:
    await GpioStrips(parse_gpio_lines(["17=Left", "27"]), ScriptedFactory(active=[17])).start(print)
    (told,) = caplog.messages
    assert told == "line_active_at_start line=17 name='Left': pressed now, or wired the other way"


async def test_a_sink_that_fails_gets_the_next_edge_too() -> None:
    factory, got = ScriptedFactory(), []

    def failing(raw: RawEdge | RawGap) -> None:
        got.append(raw)
        raise RuntimeError("no room")

    await GpioStrips(parse_gpio_lines(["17"]), factory).start(failing)
    factory.report(KernelEdge(17, True, 1, 3, 3))
    factory.report(KernelEdge(17, False, 2, 4, 4))
    assert [type(raw) for raw in got] == [RawGap, RawEdge, RawEdge]


async def test_a_chip_that_vanishes_ends_the_recorder_with_a_word() -> None:
    factory, ended = ScriptedFactory(), []
    strips = GpioStrips(parse_gpio_lines(["17"]), factory, when_gone=lambda: ended.append(True))
    await strips.start(print)
    factory.vanish(OSError(19, "No such device"))
    assert ended == [True]
    await strips.stop()


async def test_a_chip_that_vanishes_without_a_word_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpio, "LOOK_S", 0.01)
    factory, ended, times = ScriptedFactory(), asyncio.Event(), []
    strips = GpioStrips(parse_gpio_lines(["17"]), factory, when_gone=lambda: (times.append(1), ended.set()))
    await strips.start(print)

    def gone() -> dict[int, bool]:
        raise OSError(19, "No such device")

    factory.levels = gone  # type: ignore[method-assign]
    async with asyncio.timeout(20):
        await ended.wait()
    factory.vanish(OSError(19, "No such device"))
    await strips.stop()
    assert times == [1]


async def test_the_start_button_is_a_line_with_its_role() -> None:
    strips = GpioStrips(parse_gpio_lines(["17"]), ScriptedFactory(), button=parse_gpio_line("22=Go", "start button"))
    assert [(line.line, line.name, line.role) for line in strips.lines] == [
        (17, "strip 1", "strip"),
        (22, "Go", "button"),
    ]


def test_an_error_of_a_backend_that_is_not_there_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from timing.strips.gpio_pins.opening import open_factory

    for module in ("gpiod", "lgpio", "gpiozero.pins.lgpio"):
        monkeypatch.setitem(sys.modules, module, None)
    for module in [name for name in sys.modules if name.startswith("timing.strips.gpio_pins.")]:
        if not module.endswith("opening"):
            monkeypatch.delitem(sys.modules, module)
    with pytest.raises(ApplianceError, match=r"The package lgpio cannot be used here: .* Install lgpio 0\.2\.2\.0"):
        open_factory("lgpio", "missing")
    with pytest.raises(
        ApplianceError, match=r"The package gpiod.* cannot be used here: .* set gpio_backend to lgpio\."
    ):
        open_factory("gpiod", "missing")
