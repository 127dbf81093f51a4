"""Cars and racers' models in a house, for the tests of pages and calls that put them together."""

import asyncio

from cars.car_structs import Car, Platform
from cars.facts import ModelChanged
from cars.model_structs import ModelStatus
from tests.cars.model_samples import CAMERA, metadata_bytes, model_archive, tar_gz
from tests.web.conftest import Site
from web.house import House

SETTLED_S = 60


async def enrol(house: House, name: str, *, is_online: bool = True) -> Car:
    """A car of the box; at an address where nobody answers."""
    number = len(house.cars.all(with_released=True)) + 1
    car = await house.cars.add_enrolled(
        serial=f"AMSS-{number:04d}",
        name=name,
        platform=Platform.STOCK_20,
        username="deepracer",
        host_key=f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{number:04d}",
        address="127.0.0.1",
        port=1,
        actor="test",
    )
    if not is_online:
        await house.cars.missed(car.car_id)
    return house.cars.get(car.car_id)


async def upload(
    site: Site, racer_id: str | None, name: str, *, is_good: bool = True, sensors: tuple[str, ...] = CAMERA
) -> str:
    """A model of this racer, or the box's own, looked into; one that no car could drive if it is not `is_good`."""
    archive = (
        model_archive(seed=name, sensors=sensors) if is_good else tar_gz([("model_metadata.json", metadata_bytes())])
    )
    new = {"file_name": f"{name}.tar.gz", "size_bytes": len(archive), "racer_id": racer_id}
    changed = asyncio.Event()
    end = site.house.facts.subscribe(ModelChanged, lambda _: changed.set())
    begun = (await site.send("operator", "POST", "/api/uploads", json=new)).json()
    sent = await site.send("operator", "PUT", f"/api/uploads/{begun['upload_id']}?offset=0", content=archive)
    model_id: str = sent.json()["model_id"]
    async with asyncio.timeout(SETTLED_S):
        while (model := await site.house.models.get(model_id)).status is ModelStatus.UPLOADED:
            await changed.wait()
            changed.clear()
    end()
    assert model.status is (ModelStatus.AVAILABLE if is_good else ModelStatus.NOT_VALID)
    return model_id
