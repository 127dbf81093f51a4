"""Uploads over HTTP: in pieces, broken off, gone on with, and everything a sender can get wrong."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from cars import upload_allowance, upload_turn
from cars.model_structs import ModelStatus
from cars.upload_structs import CHUNK_BYTES
from tests.cars.model_samples import model_archive
from tests.web.conftest import Site
from tests.web.sending import LONGEST_S, PIECE, Sender, digest, looked_into


@pytest.fixture
def allowances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones, which real time does not give back, from before the box starts."""
    monkeypatch.setattr(upload_allowance, "BEGUN", 2)
    monkeypatch.setattr(upload_allowance, "CREW_BEGUN", 4)
    monkeypatch.setattr(upload_allowance, "BEGUN_REFILL_PER_S", 0.001)
    monkeypatch.setattr(upload_allowance, "CREW_REFILL_PER_S", 0.001)


async def test_a_model_sent_in_pieces_becomes_available(site: Site) -> None:
    data = model_archive()
    model = await looked_into(site, await Sender(site).send(data, "Mein schnellstes (2).tar.gz"))
    assert model.status is ModelStatus.AVAILABLE, model.reason
    assert (model.name, model.file_name) == ("Mein-schnellstes-2", "Mein schnellstes (2).tar.gz")
    assert (model.racer_id, model.username) == (site.person_ids["racer"], "the-racer")
    assert (model.size_bytes, model.archive_sha256) == (len(data), digest(data))
    assert model.facts is not None
    files = await site.house.models.files(model.model_id)
    assert digest(files.pb.read_bytes()) == model.facts.pb_sha256
    got = await site.send("racer", "GET", f"/api/models/{model.model_id}/file")
    assert got.content == data
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''Mein%20schnellstes%20%282%29.tar.gz"


async def test_beginning_says_where_to_go_on_and_how_much_at_once(site: Site) -> None:
    data = model_archive()
    sender = Sender(site)
    begun = await sender.begin(data)
    assert (begun["offset"], begun["chunk_bytes"], begun["model_id"]) == (0, CHUNK_BYTES, None)
    answer = await sender.put(begun["upload_id"], 0, data[:PIECE])
    assert answer.json() == {**begun, "offset": PIECE, "touched_at": answer.json()["touched_at"]}
    again = await sender.begin(data)
    assert (again["upload_id"], again["offset"]) == (begun["upload_id"], PIECE)


async def test_the_crew_brings_a_stick_of_models_without_a_wait(site: Site) -> None:
    async with site.client("operator") as client:
        for number in range(upload_allowance.BEGUN + 1):
            new = {"file_name": f"stick-{number}.tar.gz", "size_bytes": 1_000, "racer_id": None}
            assert (await client.post("/api/uploads", json=new)).status_code == 201


@pytest.mark.parametrize(("role", "allowed"), [("racer", 2), ("commentator", 2), ("operator", 4), ("admin", 4)])
async def test_nobody_begins_uploads_without_end(allowances: None, site: Site, role: str, allowed: int) -> None:
    async with site.client(role) as client:
        answers = [
            await client.post("/api/uploads", json={"file_name": f"own-{number}.tar.gz", "size_bytes": 1_000})
            for number in range(allowed + 1)
        ]
    assert [answer.status_code for answer in answers] == [201] * allowed + [429]
    assert answers[-1].json()["message"] == "You began very many uploads just now."


async def test_bytes_for_another_place_are_refused_with_the_true_one(site: Site) -> None:
    data = model_archive()
    sender = Sender(site)
    upload_id = (await sender.begin(data))["upload_id"]
    await sender.put(upload_id, 0, data[:PIECE])
    answer = await sender.put(upload_id, 0, data[:PIECE])
    assert answer.status_code == 409
    assert answer.json() == {
        "message": f"The upload of fast.tar.gz stands at byte {PIECE}.",
        "remedy": "Send on from there.",
        "offset": PIECE,
        "model_id": None,
    }
    assert (await sender.get(upload_id))["offset"] == PIECE


