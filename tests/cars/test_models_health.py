"""What the health of the box says of models: uploads that come to no end, and walls that an inspection lacks."""

import asyncio
from pathlib import Path

import pytest

from appliance.clock import mono_ns
from appliance.errors import NotReady
from appliance.health import Check
from appliance.serve import opened_house
from appliance.settings import load
from cars import looking
from cars.inspection import Inspection, Wall
from cars.looking import Waiting
from cars.models_health import STILL_NS, check_waiting, check_walls
from tests.cars.model_box import SENDER, ModelBox, model_box, noise

LATER_NS = STILL_NS + 125_000_000_000
FULL = NotReady("The disk of the box is full or failing.", "Ask the crew to make room, then try again.")


@pytest.mark.parametrize(
    ("waiting", "check"),
    [
        (Waiting(0, 0, None), Check(ok=True, message="No model waits to be looked into.")),
        (Waiting(1, STILL_NS - 1, FULL), Check(ok=True, message="1 model waits to be looked into.")),
        (Waiting(8, 0, None), Check(ok=True, message="8 models wait to be looked into.")),
        (
            Waiting(2, LATER_NS, None),
            Check(
                ok=False,
                message="2 models wait to be looked into, and none came to an end for 5 minutes.",
                remedy="It is tried again by itself; if that goes on, restart Trackside when no race is running.",
            ),
        ),
        (
            Waiting(1, STILL_NS, FULL),
            Check(
                ok=False,
                message="1 model waits to be looked into, and none came to an end for 3 minutes. "
                "The disk of the box is full or failing.",
                remedy="Ask the crew to make room, then try again.",
            ),
        ),
    ],
)
def test_what_hangs_is_told_from_a_crowd(waiting: Waiting, check: Check) -> None:
    assert check_waiting(waiting) == check


@pytest.mark.parametrize(
    ("held", "check"),
    [
        (None, Check(ok=True, message="No model was looked into since the start.")),
        (
            tuple(Wall),
            Check(ok=True, message="Models are looked into behind limits, no new privileges, Landlock and seccomp."),
        ),
        (
            (Wall.LIMITS, Wall.NO_NEW_PRIVILEGES, Wall.SECCOMP),
            Check(
                ok=True,
                message="Models are looked into without Landlock: this system does not give it.",
                remedy="The other walls stand. Debian 12 and later give all of them.",
            ),
        ),
        (
            (Wall.LIMITS,),
            Check(
                ok=False,
                message="Models are looked into without no new privileges, Landlock and seccomp: this system does not "
                "give it.",
                remedy="Take models only from people you know, or run Trackside on Debian 12 or later.",
            ),
        ),
    ],
)
def test_a_wall_that_the_kernel_does_not_give_is_named(held: tuple[Wall, ...] | None, check: Check) -> None:
    assert check_walls(held) == check


class InTrouble:
    """An inspector on a full disk."""

    async def inspect(self, archive: Path, into: Path) -> Inspection:
        """Say so."""
        raise FULL


async def waiting_of(box: ModelBox, *, trouble: bool) -> Waiting:
    """How it goes, once there is, or is no longer, something that puts models off."""
    async with asyncio.timeout(30):
        while ((waiting := await box.models.waiting()).trouble is not None) is not trouble:
            pass
    return waiting


async def test_what_puts_models_off_is_known_until_none_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with model_box(tmp_path, inspector=InTrouble()) as box:
        assert (await box.models.waiting()).models == 0
        model_id = await box.send(noise(10_000), await box.racer())
        waiting = await waiting_of(box, trouble=True)
        assert (waiting.models, waiting.trouble) == (1, FULL)
        monkeypatch.setattr(looking, "mono_ns", lambda: mono_ns() + STILL_NS)
        assert not check_waiting(await box.models.waiting()).ok
        await box.models.delete(model_id, SENDER)
        waiting = await box.models.waiting()
        assert (waiting.models, waiting.trouble) == (0, None)
        assert waiting.still_ns < STILL_NS


async def test_the_report_of_a_box_has_all_of_them(tmp_path: Path) -> None:
    settings = load(tmp_path, environment={"TRACKSIDE_ANNOUNCE": "false"})
    async with opened_house(settings, settings.recorder_socket) as house:
        checks = (await house.health.report()).checks
    assert checks["models"].message == "No model waits to be looked into."
    assert checks["inspection"].message == "No model was looked into since the start."
    assert checks["walk_ups"].message == "No file is left over in the folder for walk-ups."
