"""What the tests of the racing share."""

import pytest
from recorder_process import RecorderProcess


@pytest.fixture
async def recorder(tmp_path):
    async with RecorderProcess(tmp_path) as process:
        yield process
