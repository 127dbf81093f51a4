"""Models over HTTP: one's own for racers, everybody's for the crew."""

from tests.cars.model_samples import model_archive
from tests.web.conftest import Site
from tests.web.sending import Sender, looked_into


async def three(site: Site) -> tuple[str, str, str]:
    """A model of the racer, one of the operator, and one of the box."""
    racer, operator = Sender(site), Sender(site, "operator")
    data = [model_archive(seed=seed) for seed in range(3)]
    return (
        await racer.send(data[0], "mine.tar.gz"),
        await operator.send(data[1], "crew.tar.gz"),
        await operator.send(data[2], "box.tar.gz", racer_id=None),
    )


async def listed(site: Site, role: str, **query: object) -> list[str]:
    """The ids of the list that this role gets."""
    answer = await site.send(role, "GET", "/api/models", params=query)
    assert answer.status_code == 200, answer.text
    return [model["model_id"] for model in answer.json()]


async def test_racers_see_their_own_and_the_crew_sees_all(site: Site) -> None:
    mine, crew, box = await three(site)
    assert await listed(site, "racer") == [mine]
    assert await listed(site, "racer", racer_id=site.person_ids["racer"]) == [mine]
    assert await listed(site, "commentator") == []
    for role in ("operator", "admin"):
        assert await listed(site, role) == [box, crew, mine]
        assert await listed(site, role, racer_id=site.person_ids["racer"]) == [mine]
        assert await listed(site, role, box=True) == [box]
        assert await listed(site, role, before=crew) == [mine]
    for query in ({"racer_id": site.person_ids["operator"]}, {"box": True}):
        assert (await site.send("racer", "GET", "/api/models", params=query)).status_code == 404


async def test_another_s_model_is_not_there(site: Site) -> None:
    _, crew, box = await three(site)
    for model_id in (crew, box):
        for method, tail in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/file")]:
            body = {"name": "taken"} if method == "PATCH" else None
            answer = await site.send("racer", method, f"/api/models/{model_id}{tail}", json=body)
            assert (answer.status_code, answer.json()["message"]) == (404, "There is no such model.")
        assert (await site.house.models.get(model_id)).status != "DELETED"


async def test_a_racer_renames_and_deletes_their_own(site: Site) -> None:
    mine, _, _ = await three(site)
    await looked_into(site, mine)
    renamed = await site.send("racer", "PATCH", f"/api/models/{mine}", json={"name": "Blitz_2"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Blitz_2")
    refused = await site.send("racer", "PATCH", f"/api/models/{mine}", json={"name": "so nicht"})
    assert refused.json() == {
        "message": "A model cannot be called 'so nicht'.",
        "remedy": "Use 1 to 60 letters, digits, - and _, for example so-nicht.",
        "field": "name",
    }
    for _ in range(2):
        assert (await site.send("racer", "DELETE", f"/api/models/{mine}")).status_code == 204
    assert await listed(site, "racer") == []
    assert await listed(site, "racer", deleted=True) == [mine]
    gone = await site.send("racer", "GET", f"/api/models/{mine}/file")
    assert (gone.status_code, gone.json()["message"]) == (409, "Blitz_2 was deleted.")


async def test_a_download_is_whole_and_not_packed_again(site: Site) -> None:
    data = model_archive(pb_bytes=700_000)
    model_id = await Sender(site).send(data)
    for role in ("racer", "admin"):
        answer = await site.send(role, "GET", f"/api/models/{model_id}/file", headers={"accept-encoding": "gzip"})
        assert (answer.content, answer.headers.get("content-encoding")) == (data, None)
        assert answer.headers["content-length"] == str(len(data))
