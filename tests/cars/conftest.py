"""What the tests of the cars share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh
import pytest

from tests.cars.car_tree import CarTree
from tests.cars.garage import Garage, enrol_all, garage_in
from tests.cars.push_box import PushBox, push_box
from tests.cars.small_car import SmallCar


@pytest.fixture
def tree(tmp_path: Path) -> CarTree:
    """A car's files, with a helper of their own."""
    tmp_path.chmod(0o755)
    return CarTree(tmp_path / "car")


@pytest.fixture(scope="module")
def key() -> asyncssh.SSHKey:
    """The box's key, which its cars know."""
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def car(tmp_path: Path, key: asyncssh.SSHKey) -> Iterator[SmallCar]:
    """A car, real as far as a push goes."""
    with SmallCar(tmp_path / "car", key) as car:
        yield car


@pytest.fixture
async def box(tmp_path: Path, key: asyncssh.SSHKey) -> AsyncIterator[PushBox]:
    """A box that pushes."""
    async with push_box(tmp_path, key) as box:
        yield box


@pytest.fixture
async def garage(tmp_path: Path) -> AsyncIterator[Garage]:
    """Three cars that are enrolled."""
    async with garage_in(tmp_path) as garage:
        await enrol_all(garage)
        yield garage
