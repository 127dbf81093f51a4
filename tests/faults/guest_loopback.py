"""
The loop-back test inside the private kernel: `python -m tests.faults.guest_loopback SHARE`.

Its wires are a thread here that pulls both strips the way the output goes; the simulation moves a line a tick later.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path

STRIPS = Path("/run/strips")
HITS = 20
TICKS_US = 5_000
"""The simulated lines move with the kernel's timer, a thousand times a second, one after the other."""


def be_wires(stop: threading.Event) -> None:
    """Both strips' contacts follow the output."""
    output, last = STRIPS / "line22/value", ""
    while not stop.is_set():
        level = output.read_text().strip()
        if level != last:
            for line in (17, 27):
                (STRIPS / f"line{line}/pull").write_text("pull-up" if level == "1" else "pull-down")
            last = level
        stop.wait(0.001)


def main(share: Path) -> None:
    """Start a recorder, wire it, measure."""
    for line in (17, 27):
        (STRIPS / f"line{line}/pull").write_text("pull-up")
    path = share / "timing.sock" if len(str(share)) < 80 else Path("/run/timing.sock")
    command = [sys.executable, "-m", "appliance.cli", "recorder", "--data", "/run/box", "--socket", str(path)]
    with subprocess.Popen([*command, "--strips", "gpio"], stdout=subprocess.PIPE, text=True) as recorder:
        assert recorder.stdout is not None
        assert recorder.stdout.readline().startswith("recorder ready ")
        stop = threading.Event()
        wires = threading.Thread(target=be_wires, args=(stop,))
        wires.start()
        try:
            measuring = [sys.executable, "-m", "timing.loopback", "--socket", str(path), "--hits", str(HITS)]
            done = subprocess.run(measuring, capture_output=True, text=True, check=False, timeout=60)
        finally:
            stop.set()
            wires.join()
            recorder.terminate()
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    found = json.loads(done.stdout)
    assert (found["hits"], found["missed"], found["lost"]) == (HITS, 0, 0)
    assert 0 < found["apart"]["p50_us"] < TICKS_US


if __name__ == "__main__":
    main(Path(sys.argv[1]))