async def test_another_racer_s_upload_is_not_there(site: Site) -> None:
    data = model_archive()
    upload_id = (await Sender(site).begin(data))["upload_id"]
    stranger = Sender(site, "commentator")
    for method, address in [
        ("GET", f"/api/uploads/{upload_id}"),
        ("PUT", f"/api/uploads/{upload_id}?offset=0"),
        ("DELETE", f"/api/uploads/{upload_id}"),
    ]:
        answer = await site.send(stranger.role, method, address, content=data if method == "PUT" else None)
        assert (answer.status_code, answer.json()["message"]) == (404, "There is no such upload.")
    listed = await site.send(stranger.role, "GET", "/api/uploads", params={"racer_id": site.person_ids["racer"]})
    assert listed.status_code == 404
    mine = await Sender(site).get(upload_id)
    assert (mine["offset"], mine["upload_id"]) == (0, upload_id)


async def test_the_crew_goes_on_with_a_racer_s_upload(site: Site) -> None:
    data = model_archive()
    upload_id = (await Sender(site).begin(data))["upload_id"]
    operator = Sender(site, "operator")
    assert (await operator.put(upload_id, 0, data[:PIECE])).status_code == 200
    model_id = await operator.send(data, racer_id=site.person_ids["racer"])
    assert (await site.house.models.get(model_id)).username == "the-racer"


async def test_the_crew_uploads_for_the_box_and_a_racer_for_nobody_else(site: Site) -> None:
    data = model_archive()
    model_id = await Sender(site, "operator").send(data, racer_id=None)
    assert (await site.house.models.get(model_id)).racer_id is None
    body = {"file_name": "fast.tar.gz", "size_bytes": len(data)}
    for racer_id in (None, site.person_ids["operator"]):
        answer = await site.send("racer", "POST", "/api/uploads", json={**body, "racer_id": racer_id})
        assert answer.status_code == 403
        assert answer.json()["message"] == "You can only upload your own models."
    answer = await site.send("operator", "POST", "/api/uploads", json={**body, "racer_id": "nobody"})
    assert (answer.status_code, answer.json()["field"]) == (400, "racer_id")


async def test_a_chunk_that_says_it_is_too_long_is_refused_unread(site: Site) -> None:
    sender = Sender(site)
    upload_id = (await sender.begin(bytes(3 * CHUNK_BYTES)))["upload_id"]
    answer = await sender.put(upload_id, 0, bytes(CHUNK_BYTES + 1))
    assert answer.status_code == 413
    assert answer.json()["message"] == "More came than belongs to this file, or than fits one chunk."
    longer = await sender.put(upload_id, 0, bytes(2 * CHUNK_BYTES))
    assert longer.status_code == 413
    assert longer.json()["remedy"] == f"Send chunks of {CHUNK_BYTES} bytes at most, and no more than size_bytes of all."
    assert (await sender.get(upload_id))["offset"] == 0


async def test_a_chunk_without_a_length_ends_where_the_file_does(site: Site) -> None:
    data = model_archive()
    sender = Sender(site)
    upload_id = (await sender.begin(data))["upload_id"]

    async def without_end() -> AsyncIterator[bytes]:
        yield data
        yield b"more"

    async with site.client("racer") as client:
        answer = await client.put(f"/api/uploads/{upload_id}?offset=0", content=without_end())
    assert answer.status_code == 413
    assert (await sender.get(upload_id))["offset"] == 0


async def test_what_a_lost_connection_had_brought_is_kept(site: Site) -> None:
    data = model_archive(pb_bytes=600_000)
    sender = Sender(site)
    upload_id = (await sender.begin(data))["upload_id"]
    sent = len(data) - 5
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"PUT /api/uploads/{upload_id}?offset=0 HTTP/1.1\r\nHost: box\r\nContent-Length: {len(data)}\r\n"
        f"Authorization: Bearer {site.tokens['racer']}\r\n\r\n".encode()
    )
    writer.write(data[:sent])
    await writer.drain()
    writer.write_eof()
    await reader.read()
    writer.close()
    async with asyncio.timeout(LONGEST_S):
        while (offset := (await sender.get(upload_id))["offset"]) == 0:
            pass
    assert offset == sent
    answer = await sender.put(upload_id, offset, data[offset:])
    assert answer.json()["model_id"] is not None


