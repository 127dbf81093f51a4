"""Eight cars of all kinds at once; tests/cars/twenty_cars.py has twenty, by hand."""

from pathlib import Path

import pytest

from tests.cars.hall import needs_hall
from tests.cars.twenty_cars import many_cars
from tests.cars.whole_way import whole_way


@needs_hall
@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_eight_cars_at_once_are_paired_pushed_to_driven_and_stopped(tmp_path: Path) -> None:
    async with whole_way(tmp_path) as way:
        times = await many_cars(way, 8, 400_000)
    assert len(times.stop_ms) == 8
