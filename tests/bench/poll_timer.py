"""
A timer as DREM's is, for comparison: looks at its lines every 10 ms and stamps what it finds with the wall clock.

Written from what is known of its timer.js (one poll of all lines every 10 ms, a lap where a line was low and is high,
`Date.now()`, a lock-out for each sensor on its own), not taken from it. Prints one JSON line per lap.

    python -m tests.bench.poll_timer CHIP LOCKOUT_MS LINE…
"""

import json
import sys
import time

import gpiod
from gpiod.line import Bias, Direction, Value

POLL_S = 0.010


def main(chip: str, lockout_ms: int, lines: list[int]) -> None:
    """For ever."""
    wired = gpiod.LineSettings(direction=Direction.INPUT, bias=Bias.PULL_UP, active_low=True)
    with gpiod.request_lines(chip, consumer="poll-timer", config={tuple(lines): wired}) as request:
        print("ready", flush=True)
        was = dict.fromkeys(lines, Value.INACTIVE)
        lapped_ms = dict.fromkeys(lines, 0)
        due_s = time.monotonic()
        while True:
            values = request.get_values(lines)
            for line, value in zip(lines, values, strict=True):
                now_ms = time.time_ns() // 1_000_000
                rising = value is Value.ACTIVE and was[line] is Value.INACTIVE
                if rising and now_ms - lapped_ms[line] >= lockout_ms:
                    lapped_ms[line] = now_ms
                    print(json.dumps({"event": "lap", "timestamp": now_ms, "gpio": line}), flush=True)
                was[line] = value
            due_s = max(due_s + POLL_S, time.monotonic())
            time.sleep(max(0.0, due_s - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(word) for word in sys.argv[3:]])
