"""A timer kit behind the real recorder process: its crossings are durable, and say whose clock they are of."""

from itertools import pairwise
from pathlib import Path

from tests.timing.recorder_process import RecorderProcess, connected, history, numbers
from tests.timing.timer_kit import TimerKit

MS = 1_000_000


def recorder_of(kit: TimerKit, directory: Path) -> RecorderProcess:
    return RecorderProcess(directory, "--strips", "drem_kit", "--kit-url", kit.url)


async def test_crossings_of_a_kit_are_recorded_with_the_kits_own_differences(tmp_path: Path) -> None:
    async with TimerKit() as kit, recorder_of(kit, tmp_path) as recorder, connected(recorder.socket) as client:
        client.hello()
        hello = await client.until("hello")
        await kit.connected()
        said = [await kit.cross(gpio) for gpio in (17, 27)]
        said.append(await kit.cross(17, at_ms=said[-1] + 77))
        edges = await client.edges(3)
    assert hello["strips"] == "drem_kit"
    assert hello["lines"] == [{"line": 17, "name": "kit sensor 1"}, {"line": 27, "name": "kit sensor 2"}]
    assert "timer kit's own clock" in hello["note"]
    assert [(edge["line"], edge["edge"], edge["stamp"]) for edge in edges] == [
        (17, "active", "wall_ms"),
        (27, "active", "wall_ms"),
        (17, "active", "wall_ms"),
    ]
    assert [b["at_ns"] - a["at_ns"] for a, b in pairwise(edges)] == [(b - a) * MS for a, b in pairwise(said)]


async def test_a_recorder_whose_kit_is_off_is_ready_and_says_so(tmp_path: Path) -> None:
    kit = TimerKit()
    async with kit:
        pass  # its port is free again
    async with recorder_of(kit, tmp_path) as recorder, connected(recorder.socket) as client:
        client.hello()
        assert f"The timer kit at {kit.url} is not connected" in (await client.until("hello"))["note"]
        assert (await client.until("clock"))["problem"] == "strips_away"
        await kit.start()
        await kit.connected()
        await kit.cross(27)
        (edge,) = await client.edges(1)
        while "problem" in await client.until("clock"):
            pass
        await kit.stop()
        while "problem" not in await client.until("clock"):
            pass
    assert edge["line"] == 27


async def test_a_killed_recorder_keeps_what_the_kit_sent_and_goes_on_with_the_next(tmp_path: Path) -> None:
    async with TimerKit() as kit, recorder_of(kit, tmp_path) as recorder:
        await kit.connected()
        await kit.say("passed")
        await kit.cross()
        async with connected(recorder.socket) as client:
            client.hello()
            before = await client.edges(2)
            await recorder.end(9)
        await recorder.start()
        await kit.connected(2)
        await kit.cross()
        async with connected(recorder.socket) as client:
            client.hello(before[-1]["seq"])
            while (edge := (await client.edges(1))[0])["type"] != "edge":
                pass
        kept = await history(recorder.socket)
    assert [edge["stamp"] for edge in before] == ["arrival", "wall_ms"]
    assert kept[:2] == before
    assert numbers(kept)[-1] == edge["seq"]
