"""The network cable between box and recorder is pulled, truly: a real sshd on the far end of a real interface."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.timing.loop_time import loop_time
from tests.timing.recorder_process import RecorderProcess
from tests.timing.remote_box import Following, press, remote_box
from tests.timing.sshd import Cable, Sshd, needs_root, needs_sshd

pytestmark = [needs_sshd, needs_root]


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


async def test_pulled_cable_and_plugged_again_costs_no_edge(cable: Cable, tmp_path: Path) -> None:
    (tmp_path / "pi").mkdir()
    async with RecorderProcess(tmp_path / "pi") as recorder, remote_box(tmp_path / "box") as box:
        with Sshd(tmp_path / "sshd", cable=cable) as sshd:
            link = await box.paired(sshd, recorder)
            assert link.host == cable.far_address != "127.0.0.1"
            async with Following(link) as seen, loop_time() as time:
                noticed, back = [], []
                for times in (1, 2):
                    await press(recorder, 2)
                    await seen.edges(24 * times - 20)
                    cable.pull()
                    pulled_s = time.lived_s
                    await press(recorder, 5)
                    broken = await box.shut(link.remote_id)
                    noticed.append(time.lived_s - pulled_s)
                    assert broken.problem
                    assert len(seen.numbers) == 24 * times - 20
                    await press(recorder, 5)
                    cable.plug()
                    plugged_s = time.lived_s
                    await seen.edges(24 * times)
                    back.append(time.lived_s - plugged_s)
                assert seen.numbers == list(range(1, 49))
                print("noticed after", noticed, "all there again after", back)
                assert max(noticed) < 4
                assert max(back) < 10


async def test_cable_that_stays_out_is_said(cable: Cable, tmp_path: Path) -> None:
    (tmp_path / "pi").mkdir()
    async with RecorderProcess(tmp_path / "pi") as recorder, remote_box(tmp_path / "box") as box:
        with Sshd(tmp_path / "sshd", cable=cable) as sshd:
            link = await box.paired(sshd, recorder)
            cable.pull()
            await box.shut(link.remote_id)
            problem = await box.problem(link.remote_id, "Check its power, its cable")
            assert problem.startswith(sshd.host)
            cable.plug()
            assert (await box.open(link.remote_id)).problem is None
