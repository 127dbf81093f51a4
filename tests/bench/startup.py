"""
From `trackside serve` to its first page, as a person who starts it sees it; with an empty box and with a used one.

The time is from the command to the last byte of the page.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from appliance.demo_client import Api
from tests.bench.common import percentile, print_result
from tests.faults.box import PASSWORD, Box, add_user
from tests.faults.driver import make_event, make_racer

PAUSE_S = 0.005


async def first_page_s(box: Box) -> float:
    """Start the box and ask for the home page until it comes."""
    begun = time.perf_counter()
    box.start()
    async with httpx.AsyncClient(base_url=box.url, trust_env=False, timeout=30) as phone:
        while True:
            try:
                answer = await phone.get("/")
            except httpx.TransportError:
                await asyncio.sleep(PAUSE_S)
                continue
            assert answer.status_code == 200
            return time.perf_counter() - begun


async def run(data: Path, starts: int) -> dict[str, object]:
    """The very first start, then as many again."""
    add_user(data, "crew", "admin")
    box = Box(data)
    first = await first_page_s(box)
    async with Api(box.url) as api:
        await api.sign_in("crew", PASSWORD)
        await make_event(api)
        await make_racer(api, "Ada")
    box.stop()
    times = []
    for _ in range(starts):
        times.append(await first_page_s(box))
        box.stop()
    return {
        "starts": starts,
        "first_s": round(first, 2),
        "p50_s": round(percentile(times, 50), 2),
        "max_s": round(max(times), 2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        print_result("startup", **asyncio.run(run(Path(directory) / "data", options.starts)))


if __name__ == "__main__":
    main()
