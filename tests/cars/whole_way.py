"""
The whole way as a crew goes it, over the API of a real box: find a car, pair it, push a model, race, stop, let it go.

`async with whole_way(directory) as way`: a hall of stand-ins, the box's own rooms and server, its recorder and a strip,
and somebody of the crew. Nothing is waited for by the clock: the box's facts wake whoever waits.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from appliance.ids import new_id
from appliance.people import NewRacer
from appliance.permissions import Role
from appliance.serve import opened_house
from appliance.settings import load
from cars.facts import CarsChanged, CommandsChanged, LogsChanged, PushesChanged
from cars.finder.addresses import CarNetwork
from tests.cars.hall import Car, Hall
from tests.cars.model_samples import model_archive
from tests.cars.way_strip import SETTINGS, Strip, recorded_strip
from tests.web.conftest import Site, serving
from tests.web.sending import Sender, looked_into
from timing.facts import RaceChanged

PATIENCE_S = 90
NEW_PASSWORD = "Trackside-2026-hall"
OPT_BYTES = 400_000_000
"""Room for a model beside the 200 MB that stay free on a car."""
MODEL_BYTES = 400_000
CREW = Role.ADMIN.value
RED, WHITE = [9_999_825, 0, 0], [9_999_825] * 3
"""The tail light as the car's software has it."""
LAPS = 2
RULES = {"lockout_ms": 0}
"""No car of a test takes two seconds for a lap: each press of the strip counts."""

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Model:
    """A racer's model as the box has it; `folder` is what it is called on a car."""

    model_id: str
    folder: str
    pb_sha256: str
    size_bytes: int


