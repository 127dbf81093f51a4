"""
Inside the private kernel: ends as a kernel does that broke down by itself, so many times.

    python -m tests.faults.guest_breaking SHARE TIMES WORDS
"""

import sys
from pathlib import Path

from tests.faults.gpiolab.gpiolab import NOT_STARTED


def main(share: Path, times: int, words: str) -> int:
    """Another end each boot: what happened before is on the share."""
    boots = share / "boots"
    before = len(boots.read_bytes()) if boots.exists() else 0
    boots.write_bytes(b"." * (before + 1))
    if before >= times:
        return 0
    print(words, flush=True)
    return NOT_STARTED


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
