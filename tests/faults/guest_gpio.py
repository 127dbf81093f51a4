"""
GPIO strips on a real kernel: `python -m tests.faults.guest_gpio SHARE CASE`, inside the private kernel.

The cases assert inside; the exit status tells the test outside (tests/faults/test_gpio_in_a_private_kernel.py). A hit
is `pull-down` written to the simulated line: two wires that close to ground.
"""

import argparse
import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import gpiod
import pytest

from appliance.errors import ApplianceError
from appliance.gpio_chips import CONSUMER, find_chip, line_use
from appliance.gpio_lines import parse_gpio_line
from timing.strips import RawEdge, RawGap, Strips
from timing.strips.choose import add_arguments, open_panel, open_strips
from timing.strips.gpio_pins.opening import open_factory
from timing.strips.gpio_pins.requests import EVENT_BUFFER_SIZE

STRIPS = Path("/run/strips")
APART_S = 0.003
"""The simulation moves its lines 1,000 times a second; edges closer than two ticks merge before the kernel."""
DEADLINE_S = 20


def pull(line: int, up_or_down: str) -> None:
    (STRIPS / f"line{line}" / "pull").write_text(f"pull-{up_or_down}")


def level(line: int) -> int:
    """What a lamp on this line would show: 1 is lit."""
    return int((STRIPS / f"line{line}" / "value").read_text())


async def hit(*lines: int) -> tuple[int, int]:
    """Close contacts and open them again; answers from when to when they were closed, on the kernel's clock."""
    closed_ns = time.monotonic_ns()
    for line in lines:
        pull(line, "down")
    await asyncio.sleep(APART_S)
    opened_ns = time.monotonic_ns()
    for line in lines:
        pull(line, "up")
    await asyncio.sleep(APART_S)
    return closed_ns, opened_ns


def chatter(line: int, edges: int) -> None:
    """Make edges as quickly as the simulation can, in this thread: the event loop reads none of them meanwhile."""
    for number in range(edges):
        pull(line, "up" if number % 2 else "down")
        time.sleep(APART_S)


def assert_stamped_while_closed(hits: list[tuple[int, int]], edges: list[RawEdge]) -> None:
    """Each contact made while it was closed, each release after it was opened; however late they were read."""
    for (closed_ns, opened_ns), made, lost in zip(hits, edges[::2], edges[1::2], strict=True):
        assert closed_ns <= made.at_ns <= opened_ns <= lost.at_ns, (closed_ns, made, opened_ns, lost)