class Way:
    """A box in a hall, and whoever of the crew stands at it."""

    def __init__(self, site: Site, hall: Hall, strip: Strip, event_id: str, racer_id: str) -> None:
        self.site, self.hall, self.strip = site, hall, strip
        self.event_id, self.racer_id = event_id, racer_id
        self._waiting: set[asyncio.Event] = set()
        for fact in (CarsChanged, PushesChanged, CommandsChanged, LogsChanged, RaceChanged):
            site.house.facts.subscribe(fact, self._tell_news)

    def _tell_news(self, _: object) -> None:
        for news in self._waiting:
            news.set()

    async def ask(self, method: str, path: str, body: Json | None = None, *, status: int = 200) -> Any:
        """One call of the API; it must be answered so."""
        arguments = {} if body is None else {"json": body}
        answer = await self.site.send(CREW, method, path, **arguments)
        assert answer.status_code == status, (method, path, answer.text)
        return answer.json()

    async def until(self, look: Callable[[], Awaitable[T | None]]) -> T:
        """What it answers, once that is something; it looks again whenever anything has changed in the box."""
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (seen := await look()) is None:
                    await news.wait()
                    news.clear()
                return seen
        except TimeoutError:
            raise AssertionError(await self.ask("GET", "/api/pushes?open=true")) from None
        finally:
            self._waiting.remove(news)

    # cars

    async def car(self, profile: str, **more: Any) -> Car:
        """A stand-in with room for models."""
        return await self.hall.car(profile, opt_bytes=OPT_BYTES, **more)

    async def found(self, car: Car) -> Json:
        """Look around, and knock at every address, until the car is in the list of those that can be paired."""
        await self.ask("POST", "/api/cars/look", {"everywhere": True}, status=202)

        async def look() -> Json | None:
            strangers: list[Json] = (await self.ask("GET", "/api/cars/found"))["strangers"]
            return next((one for one in strangers if one["sightings"][0]["address"] == car.address), None)

        return await self.until(look)

    async def pairing(self, car: Car, name: str = "", **typed: Any) -> Json:
        """Pair it with the password of its sticker; the pairing, once nothing runs any more."""
        known: Json = {"console_password": car.console_password, "new_password": NEW_PASSWORD, "name": name}
        if car.profile.password != "deepracer":
            known |= {"password": car.password, "username": car.username}
        begun = await self.ask("POST", "/api/cars", {"address": car.address} | known | typed, status=202)

        async def look() -> Json | None:
            view: Json = await self.ask("GET", f"/api/cars/pairings/{begun['pairing_id']}")
            return None if view["is_running"] else view

        return await self.until(look)

    async def paired(self, car: Car, name: str = "Blue 1", **typed: Any) -> str:
        """The same; it must be paired, and is there."""
        view = await self.pairing(car, name, **typed)
        assert view["car_id"] is not None, view
        paired = await self.ask("GET", f"/api/cars/{view['car_id']}")
        assert (paired["serial"], paired["host_key"]) == (car.serial.upper(), car.host_key)
        return str(view["car_id"])

    async def is_online(self, car_id: str, *, at: str | None = None, is_so: bool = True) -> None:
        """Wait until it is there, at this address; or until it is known to be away."""

        async def look() -> bool | None:
            car = await self.ask("GET", f"/api/cars/{car_id}")
            return True if car["is_online"] is is_so and at in (None, car["address"]) else None

        await self.until(look)

    async def history(self, car_id: str) -> list[tuple[str, str]]:
        """Kind and words of everything that happened to a car, oldest first."""
        lines = await self.ask("GET", f"/api/cars/{car_id}/history?limit=200")
        return [(line["kind"], line["details"]) for line in reversed(lines)]

    # models

    async def model(self, seed: int = 0, pb_bytes: int = MODEL_BYTES) -> Model:
        """A racer uploads one, and the box finds it fit."""
        archive = await asyncio.to_thread(model_archive, pb_bytes=pb_bytes, seed=seed)
        view = await looked_into(self.site, await Sender(self.site).send(archive, f"fast-{seed}.tar.gz"))
        assert view.facts is not None, view.reason
        size = view.facts.pb_bytes + view.facts.metadata_bytes
        return Model(view.model_id, f"ann-fast-{seed}", view.facts.pb_sha256, size)

    async def push(self, car_id: str, model: Model) -> str:
        """Ask for it; answers the push's id."""
        (push,) = await self.ask(
            "POST", "/api/pushes", {"car_ids": [car_id], "model_ids": [model.model_id]}, status=201
        )
        return str(push["push_id"])

    async def push_that(self, push_id: str, is_so: Callable[[Json], bool]) -> Json:
        """The push, once it is so."""

        async def look() -> Json | None:
            view: Json = await self.ask("GET", f"/api/pushes/{push_id}")
            return view if is_so(view) else None

        return await self.until(look)

    async def ended(self, push_id: str) -> Json:
        """The push, once it has ended."""
        return await self.push_that(push_id, lambda view: view["ended_at"] is not None)

    async def pushed(self, car_id: str, car: Car, model: Model) -> None:
        """A model is brought, and is proven on the car's disk and in the box's list."""
        view = await self.ended(await self.push(car_id, model))
        assert (view["state"], view["reason"], view["folder"]) == ("done", None, model.folder), view
        await self.holds(car_id, car, model)

    async def holds(self, car_id: str, car: Car, model: Model) -> None:
        """The car's disk has it, whole, and the box reads it from there."""
        assert held_by(car, model) == model.pb_sha256
        listed = (await self.ask("GET", f"/api/cars/{car_id}/models"))["models"]
        assert [one["model_id"] for one in listed if one["folder"] == model.folder] == [model.model_id]

    # commands

    async def tell(self, car_id: str, verb: str, **fields: Any) -> Json:
        """Ask a car something; what became of it."""
        body = {"verb": verb, "command_id": new_id(), "car_ids": [car_id], **fields}
        await self.ask("POST", "/api/cars/commands", body, status=201)

        async def look() -> Json | None:
            (view,) = await self.ask("GET", f"/api/cars/commands/{body['command_id']}")
            return None if view["state"] == "asked" else dict(view)

        return await self.until(look)

    async def did(self, car_id: str, verb: str, **fields: Any) -> None:
        """The same; the car must have done it."""
        view = await self.tell(car_id, verb, **fields)
        assert (view["state"], view["remedy"]) == ("done", None), view

    async def told(self, car_id: str, *words: str) -> None:
        """Wait until the car's newest commands are exactly these, the oldest first, and all answered."""

        async def look() -> bool | None:
            newest = (await self.ask("GET", f"/api/cars/{car_id}/commands"))[: len(words)]
            is_so = sorted(view["words"] for view in newest if view["state"] == "done") == sorted(words)
            return True if is_so else None

        await self.until(look)

    # racing

    async def race(self, car_id: str, model: Model) -> Json:
        """A race with this car and model."""
        who = {"event_id": self.event_id, "track_id": "1", "racer_id": self.racer_id, "override": True}
        what = {"car_id": car_id, "model_id": model.model_id}
        return dict(await self.ask("POST", "/api/races", who | what, status=201))

    async def act(self, race: Json, *kinds: str) -> Json:
        """What the timekeeper presses."""
        for kind in kinds:
            body = {"action_id": new_id(), "kind": kind}
            race = await self.ask("POST", f"/api/races/{race['race_id']}/actions", body)
        return race

    async def lapped(self, race_id: str) -> None:
        """The car rolls over the strip: that starts the race, each further time is a lap between these two stamps."""
        stamps = [await self.crossed(race_id, 0)]
        stamps += [await self.crossed(race_id, lap) for lap in range(1, LAPS + 1)]
        race = await self.ask("GET", f"/api/races/{race_id}")
        between = [(after_ns - before_ns) // 1_000_000 for before_ns, after_ns in pairwise(stamps)]
        assert [(lap["source"], lap["lap_ms"]) for lap in race["laps"]] == [("strip", lap_ms) for lap_ms in between]

    async def crossed(self, race_id: str, laps: int) -> int:
        """The same, once the race has so many laps; the recorder's stamp."""

        async def look() -> bool | None:
            race = await self.ask("GET", f"/api/races/{race_id}")
            return True if (race["state"], len(race["laps"])) == ("running", laps) else None

        at_ns = await self.strip.crossed()
        await self.until(look)
        return at_ns

    async def raced(self, car_id: str, car: Car, model: Model) -> Json:
        """
        Everything from a model that is on the car to a race that is handed in and a car that stands.

        Lit for the racer, driving with this model, stopped and white at the end, as the car itself has it.
        """
        await self.is_online(car_id)
        race = await self.race(car_id, model)
        await self.told(car_id, "Light red")
        assert await car.get("light") == RED
        await self.did(car_id, "load_model", folder=model.folder)
        frozen = (car.artifacts / model.folder / "model.pb").read_bytes()
        assert await car.get("drives") == hashlib.md5(frozen, usedforsecurity=False).hexdigest()
        await self.did(car_id, "start_driving")
        assert await car.get("is_driving")
        await self.lapped(race["race_id"])
        race = await self.act(race, "end", "submit")
        await self.told(car_id, "Stop", "Light white")
        assert not await car.get("is_driving")
        assert await car.get("light") == WHITE
        assert race["state"] == "submitted"
        assert [(lap["car_id"], lap["model_id"]) for lap in race["laps"]] == [(car_id, model.model_id)] * LAPS
        return race


@asynccontextmanager
async def whole_way(directory: Path) -> AsyncIterator[Way]:
    """A box that looks for cars in a hall of its own and nowhere else."""
    settings = load(directory, environment=SETTINGS)
    async with (
        Hall() as hall,
        recorded_strip(settings) as strip,
        opened_house(settings, settings.recorder_socket) as house,
    ):
        # A quarter of the hall's network: whoever knocks at every address is soon done.
        house.finder._find_networks = lambda: (CarNetwork(hall.name, hall.address, 26),)
        async with serving(house) as site:
            await site.add(Role.ADMIN)
            racer = await house.people.register(NewRacer(username="ann", colour="red"), "test")
            site.tokens["racer"], _ = await house.sessions.start(racer.person_id)
            event = {"name": "Rehearsal", "tracks": [{"name": "Left"}], "rules": RULES}
            made = (await site.send(CREW, "POST", "/api/events", json=event)).json()
            running = [asyncio.create_task(one.run()) for one in (house.finder, house.clocks)]
            try:
                yield Way(site, hall, strip, made["event_id"], racer.person_id)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.wait(running)


def held_by(car: Car, model: Model) -> str | None:
    """SHA-256 of the model.pb on the car's disk, None without; a whole folder or none."""
    folder = car.artifacts / model.folder
    if not folder.is_dir():
        return None
    names = {file.name for file in folder.iterdir()}
    assert names >= {"checksum.txt", "model.pb", "model_metadata.json"}, names
    return hashlib.sha256((folder / "model.pb").read_bytes()).hexdigest()
