"""Lamp and buzzer: what they show and sound, and that nothing they do stops timing."""

import asyncio

import pytest
from recorder_inside import Running
from recorder_process import connected

from timing.panel_guard import PanelGuard
from timing.stream import Problem
from timing.strips import RawEdge


class HandPanel:
    """Notes what is asked of it; fails where the test wants it to."""

    def __init__(self, fails_at=()):
        self.asked = []
        self.shown = []
        self.sounds = 0
        self._fails_at = fails_at

    def _note(self, what):
        self.asked.append(what)
        if what in self._fails_at:
            raise OSError("the lamp is gone")

    async def start(self):
        self._note("start")

    def show(self, problem):
        self.shown.append(problem)
        self._note("show")

    def crossed(self):
        self.sounds += 1
        self._note("crossed")

    async def stop(self):
        self._note("stop")


def crossing(line=4):
    return {"type": "crossing", "line": line}


async def settled(client):
    """Whatever was sent before has been dealt with."""
    client.send({"type": "ping", "id": 1})
    await client.until("pong")


async def test_lamp_is_told_of_every_heartbeat_and_of_the_end(tmp_path):
    panel = HandPanel()
    async with Running(tmp_path, panel=panel) as running, connected(running.socket) as client:
        client.hello(0)
        await client.until("clock")
        await client.until("clock")
        running.recorder._writer.problem = Problem.NOT_RECORDING
        while panel.shown[-1] is None:  # a heartbeat may have been under way
            await client.until("clock")
    assert panel.asked.count("start") == panel.asked.count("stop") == 1
    assert (panel.asked[0], panel.asked[-1]) == ("start", "stop")
    assert panel.shown[0] is None
    assert panel.shown[-1] is Problem.NOT_RECORDING


async def test_buzzer_answers_each_press_once_whoever_counts_it(tmp_path):
    panel = HandPanel()
    async with Running(tmp_path, panel=panel) as running, connected(running.socket) as client:
        client.hello(0)
        client.send(crossing())
        await settled(client)
        assert panel.sounds == 0
        for moment in (1, 2):
            running.strips.sink(RawEdge(4, True, moment))
            running.strips.sink(RawEdge(4, False, moment))
            for _ in range(50):
                client.send(crossing())
            client.send(crossing(line=5))
            client.send(crossing(line=1_000))
            await settled(client)
            assert panel.sounds == moment


@pytest.mark.parametrize("stage", ["start", "show", "crossed", "stop"])
async def test_panel_that_fails_is_told_of_once_and_timing_goes_on(tmp_path, caplog, stage):
    panel = HandPanel(fails_at={stage})
    async with Running(tmp_path, panel=panel) as running, connected(running.socket) as client:
        client.hello(0)
        for moment in (1, 2, 3):
            running.strips.sink(RawEdge(4, True, moment))
            assert (await client.edges(1))[0]["at_ns"] == moment
            client.send(crossing())
            await settled(client)
            await client.until("clock")
    assert stage in panel.asked
    assert panel.asked.count("stop") == 1
    assert [record.message.split()[0] for record in caplog.records if record.name == "timing.panel_guard"] == [
        "panel_failed"
    ]


async def test_panel_that_hangs_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("timing.panel_guard.PATIENCE_S", 0.01)

    class Hanging(HandPanel):
        async def start(self):
            await asyncio.Event().wait()

    guard = PanelGuard(Hanging())
    async with asyncio.timeout(20):
        await guard.start()


async def test_recorder_without_a_panel_needs_none():
    guard = PanelGuard(None)
    await guard.start()
    guard.show(Problem.DISK_FULL)
    guard.pressed(4)
    guard.crossed(4)
    await guard.stop()
