"""What the tests of the cars share."""

from pathlib import Path

import pytest

from tests.cars.car_tree import CarTree


@pytest.fixture
def tree(tmp_path: Path) -> CarTree:
    """A car's files, with a helper of their own."""
    tmp_path.chmod(0o755)
    return CarTree(tmp_path / "car")
