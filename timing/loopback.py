"""
The loop-back test: how far apart the strips' stamps are when one wire hits them both (docs/hardware.md).

    python -m timing.loopback [--socket PATH] [--output 22] [--inputs 17,27] [--hits 500] [--chip LABEL]

Drives one GPIO line as an output and reads what the running recorder makes of it, over its stream like any other
client; the edges stay in its memory as hits of those strips. Prints its figures as JSON.
"""

import argparse
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import gpiod
import msgspec
from gpiod.line import Direction, Value
from msgspec import Struct

from appliance.errors import ApplianceError, NotReady
from appliance.gpio_chips import CONSUMER, find_chip
from timing.stream import PROTOCOL, ClientHello, Clock, Edge, Gap, Level, RecorderHello, decode_recorder_line, encode

HOLD_S = 0.03
"""Down and up 30 ms each: far from anything that could merge."""
QUIET_CLOCKS = 3
"""One each second."""
PATIENCE_S = 10.0
"""A slow card makes edges durable in less."""


class Spread(Struct, frozen=True, kw_only=True):
    """Microseconds, sorted: the middle, one in a hundred, the worst."""

    p50_us: float
    p99_us: float
    max_us: float


class Figures(Struct, frozen=True, kw_only=True):
    """
    What was measured.

    `apart`: between the stamps of one hit on the strips. `late`: from the call that drives the output to the first
    stamp. `interval`: the error of the time from one hit to the next against the output's own, as in a lap.
    """

    hits: int
    missed: int
    lost: int
    apart: Spread
    late: Spread
    interval: Spread


def figures(driven_ns: Sequence[int], stamps: Sequence[Sequence[int]], *, lost: int) -> Figures:
    """
    Sum up.

    Args:
        driven_ns: When the output was driven, rising.
        stamps: For each input the stamps of its presses, rising; one is taken for each hit, the first before the next.
    """
    hits, missed = [], 0
    for number, at_ns in enumerate(driven_ns):
        until_ns = driven_ns[number + 1] if number + 1 < len(driven_ns) else at_ns + 10**9
        found = [next((one for one in line if at_ns <= one < until_ns), None) for line in stamps]
        whole = [one for one in found if one is not None]
        missed += len(found) - len(whole)
        if len(whole) == len(found):
            hits.append((at_ns, whole))
    if len(hits) < 2:
        raise NotReady(
            f"{len(hits)} of {len(driven_ns)} hits arrived on every input.",
            "Check both wires and the pins they are on.",
        )
    return Figures(
        hits=len(driven_ns),
        missed=missed,
        lost=lost,
        apart=_spread([max(line) - min(line) for _, line in hits]),
        late=_spread([min(line) - at_ns for at_ns, line in hits]),
        interval=_spread([abs((b[1][0] - a[1][0]) - (b[0] - a[0])) for a, b in pairwise(hits)]),
    )


def measure(path: Path, chip: str | None, output: int, inputs: Sequence[int], hits: int) -> Figures:
    """
    Hit and listen.

    Raises:
        ApplianceError: no recorder, no such line, or the wires are not there.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE_S)
        try:
            sock.connect(str(path))
        except OSError as error:
            raise NotReady(
                f"No recorder answers at {path}: {error.strerror}.", "Start it, as root say sudo."
            ) from error
        sock.sendall(encode(ClientHello(protocol=PROTOCOL, after=None)))
        with sock.makefile("rb") as stream:
            messages = (message for line in stream if (message := decode_recorder_line(line)) is not None)
            hello = next(messages)
            known = {line.line for line in hello.lines} if isinstance(hello, RecorderHello) else set()
            if not known.issuperset(inputs):
                raise NotReady(f"The recorder's lines are {sorted(known)}.", "Name them with --inputs.")
            stamps: dict[int, list[int]] = {line: [] for line in inputs}
            lost = 0
            with ThreadPoolExecutor(1) as pool:
                driving = pool.submit(_drive, find_chip(chip).path, output, hits)
                for message in _until_quiet(messages, driving):
                    if isinstance(message, Gap):
                        lost += message.lost
                    elif message.edge == Level.ACTIVE and message.line in stamps:
                        stamps[message.line].append(message.at_ns)
    return figures(driving.result(), list(stamps.values()), lost=lost)


def _drive(chip: Path, output: int, hits: int) -> list[int]:
    """Pull the inputs to ground again and again; when, on the kernel's monotonic clock."""
    wanted = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.ACTIVE)
    driven_ns = []
    with gpiod.request_lines(str(chip), config={output: wanted}, consumer=CONSUMER) as request:
        for _ in range(hits):
            time.sleep(HOLD_S)
            driven_ns.append(time.monotonic_ns())
            request.set_value(output, Value.INACTIVE)
            time.sleep(HOLD_S)
            request.set_value(output, Value.ACTIVE)
        time.sleep(HOLD_S)
    return driven_ns


def _until_quiet(messages: Iterator[object], driving: Future[list[int]]) -> Iterator[Edge | Gap]:
    """Edges and gaps, until three clocks of after the driving came without one: by then all is durable and sent."""
    clocks = 0
    for message in messages:
        if isinstance(message, Edge | Gap):
            clocks = 0
            yield message
        elif isinstance(message, Clock) and driving.done():
            clocks += 1
            if clocks == QUIET_CLOCKS:
                return


def _spread(values_ns: Sequence[int]) -> Spread:
    ordered = sorted(values_ns)
    at = [ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], ordered[-1]]
    p50, p99, most = (round(value / 1000, 1) for value in at)
    return Spread(p50_us=p50, p99_us=p99, max_us=most)


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m timing.loopback", description="Measure the stamps of the strips.")
    parser.add_argument("--socket", type=Path, default=Path("/run/trackside/timing.sock"), help="the recorder's")
    parser.add_argument("--chip", help="label or device; the Raspberry Pi's header is found by itself")
    parser.add_argument("--output", type=int, default=22, help="the BCM number that drives (default 22)")
    parser.add_argument("--inputs", default="17,27", help="the strips that it drives (default 17,27)")
    parser.add_argument("--hits", type=int, default=500, help="default 500, which takes half a minute")
    options = parser.parse_args(arguments)
    inputs = [int(word) for word in options.inputs.split(",")]
    try:
        found = measure(options.socket, options.chip, options.output, inputs, options.hits)
    except ApplianceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