class Heard:
    """A sink that remembers, and can be waited on."""

    def __init__(self) -> None:
        self.raw: list[RawEdge | RawGap] = []
        self._more = asyncio.Event()

    def __call__(self, raw: RawEdge | RawGap) -> None:
        self.raw.append(raw)
        self._more.set()

    @property
    def edges(self) -> list[RawEdge]:
        return [raw for raw in self.raw if isinstance(raw, RawEdge)]

    @property
    def gaps(self) -> list[RawGap]:
        return [raw for raw in self.raw if isinstance(raw, RawGap)]

    async def until(self, is_enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not is_enough():
                self._more.clear()
                await self._more.wait()

    async def until_edges(self, count: int) -> list[RawEdge]:
        await self.until(lambda: len(self.edges) >= count)
        return self.edges


def options(*words: str) -> argparse.Namespace:
    """The recorder's command line, read as the recorder reads it."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["--strips", "gpio", *words])


@asynccontextmanager
async def watched(*words: str) -> AsyncIterator[tuple[Strips, Heard]]:
    strips, heard = open_strips(options(*words)), Heard()
    await strips.start(heard)
    try:
        yield strips, heard
    finally:
        await strips.stop()


async def until(is_so: Callable[[], bool]) -> None:
    """Something that another thread or process does."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110  it sets no event of ours
            await asyncio.sleep(0.005)


async def edges_are_what_the_kernel_stamped() -> None:
    """Both directions, in order, numbered from 1, each stamped within ticks of the contact; names and roles as set."""
    async with watched("--gpio-lines", "17=Left,27=Right", "--start-button", "22") as (strips, heard):
        assert [(line.line, line.name, line.role.value) for line in strips.lines] == [
            (17, "Left", "strip"), (27, "Right", "strip"), (22, "start button", "button"),
        ]  # fmt: skip
        assert (strips.kind, strips.note) == ("gpio", None)
        hits = [await hit(line) for line in (17, 17, 27, 22)]
        edges = await heard.until_edges(8)
        assert [(edge.line, edge.active, edge.line_seqno) for edge in edges] == [
            (17, True, 1), (17, False, 2), (17, True, 3), (17, False, 4), (27, True, 1), (27, False, 2),
            (22, True, 1), (22, False, 2),
        ]  # fmt: skip
        assert_stamped_while_closed(hits, edges)
        assert all(edge.stamp is None for edge in edges)
        assert heard.gaps == []


async def all_lines_are_one_request() -> None:
    """Strips and button share one file of the kernel, held under our name, with the pulls that were set."""
    before = request_files()
    async with watched("--gpio-lines", "17,27:active-high,5:pull-none:active-low", "--start-button", "22"):
        assert request_files() - before == 1
        with gpiod.Chip("/dev/gpiochip0") as chip:
            infos = {number: chip.get_line_info(number) for number in (17, 27, 5, 22)}
        assert {info.consumer for info in infos.values()} == {CONSUMER}
        assert {number: (info.bias.name, info.active_low) for number, info in infos.items()} == {
            17: ("PULL_UP", True), 27: ("PULL_DOWN", False), 5: ("DISABLED", True), 22: ("PULL_UP", True),
        }  # fmt: skip
        assert {info.edge_detection.name for info in infos.values()} == {"BOTH"}
        assert {(info.event_clock.name, info.debounced) for info in infos.values()} == {("MONOTONIC", False)}
    assert request_files() == before
    assert not line_use(find_chip(None), 17).is_used


def request_files() -> int:
    """Open line requests of this process."""
    return sum(
        "gpio-line" in os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if fd_is_open(fd)
    )


def fd_is_open(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


async def a_board_that_drives_its_line_is_active_high() -> None:
    """DREM's boards: high is a hit."""
    async with watched("--gpio-lines", "17:active-high") as (_, heard):
        pull(17, "up")
        await asyncio.sleep(APART_S)
        pull(17, "down")
        assert [edge.active for edge in await heard.until_edges(2)] == [True, False]


async def both_strips_at_once_keep_their_own_stamps() -> None:
    """One tick moves both; neither edge is lost, each has its own stamp."""
    async with watched() as (_, heard):
        hits = [await hit(17, 27) for _ in range(20)]
        edges = await heard.until_edges(80)
        for line in (17, 27):
            own = [edge for edge in edges if edge.line == line]
            assert [edge.active for edge in own] == [True, False] * 20
            assert [edge.line_seqno for edge in own] == list(range(1, 41))
            assert_stamped_while_closed(hits, own)
        assert heard.gaps == []


async def a_burst_past_the_buffer_is_a_gap() -> None:
    """The loop sleeps while a strip chatters: the newest 1,024 edges are there, the lost ones counted per line."""
    async with watched() as (_, heard):
        made = EVENT_BUFFER_SIZE + 200
        chatter(17, 20)
        chatter(27, 2)
        chatter(17, made - 20)
        await heard.until_edges(EVENT_BUFFER_SIZE)
        assert len(heard.edges) == EVENT_BUFFER_SIZE
        gap = heard.raw[0]
        assert isinstance(gap, RawGap)
        assert gap.line == 17
        first = heard.edges[0]
        assert (gap.lost, gap.at_ns) == ((first.line_seqno or 0) - 1, first.at_ns)
        assert (gap.lost + EVENT_BUFFER_SIZE, len(heard.gaps)) == (made, 1)
        # The other strip's two edges were among the oldest: its next edge says so.
        await hit(27)
        await heard.until_edges(EVENT_BUFFER_SIZE + 2)
        assert [(gap.line, gap.lost) for gap in heard.gaps] == [(17, gap.lost), (27, 2)]


async def a_burst_within_the_buffer_is_whole() -> None:
    """1,000 edges while the loop sleeps: all there, no gap; the default buffer of the kernel would keep 32."""
    async with watched() as (_, heard):
        chatter(17, 1_000)
        edges = await heard.until_edges(1_000)
        assert [edge.line_seqno for edge in edges] == list(range(1, 1_001))
        gaps_ns = [after.at_ns - before.at_ns for before, after in pairwise(edges)]
        assert min(gaps_ns) > 0
        assert heard.gaps == []


async def edges_before_the_first_read_are_handed_on() -> None:
    """What happens between the request and the loop's first look at it waits in the kernel; so does what comes last."""
    strips, heard = open_strips(options()), Heard()
    await strips.start(heard)
    chatter(17, 2)
    assert heard.raw == []
    assert [edge.active for edge in await heard.until_edges(2)] == [True, False]
    chatter(17, 3)
    assert len(heard.raw) == 2
    await strips.stop()
    assert [edge.active for edge in heard.edges] == [True, False, True, False, True]
    await hit(17)
    assert len(heard.raw) == 5


async def a_sink_that_fails_gets_the_next_edge() -> None:
    """Nothing that goes wrong with one edge stops the next, nor the devices of gpiozero on the same line."""
    from gpiozero import DigitalInputDevice

    strips, got = open_strips(options()), []

    def failing(raw: RawEdge | RawGap) -> None:
        got.append(raw)
        raise RuntimeError("no room")

    def failing_too() -> None:
        fired.append(1)
        raise RuntimeError("a device's callback")

    fired: list[int] = []
    await strips.start(failing)
    device = DigitalInputDevice(17, pull_up=True, pin_factory=open_factory("gpiod", None))
    device.when_activated = failing_too
    for _ in range(3):
        await hit(17)
    await until(lambda: len(got) == 6 and len(fired) == 3)
    device.close()
    await hit(17)
    await until(lambda: len(got) == 8)
    assert len(fired) == 3
    await strips.stop()


async def gpiozero_devices_work_by_entry_point() -> None:
    """An ordinary program that knows nothing of Trackside, with GPIOZERO_PIN_FACTORY=trackside."""
    program = """
import sys, warnings
warnings.simplefilter("error")
from gpiozero import LED, Button, Buzzer, Device, DigitalInputDevice
from pathlib import Path
value = lambda line: int(Path(f"/run/strips/line{line}/value").read_text())
pull = lambda line, way: Path(f"/run/strips/line{line}/pull").write_text("pull-" + way)
import time
led, buzzer, button, sensor = LED(23), Buzzer(24), Button(5, hold_time=0.2), DigitalInputDevice(6, bounce_time=0.01)
assert type(Device.pin_factory).__name__ == "TracksideFactory", Device.pin_factory
led.on(); assert value(23) == 1 and led.is_lit
led.off(); assert value(23) == 0
led.toggle(); assert value(23) == 1
buzzer.beep(0.02, 0.02, n=2, background=False); assert value(24) == 0
held = []
button.when_held = lambda: held.append(1)
assert not button.is_pressed
pull(5, "down"); assert button.wait_for_press(5); assert button.is_pressed
assert button.wait_for_release(2) is False and held == [1]
pull(5, "up"); assert button.wait_for_release(5)
assert not sensor.value
pull(6, "up"); assert sensor.wait_for_active(5)
button.close(); button = Button(5); pull(5, "down"); assert button.wait_for_press(5)
try: LED(23)
except Exception as error: assert type(error).__name__ == "GPIOPinInUse", error
else: raise AssertionError("two devices on one line")
led.close(); assert value(23) == 0
from gpiozero import PWMLED
try: PWMLED(20)
except Exception as error: assert type(error).__name__ == "PinPWMUnsupported", error
print("all well")
"""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        env={**os.environ, "GPIOZERO_PIN_FACTORY": "trackside"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "all well\n"), done.stderr


async def the_panel_shows_sounds_and_shuts_down() -> None:
    """Lamp on, blinking; a short sound; three seconds on the button run the command, one does not."""
    from timing.stream import Problem
    from timing.strips.panel import HOLD_S, GpioPanel, PanelWiring

    marker = Path("/tmp/powered-off")
    wiring = PanelWiring(lamp=23, buzzer=24, shutdown_button=parse_gpio_line("5", "off"))
    panel = GpioPanel(wiring, lambda: open_factory("gpiod", None), ("touch", str(marker)))
    async with watched() as (_, heard):
        await panel.start()
        assert level(23) == 0
        panel.show(None)
        assert level(23) == 1
        panel.show(Problem.DISK_FULL)
        panel.show(Problem.DISK_FULL)
        await until(lambda: level(23) == 0)
        await until(lambda: level(23) == 1)
        panel.show(None)
        assert level(23) == 1
        panel.crossed()
        panel.crossed()
        assert level(24) == 1
        await until(lambda: level(24) == 0)
        pull(5, "down")
        await asyncio.sleep(HOLD_S - 2)
        pull(5, "up")
        await asyncio.sleep(2.5)
        assert "powered-off" not in os.listdir("/tmp")
        pressed_s = time.monotonic()
        pull(5, "down")
        await until(marker.exists)
        assert time.monotonic() - pressed_s >= HOLD_S
        pull(5, "up")
        await hit(17)
        assert len(await heard.until_edges(2)) == 2
        panel.show(None)
        await panel.stop()
    assert level(23) == 0
    assert not any(line_use(find_chip(None), number).is_used for number in (5, 17, 23, 24, 27))
    assert not [thread for thread in threading.enumerate() if thread.name == "gpio-edges"]


async def a_panel_that_cannot_be_had_stops_nothing() -> None:
    """The lamp's line is held by somebody, the command fails: said in the log, and the rest works."""
    with gpiod.request_lines("/dev/gpiochip0", {23: None}, consumer="somebody"):
        panel = open_panel(options("--lamp", "23", "--buzzer", "24"))
        await panel.start()
        panel.show(None)
        panel.crossed()
        assert level(24) == 1
        await panel.stop()
        assert level(24) == 0


async def a_line_in_use_is_an_error_that_names_its_holder() -> None:
    """Whoever holds it, whichever library asks; nothing else is held afterwards."""
    chip = find_chip(None)
    for backend in backends():
        with gpiod.request_lines("/dev/gpiochip0", {27: None}, consumer="deepracer-timer"):
            await refused(
                ["--gpio-backend", backend],
                "GPIO 27 is held by “deepracer-timer”. Stop that program (a DREM timer: sudo systemctl stop "
                "deepracer-timer), or use another line.",
            )
            assert not line_use(chip, 17).is_used
    async with watched():
        await refused(
            [],
            "GPIO 17 is held by “trackside”. Another recorder of Trackside runs: stop that one, or use it with "
            "--timing-socket.",
        )


async def wrong_lines_and_chips_are_errors_that_say_what_to_do() -> None:
    """A line beyond the last, a label and a device that do not exist, a device that may not be opened."""
    beyond = "/dev/gpiochip0 (pinctrl-bcm2711) has no GPIO 40; its lines are 0 to 27. Correct the number: it is the BCM"
    for backend in backends():
        await refused(["--gpio-lines", "17,40", "--gpio-backend", backend], beyond)
        await refused(
            ["--gpio-chip", "expander", "--gpio-backend", backend],
            "No GPIO chip is labelled expander; there are: pinctrl-bcm2711 (/dev/gpiochip0). Set gpio_chip to one of",
        )
        await refused(
            ["--gpio-chip", "/dev/gpiochip7", "--gpio-backend", backend], "There is no GPIO chip at /dev/gpiochip7."
        )
        await refused(["--gpio-chip", "/dev/null", "--gpio-backend", backend], "/dev/null is not a GPIO chip.")
    await refused(["--gpio-lines", "17,27,17"], "GPIO 17 is set twice: for strip 1 and for strip 3.")
    await refused(["--lamp", "27"], "GPIO 27 is set twice: for strip 2 and for the lamp.")
    for words in (["--gpio-chip", "pinctrl-bcm2711"], ["--gpio-chip", "/dev/gpiochip0"]):
        async with watched(*words) as (_, heard):
            await hit(17)
            assert len(await heard.until_edges(2)) == 2
    program = "import os; from appliance.gpio_chips import find_chip; os.setuid(65534); find_chip(None)"
    os.chown("/dev/gpiochip0", 0, 60)
    os.chmod("/dev/gpiochip0", 0o660)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert "/dev/gpiochip0 may not be opened by this user. Join its group and sign in again:" in done.stderr, (
        done.stderr
    )


async def refused(words: list[str], message: str) -> None:
    with pytest.raises(ApplianceError) as error:
        async with watched(*words):
            pass
    assert str(error.value).startswith(message), str(error.value)


def backends() -> list[str]:
    """lgpio has no package for Python 3.13 and newer; there is only its refusal to prove."""
    return ["gpiod", "lgpio"] if sys.version_info < (3, 13) else ["gpiod"]


async def the_fall_back_reads_the_same_edges() -> None:
    """lgpio: chip by label, kernel stamps, no numbers, and it says so. Its traps are closed."""
    if "lgpio" not in backends():
        await refused(["--gpio-backend", "lgpio"], "The package lgpio cannot be used here: No module named 'lgpio'.")
        return
    from gpiozero import DigitalInputDevice

    here = os.getcwd()
    before = set(os.listdir("/tmp")), set(os.listdir(here))
    words = ("--gpio-backend", "lgpio", "--gpio-lines", "17,27:active-high", "--lamp", "23", "--shutdown-button", "5")
    async with watched(*words) as (strips, heard):
        assert strips.note == "The strips are read by the fall-back lgpio: edges that get lost cannot be noticed."
        panel = open_panel(options(*words))
        await panel.start()
        panel.show(None)
        assert level(23) == 1
        hits = [await hit(17) for _ in range(3)]
        edges = await heard.until_edges(6)
        assert [(edge.line, edge.active, edge.line_seqno) for edge in edges] == [
            (17, True, None),
            (17, False, None),
        ] * 3
        assert_stamped_while_closed(hits, edges)
        pull(27, "up")
        await asyncio.sleep(APART_S)
        pull(27, "down")
        assert [(edge.line, edge.active) for edge in (await heard.until_edges(8))[6:]] == [(27, True), (27, False)]
        # One exception in a callback would end lgpio's only thread, and with it every edge to come.
        device = DigitalInputDevice(6, pull_up=True, pin_factory=open_factory("lgpio", None))
        fired: list[int] = []

        def failing() -> None:
            fired.append(1)
            raise RuntimeError("a device's callback")

        device.when_activated = failing
        for times in (1, 2):
            await hit(6)
            await until(lambda: len(fired) == times)  # noqa: B023
        await hit(17)
        assert len(await heard.until_edges(10)) == 10
    device.close()
    await panel.stop()
    assert level(23) == 0
    assert not any(line_use(find_chip(None), number).is_used for number in (5, 17, 23, 27))
    assert os.getcwd() == here
    assert (set(os.listdir("/tmp")), set(os.listdir(here))) == before
    async with watched(*words) as (_, heard):
        await hit(17)
        assert len(await heard.until_edges(2)) == 2


async def the_doctor_says_what_is_wired_and_who_holds_it() -> None:
    """From another process, as an operator asks: free, read by a recorder through either library, held by others."""
    assert doctor() == {
        "strips": "ok GPIO 17 (Left), GPIO 27 (strip 2) on /dev/gpiochip0 (pinctrl-bcm2711).",
        "GPIO 17": "ok Left, pull-up, active-low: free.",
        "GPIO 27": "ok strip 2, pull-up, active-low: free.",
    }
    for backend in backends():
        async with watched("--gpio-backend", backend):
            found = await asyncio.to_thread(doctor)
            assert found["GPIO 17"] == "ok Left, pull-up, active-low: read by a recorder.", (backend, found)
    with gpiod.request_lines("/dev/gpiochip0", {27: None}, consumer="deepracer-timer"):
        assert (await asyncio.to_thread(doctor))["GPIO 27"] == "PROBLEM GPIO 27 is held by “deepracer-timer”."


def doctor() -> dict[str, str]:
    """What `trackside doctor` says of the strips."""
    said = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "doctor", "--data", "/tmp/none"],
        env={**os.environ, "TRACKSIDE_STRIPS": "gpio", "TRACKSIDE_GPIO_LINES": "17=Left,27"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    found = [line.partition(": ") for line in said.splitlines() if line.startswith(("ok", "PROBLEM"))]
    return {head.split(maxsplit=1)[1]: f"{head.split()[0]} {message}" for head, _, message in found}


async def a_chip_that_vanishes_ends_the_recorder() -> None:
    """A USB adapter pulled out: said once, the process is told to end, and nothing spins."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with watched() as (_, heard):
        await hit(17)
        await heard.until_edges(2)
        await asyncio.to_thread(Path("/sys/kernel/config/gpio-sim/strips/live").write_text, "0")
        async with asyncio.timeout(DEADLINE_S):
            await told.wait()
        used_s = time.process_time()
        await asyncio.sleep(0.5)
        assert time.process_time() - used_s < 0.2


async def a_killed_recorder_leaves_the_lines_free() -> None:
    """kill -9, and the next start has the lines at once; its numbers begin at 1 again, without a false gap."""
    program = "import asyncio, tests.faults.guest_gpio as g; asyncio.run(g.hold_for_ever())"
    for _ in range(3):
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        assert child.stdout is not None
        assert await child.stdout.readline() == b"held\n"
        await hit(17)
        child.send_signal(signal.SIGKILL)
        await child.wait()
        async with watched() as (_, heard):
            await hit(17)
            assert [edge.line_seqno for edge in await heard.until_edges(2)] == [1, 2]
            assert heard.gaps == []


async def hold_for_ever() -> None:
    """What the killed process above does."""
    async with watched():
        print("held", flush=True)
        await asyncio.Event().wait()


async def a_strip_is_read_as_gpiozero_reads_it_but_never_driven() -> None:
    """A device on a strip's line sees the same edges and cannot change how the strip is read."""
    from gpiozero import LED, Button, DigitalInputDevice
    from gpiozero.exc import PinFixedPull, PinInvalidBounce, PinInvalidFunction

    factory = open_factory("gpiod", None)
    async with watched() as (_, heard):
        button = Button(17, pin_factory=factory)
        changes: list[str] = []
        button.when_pressed, button.when_released = lambda: changes.append("down"), lambda: changes.append("up")
        await hit(17)
        await until(lambda: changes == ["down", "up"])
        assert len(heard.edges) == 2
        button.close()
        with pytest.raises(PinInvalidFunction):
            LED(17, pin_factory=factory)
        with pytest.raises(PinFixedPull):
            DigitalInputDevice(27, pull_up=False, pin_factory=factory)
        with pytest.raises(PinInvalidBounce):
            Button(27, bounce_time=0.01, pin_factory=factory)
        await hit(17)
        await hit(27)
        assert len(await heard.until_edges(6)) == 6


CASES = {
    case.__name__: case
    for case in (
        edges_are_what_the_kernel_stamped,
        all_lines_are_one_request,
        a_board_that_drives_its_line_is_active_high,
        both_strips_at_once_keep_their_own_stamps,
        a_burst_past_the_buffer_is_a_gap,
        a_burst_within_the_buffer_is_whole,
        edges_before_the_first_read_are_handed_on,
        a_sink_that_fails_gets_the_next_edge,
        gpiozero_devices_work_by_entry_point,
        the_panel_shows_sounds_and_shuts_down,
        a_panel_that_cannot_be_had_stops_nothing,
        a_line_in_use_is_an_error_that_names_its_holder,
        wrong_lines_and_chips_are_errors_that_say_what_to_do,
        the_fall_back_reads_the_same_edges,
        the_doctor_says_what_is_wired_and_who_holds_it,
        a_chip_that_vanishes_ends_the_recorder,
        a_killed_recorder_leaves_the_lines_free,
        a_strip_is_read_as_gpiozero_reads_it_but_never_driven,
    )
}


def main(case: str) -> None:
    """One case."""
    logging.basicConfig(level=logging.INFO)
    asyncio.run(CASES[case]())


if __name__ == "__main__":
    main(sys.argv[2])
