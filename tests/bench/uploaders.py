"""
Senders of models in one process of their own, each as the page of a phone sends: pieces grow while the link is quick.

`python -m tests.bench.uploaders URL FILE…` sends all files at once and prints one JSON line for each: when its first
byte went, when its last was acknowledged, and when its model was shown as AVAILABLE, in ns of CLOCK_MONOTONIC.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from tests.faults.box import PASSWORD

FIRST_PIECE_BYTES = 256 * 1024
"""As web/static/js/transfer.js begins; it doubles while a piece takes less than three quarters of a second."""
QUICK_S = 0.75
LOOK_S = 0.02
"""Between two looks at the list of models: one request for all of them, so that looking is no load of its own."""
LOOKS = {"status": "AVAILABLE", "limit": "20"}


class Senders:
    """All of them, as the crew: the models are the box's own, which have no quota."""

    def __init__(self, http: httpx.AsyncClient, count: int) -> None:
        self._http = http
        self._left = count
        self._acked_ns: dict[str, int] = {}
        self._available_ns: dict[str, int] = {}

    async def send(self, path: Path) -> dict[str, Any]:
        """One file, to its end; what became of it, and when."""
        data = await asyncio.to_thread(path.read_bytes)
        new = {"file_name": path.name, "size_bytes": len(data), "racer_id": None}
        began_ns = time.monotonic_ns()
        upload = await self._ask("POST", "/api/uploads", json=new)
        size = FIRST_PIECE_BYTES
        while upload["model_id"] is None:
            offset, began_s = upload["offset"], time.monotonic()
            piece = data[offset : offset + size]
            upload = await self._ask("PUT", f"/api/uploads/{upload['upload_id']}?offset={offset}", content=piece)
            if time.monotonic() - began_s < QUICK_S:
                size = min(size * 2, upload["chunk_bytes"])
        self._acked_ns[upload["model_id"]] = acked_ns = time.monotonic_ns()
        return {"model_id": upload["model_id"], "bytes": len(data), "began_ns": began_ns, "acked_ns": acked_ns}

    async def watch(self) -> dict[str, int]:
        """When each model was first seen to be AVAILABLE, once all are."""
        while len(self._acked_ns.keys() & self._available_ns.keys()) < self._left:
            await asyncio.sleep(LOOK_S)
            for model in await self._ask("GET", "/api/models", params=LOOKS):
                self._available_ns.setdefault(model["model_id"], time.monotonic_ns())
        return self._available_ns

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = await self._http.request(method, path, **more)
        assert answer.status_code < 300, (answer.status_code, answer.text)
        return answer.json()


async def main(url: str, paths: list[Path]) -> None:
    """Send all and say when."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=120) as http:
        signed_in = await http.post("/api/session", json={"username": "crew", "password": PASSWORD})
        http.headers["authorization"] = f"Bearer {signed_in.json()['token']}"
        senders = Senders(http, len(paths))
        watching = asyncio.create_task(senders.watch())
        sent = await asyncio.gather(*(senders.send(path) for path in paths))
        available_ns = await watching
        for one in sent:
            print(json.dumps({**one, "available_ns": available_ns[one["model_id"]]}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], [Path(argument) for argument in sys.argv[2:]]))
