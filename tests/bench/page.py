"""
The bytes of a first visit to the board: the page and everything it links, as they are on the wire, and time to answer.

A phone that was never here before; 24 racers have raced. HTTP heads are counted too: they cross the air like the rest.
"""

import asyncio
import gzip
import re
import tempfile
import time
from pathlib import Path

from appliance.demo_client import Api
from tests.bench.common import percentile, print_result
from tests.faults.box import Box, running_box

RACERS = 24
VISITS = 30
LINKED = re.compile(r'<(?:script|img)[^>]+src="([^"]+)"|<link[^>]+href="([^"]+)"|<use[^>]+href="([^"#]+)')
IMPORTED = re.compile(r'(?:from|import)\s*\(?"(\.{1,2}/[^"]+)"')


async def main() -> None:
    """Measure and print; the last line is the result."""
    with tempfile.TemporaryDirectory() as directory:
        async with running_box(Path(directory) / "box") as (box, api):
            address = f"/events/{await raced_event(api)}/board"
            sizes = await first_visit(box, address)
            times_ms = [await answer_ms(box, address) for _ in range(VISITS)]
    print_result(
        "page",
        first_visit_bytes=sum(sizes.values()),
        page_bytes=sizes[address],
        requests=len(sizes),
        page_p50_ms=round(percentile(times_ms, 50), 1),
        page_p95_ms=round(percentile(times_ms, 95), 1),
        parts={re.sub(r"^/static/\w+/", "", path): size for path, size in sizes.items()},
    )


async def raced_event(api: Api) -> str:
    """An event in which everybody has raced once."""
    rules = {"min_lap_ms": 0}
    event = await api.send("POST", "/api/events", {"name": "First visit", "rules": rules})
    event_id, track_id = event["event_id"], event["tracks"][0]["track_id"]
    for number in range(RACERS):
        racer = await api.send("POST", "/api/racers", {"username": f"racer-{number:02}", "country": "DE"})
        race = await api.create_race(event_id, track_id, racer["racer_id"])
        for kind in ("start", "lap", "lap", "end", "submit"):
            await api.act(race.race_id, kind)
    return str(event_id)


async def first_visit(box: Box, address: str) -> dict[str, int]:
    """Each address that a browser with an empty cache fetches, and its bytes with the head."""
    sizes: dict[str, int] = {}
    wanted = [address]
    while wanted:
        path = wanted.pop()
        if path in sizes:
            continue
        head, body = await fetch(box, path)
        sizes[path] = len(head) + len(body)
        text = plain(head, body)
        wanted += [next(filter(None, found)) for found in LINKED.findall(text)] if path == address else []
        wanted += [resolved(path, name) for name in IMPORTED.findall(text)] if path.endswith(".js") else []
    return sizes


async def fetch(box: Box, path: str) -> tuple[bytes, bytes]:
    """One answer as it is on the wire."""
    reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: box\r\nAccept: text/html\r\nAccept-Encoding: gzip, deflate\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 200"), (path, head[:80])
    return head + b"\r\n\r\n", body


def plain(head: bytes, body: bytes) -> str:
    """The text of an answer; empty for a picture."""
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        body = unchunked(body)
    if b"content-encoding: gzip" in lower:
        body = gzip.decompress(body)
    return body.decode(errors="replace")


def unchunked(body: bytes) -> bytes:
    """The chunks' content."""
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        out += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return out


def resolved(path: str, name: str) -> str:
    """A module's address from the one that imports it."""
    parts = path.split("/")[:-1]
    for word in name.split("/"):
        parts = parts[:-1] if word == ".." else parts if word == "." else [*parts, word]
    return "/".join(parts)


async def answer_ms(box: Box, path: str) -> float:
    """From asking to the last byte."""
    begin = time.perf_counter()
    await fetch(box, path)
    return (time.perf_counter() - begin) * 1000


if __name__ == "__main__":
    asyncio.run(main())