async def test_a_phone_that_comes_back_on_a_new_connection_need_not_wait_for_the_old_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_turn, "SILENT_S", 0.05)
    data = model_archive()
    sender = Sender(site)
    upload_id = (await sender.begin(data))["upload_id"]
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"PUT /api/uploads/{upload_id}?offset=0 HTTP/1.1\r\nHost: box\r\nContent-Length: {len(data)}\r\n"
        f"Authorization: Bearer {site.tokens['racer']}\r\n\r\n".encode()
    )
    writer.write(data[:PIECE])
    await writer.drain()
    async with asyncio.timeout(LONGEST_S):
        while site.house.uploads.receiving() != [upload_id]:
            await sender.get(upload_id)
    upload = await sender.get(upload_id)
    while upload.get("model_id") is None:
        answer = await sender.put(upload_id, upload["offset"], data[upload["offset"] :])
        assert answer.status_code in (200, 409)
        upload = answer.json()
    writer.close()
    archive = await site.house.models.archive(upload["model_id"])
    assert await asyncio.to_thread(archive.read_bytes) == data


async def test_a_page_without_its_token_sends_nothing(site: Site) -> None:
    data = model_archive()
    upload_id = (await Sender(site).begin(data))["upload_id"]
    async with site.browser("racer") as browser:
        answer = await browser.put(f"/api/uploads/{upload_id}?offset=0", content=data)
    assert answer.status_code == 403
    assert (await Sender(site).get(upload_id))["offset"] == 0


async def test_an_upload_given_up_is_gone(site: Site) -> None:
    data = model_archive()
    sender = Sender(site)
    upload_id = (await sender.begin(data))["upload_id"]
    await sender.put(upload_id, 0, data[:PIECE])
    assert [one["offset"] for one in (await site.send("racer", "GET", "/api/uploads")).json()] == [PIECE]
    assert (await site.send("racer", "DELETE", f"/api/uploads/{upload_id}")).status_code == 204
    assert (await site.send("racer", "GET", "/api/uploads")).json() == []
    assert (await sender.put(upload_id, PIECE, data[PIECE:])).status_code == 404
    assert (await sender.begin(data))["offset"] == 0


NONSENSE: tuple[dict[str, object], ...] = (
    {"file_name": "a.tar.gz", "size_bytes": 0},
    {"file_name": "a.tar.gz", "size_bytes": -1},
    {"file_name": "a.tar.gz", "size_bytes": "1"},
    {"file_name": "", "size_bytes": 1},
    {"file_name": "a.tar.gz", "size_bytes": 1, "sha256": "A" * 64},
    {"file_name": "x" * 256, "size_bytes": 1},
    {"file_name": "a.tar.gz", "size_bytes": 1, "colour": "red"},
    {"file_name": "a\u0000b.tar.gz", "size_bytes": 1},
)


async def test_nonsense_begins_nothing(site: Site) -> None:
    async with site.client("racer") as client:
        answers = [(await client.post("/api/uploads", json=body)).status_code for body in NONSENSE]
        assert answers == [400] * len(NONSENSE)
        assert (await client.get("/api/uploads")).json() == []


async def test_too_large_a_file_is_413_and_a_wrong_digest_400(site: Site) -> None:
    answer = await site.send("racer", "POST", "/api/uploads", json={"file_name": "a.tar.gz", "size_bytes": 10**9})
    assert answer.status_code == 413
    sender = Sender(site)
    upload_id = (await sender.begin(model_archive()))["upload_id"]
    damaged = await sender.put(upload_id, 0, b"x" * 100, **{"x-chunk-sha256": digest(b"y" * 100)})
    assert (damaged.status_code, damaged.json()["field"]) == (400, "x-chunk-sha256")
    assert (await sender.put(upload_id, 0, b"x", **{"x-chunk-sha256": "short"})).status_code == 400
