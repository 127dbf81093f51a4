"""
What a stand-in car with the community's software records while it drives: a folder each, called as theirs are.

The stock software records nothing. Times are of the car's own clock, in names and on the files.
"""

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cars.standin.machine import Machine

BYTES_PER_S = 400_000
"""Of a camera at 15 pictures a second, scaled down to what a demo can bear."""
LONGEST_S = 60
METADATA = "rosbag2_bagfile_information:\n  version: 4\n  storage_identifier: mcap\n"


def drive(machine: "Machine", *, is_on: bool) -> None:
    """It begins or ceases to drive by itself: what it says of that, and what it records."""
    with machine.lock:
        was_on, machine.is_driving = machine.is_driving, is_on
        if was_on != is_on:
            words = f"Drives {machine.folder or 'without a model'}." if is_on else "Stands."
            machine.journal.append(f"{machine.host_name} deepracer-core[1]: {words}")
        if is_on and not was_on:
            machine.drive_began_s = machine.now_s()
        elif was_on and not is_on and machine.profile.is_community and machine.folder:
            _write(machine)


def _write(machine: "Machine") -> None:
    began_s, ended_s = machine.drive_began_s, machine.now_s()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(began_s))
    bag = machine.root / "opt/aws/deepracer/logs" / f"{machine.folder}-{stamp}"
    bag.mkdir(parents=True, exist_ok=True)
    (bag / "metadata.yaml").write_text(METADATA)
    size = int(BYTES_PER_S * min(max(ended_s - began_s, 1), LONGEST_S))
    (bag / f"{bag.name}_0.mcap").write_bytes(os.urandom(1 << 16) * (size >> 16) + os.urandom(size & 0xFFFF))
    for path in (*bag.iterdir(), bag):
        os.utime(path, (ended_s, ended_s))
