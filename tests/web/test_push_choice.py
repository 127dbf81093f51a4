"""The form that pushes models, on a box with hundreds of them: what is asked for is there, however old it is."""

import re
import sqlite3

import pytest

from appliance.ids import new_id
from tests.web.car_day import enrol, upload
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import add_racer

NEWER = 450


async def many_models(site: Site) -> str:
    """An old model of "Änne", and hundreds that came later; answers the id of the old one."""
    await enrol(site.house, "Blue 1")
    await enrol(site.house, "Blue 2")
    old = await upload(site, await add_racer(site.house, "Änne"), "First-Try")

    def write(connection: sqlite3.Connection) -> None:
        row = dict(connection.execute("SELECT * FROM model WHERE model_id = ?", [old]).fetchone())
        marks = ", ".join(f":{name}" for name in row)
        rows = [row | {"model_id": new_id(), "racer_id": None, "name": f"later-{number}"} for number in range(NEWER)]
        connection.executemany(f"INSERT INTO model VALUES ({marks})", rows)

    await site.house.db.write(write)
    return old


def offered(page: str) -> list[tuple[str, bool]]:
    """The models in the order of the form, each with whether it is ticked."""
    found = re.findall(r'name="model" value="([^"]+)"( checked)?', page)
    return [(model_id, bool(ticked)) for model_id, ticked in found]


async def test_an_old_model_is_ticked_and_found_by_its_name_and_its_racer(site: Site) -> None:
    old = await many_models(site)
    async with Crew(site, "operator") as crew:
        shown = await crew.get("/staff/pushes")
        assert len(offered(shown.text)) == 40
        assert old not in [model_id for model_id, _ in offered(shown.text)]
        ticked = offered((await crew.get(f"/staff/pushes?model={old}")).text)
        assert (ticked[0], len(ticked)) == ((old, True), 41)
        for find in ("first", "TRY", "änn", "Änne"):
            assert offered((await crew.get(f"/staff/pushes?find={find}")).text) == [(old, False)]
        both = offered((await crew.get(f"/staff/pushes?find=first&model={old}")).text)
        assert both == [(old, True)]
        assert len(offered((await crew.get("/staff/pushes?find=the box")).text)) == 40
        assert "No model or racer is called “zzz”." in words(await crew.get("/staff/pushes?find=zzz"))


@pytest.mark.parametrize("find", ["%", "_", "'", "\\"])
async def test_signs_of_the_database_are_only_signs(site: Site, find: str) -> None:
    await enrol(site.house, "Blue 1")
    await upload(site, None, "rapid")
    shown = await site.send("operator", "GET", "/staff/pushes", params={"find": find})
    assert f"No model or racer is called “{find.replace(chr(39), '&#39;')}”." in shown.text
