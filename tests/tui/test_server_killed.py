"""The server is killed in mid-race, a real one with its supervisor: the terminal loses no press and finds back."""

from pathlib import Path

import pytest

from tests.faults.box import PASSWORD, running_box
from tests.faults.driver import make_event, make_racer
from tests.tui.seats import assert_laps_as_pressed, sitting
from timing.journal import Kind
from timing.structs import RaceState
from tui.box import Box


@pytest.mark.timeout(300)
async def test_a_server_killed_in_mid_race_loses_and_doubles_no_press(tmp_path: Path) -> None:
    async with running_box(tmp_path / "data", {"TRACKSIDE_ANNOUNCE": "false"}) as (box, api):
        event_id = await make_event(api)
        race = await api.create_race(event_id, "1", await make_racer(api, "Ada"))
        door = Box(box.url)
        session = await door.sign_in("crew", PASSWORD)
        await door.close()
        async with sitting(box.url, session.token, event_id) as ada:
            await ada.live()
            presses = [await ada.press(Kind.START), await ada.press(Kind.LAP)]
            for _ in range(3):
                box.kill_server()
                presses += [await ada.press(Kind.LAP) for _ in range(3)]
                await ada.sent()
                await ada.live()
            box.kill_server()
            presses.append(await ada.press(Kind.LAP))
            box.kill_supervisor()
            presses.append(await ada.press(Kind.LAP))
            await ada.sent()
            await ada.until(lambda: ada.seat.link_state.is_live and ada.seat.race_state is RaceState.RUNNING)
            view = await ada.seat.box.race(race.race_id)
            assert_laps_as_pressed(view, presses, ada)
            assert not ada.seat.presses.refused
