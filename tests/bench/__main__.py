"""`make bench`: every benchmark, or the ones named, each in a process of its own: none warms another's caches."""

import os
import subprocess
import sys

NAMES = (
    "durable",
    "startup",
    "board",
    "page",
    "fanout",
    "edges",
    "timer-vs-poll",
    "recorder-size",
    "tui",
    "intake",
    "find",
    "push",
)


def main(names: list[str]) -> int:
    """Run them; the worst exit status."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"There is no benchmark {unknown[0]}. Use one of: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    os.environ.setdefault("TRACKSIDE_ANNOUNCE", "false")  # nobody at the track is to take it for the box
    worst = 0
    for name in names or NAMES:
        print(f"== {name}", flush=True)
        module = f"tests.bench.{name.replace('-', '_')}"
        worst = max(worst, subprocess.run([sys.executable, "-m", module], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
