"""The logs of a race on the whole way: fetched by the crew over the API, and compared with what lies on the car."""

import hashlib
import io
import tarfile
from dataclasses import dataclass

from tests.cars.hall import Car
from tests.cars.whole_way import CREW, Json, Way

LOGS = "/opt/aws/deepracer/logs"
JOURNAL = "deepracer-core.log"

Files = dict[str, tuple[int, str]]
"""By name: size and SHA-256. Of megabytes that differ nobody wants to read the difference."""


@dataclass(frozen=True)
class Fetched:
    """What the box says of them, and what is in the tar that it hands out."""

    view: Json
    files: Files
    journal: str


async def fetched_logs(way: Way, race_id: str) -> Fetched:
    """Ask for the logs of a race, and download them once the box has them."""
    asked = await way.ask("POST", "/api/logs", {"race_id": race_id}, status=201)
    path = f"/api/logs/{asked['log_id']}"

    async def look() -> Json | None:
        view: Json = await way.ask("GET", path)
        return None if view["ended_at"] is None else view

    view = await way.until(look)
    assert (view["state"], view["reason"], view["remedy"]) == ("stored", None, None), view
    tar = (await way.site.send(CREW, "GET", f"{path}/file")).content
    assert len(tar) == view["size_bytes"] == view["got_bytes"]
    contents = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                contents[member.name] = file.read()
    return Fetched(view, {name: shown(data) for name, data in contents.items()}, contents[JOURNAL].decode())


async def recorded_on(car: Car) -> Files:
    """Every file of every recording on the car's own disk, and what its journal has of the car's software."""
    logs = car.path(LOGS)
    files = {str(file.relative_to(logs)): shown(file.read_bytes()) for file in logs.rglob("*") if file.is_file()}
    journal = (await car.run("journalctl -q -u deepracer-core")).out
    return files | {JOURNAL: shown(journal.encode())}


def shown(data: bytes) -> tuple[int, str]:
    return len(data), hashlib.sha256(data).hexdigest()
