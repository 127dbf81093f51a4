"""`python -m tests.tui.finder_watch`: a real finder as a program of its own; writes a JSON line at each change."""

import asyncio
import sys
from pathlib import Path

import msgspec

from tui.finder import Finder


async def main(sockets: list[str]) -> None:
    """Look until killed."""

    def tell() -> None:
        sys.stdout.write(f"{msgspec.json.encode(finder.boxes).decode()}\n")
        sys.stdout.flush()

    finder = Finder(tell, sockets=[Path(one) for one in sockets])
    tell()
    await finder.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
