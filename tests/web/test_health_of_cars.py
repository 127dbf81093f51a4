"""The rows that the cars add to the health of a box, as the crew is told them."""

from tests.web.conftest import Site


async def test_a_new_box_has_nothing_against_its_cars_its_pushes_and_its_room(site: Site) -> None:
    checks = (await site.send("operator", "GET", "/api/health")).json()["checks"]
    assert checks["cars"] == {"ok": True, "message": "No car is paired yet.", "remedy": ""}
    assert checks["pushes"] == {"ok": True, "message": "No push failed in the last half hour.", "remedy": ""}
    assert checks["model_room"]["ok"]
    assert "models and logs" in checks["model_room"]["message"].lower()
