"""Cases of guest_gpio.py: every edge of a strip is handed on as the kernel stamped it, or counted as lost."""

import asyncio
import os
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

import gpiod

from appliance.gpio_chips import CONSUMER, find_chip, line_use
from tests.faults.gpio_lines import (
    APART_S,
    DEADLINE_S,
    Heard,
    assert_stamped_while_closed,
    backends,
    chatter,
    hit,
    level,
    options,
    pull,
    refused,
    until,
    watched,
)
from timing.strips import RawEdge, RawGap
from timing.strips.choose import open_panel, open_strips
from timing.strips.gpio_pins.opening import open_factory
from timing.strips.gpio_pins.requests import EVENT_BUFFER_SIZE


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
    program = "import asyncio, tests.faults.gpio_edges as g; asyncio.run(g.hold_for_ever())"
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
