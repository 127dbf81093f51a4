"""Uploads over HTTP: in pieces, broken off, gone on with, and everything a sender can get wrong."""

from cars.model_structs import ModelStatus
from cars.upload_structs import CHUNK_BYTES
from tests.cars.model_samples import model_archive
from tests.web.conftest import Site
from tests.web.sending import PIECE, Sender, digest, looked_into


async def test_a_model_sent_in_pieces_becomes_available(site: Site) -> None:
    data = model_archive()
    assert len(data) > 3 * PIECE
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
