"""The pages of models without script: one's own, everybody's for the crew, and a file in a plain form."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from appliance.clock import now_iso
from appliance.ids import new_id
from appliance.people import NewRacer
from appliance.permissions import Role
from cars.facts import ModelChanged
from cars.model_structs import ActionSpace, ModelFacts, ModelStatus, ModelView
from cars.models_store import NewModel, insert
from cars.upload_structs import NewUpload
from tests.cars import model_samples
from tests.web.conftest import Site, serving
from tests.web.crew import Crew, words
from web.house import House
from web.pages.model_words import drives

MODEL = model_samples.tar_gz(
    [("agent/model.pb", model_samples.graph()), ("model_metadata.json", model_samples.metadata_bytes())]
)
CHECKPOINT = model_samples.tar_gz([("model/checkpoint", b"x"), ("model/10_Step-1.ckpt.index", b"y")])
FACTS = ModelFacts(
    pb_md5="0" * 32,
    pb_sha256="0" * 64,
    pb_bytes=1,
    metadata_md5="0" * 32,
    metadata_sha256="0" * 64,
    metadata_bytes=1,
    sensors=("FRONT_FACING_CAMERA",),
    action_space=ActionSpace.DISCRETE,
    actions=5,
    algorithm="clipped_ppo",
    has_premade=False,
)

Uploaded = Callable[[str, bytes, str | None], Awaitable[ModelView]]


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    """A server with a racer and an operator; the other roles are added where they matter."""
    async with serving(house) as running:
        await asyncio.gather(running.add(Role.RACER), running.add(Role.OPERATOR))
        yield running


@pytest.fixture
def uploaded(house: House) -> Uploaded:
    """Upload a file for somebody and wait until it was looked into."""
    news = asyncio.Event()
    house.facts.subscribe(ModelChanged, lambda _: news.set())

    async def upload(file_name: str, content: bytes, racer_id: str | None) -> ModelView:
        async def body() -> AsyncIterator[bytes]:
            yield content

        new = NewUpload(file_name=file_name, size_bytes=len(content))
        model_id = (await house.uploads.take_file(new, racer_id, body(), "test")).model_id
        assert model_id is not None
        async with asyncio.timeout(20):
            while (model := await house.models.get(model_id)).status is ModelStatus.UPLOADED:
                await news.wait()
                news.clear()
        return model

    return upload


async def send_file(crew: Crew, path: str, name: str, content: bytes, token: str | None = None) -> httpx.Response:
    """Send the form as a browser without script does: the token, then the file."""
    sent = {} if token == "" else {"_csrf": token or crew.hidden("_csrf")}
    client = crew._client
    return crew._saw(await client.post(path, data=sent, files={"file": (name, content)}, follow_redirects=True))


# one's own


async def test_a_racer_without_models_is_told_what_to_do(site: Site) -> None:
    async with Crew(site, "racer") as racer:
        page = words(await racer.get("/me/models"))
        assert "No models yet" in page
        assert "0 of 20 models, 0 of 1,000 MB." in page
        assert "Upload a model" in words(await racer.get("/me"))


async def test_a_model_is_shown_with_how_it_drives(site: Site, uploaded: Uploaded) -> None:
    await uploaded("sprint-v3.tar.gz", MODEL, site.person_ids["racer"])
    async with Crew(site, "racer") as racer:
        page = words(await racer.get("/me/models"))
        assert "sprint-v3 Ready Front camera · 5 actions · PPO" in page
        assert "sprint-v3 Ready" in words(await racer.get("/me"))


async def test_a_model_that_cannot_drive_says_why_and_what_to_do(site: Site, uploaded: Uploaded) -> None:
    model = await uploaded("wrong.tar.gz", CHECKPOINT, site.person_ids["racer"])
    assert model.reason
    assert model.remedy
    async with Crew(site, "racer") as racer:
        assert f"wrong Cannot drive {model.reason} {model.remedy}" in words(await racer.get("/me/models"))


async def test_a_racer_sees_only_own_models(site: Site, uploaded: Uploaded) -> None:
    other = await site.house.people.register(NewRacer(username="bob"), "test")
    theirs = await uploaded("secret-line.tar.gz", MODEL, other.person_id)
    async with Crew(site, "racer") as racer:
        assert "secret-line" not in (await racer.get("/me/models")).text
        for door in ("", "/delete"):
            answer = await racer.send(f"/me/models/{theirs.model_id}{door}", name="mine")
            assert answer.status_code == 404
            assert "There is no such model." in words(answer)
    assert (await site.house.models.get(theirs.model_id)).name == "secret-line"


async def test_a_model_is_renamed_and_deleted(site: Site, uploaded: Uploaded) -> None:
    model = await uploaded("one.tar.gz", MODEL, site.person_ids["racer"])
    async with Crew(site, "racer") as racer:
        await racer.get("/me/models")
        page = words(await racer.send(f"/me/models/{model.model_id}", name="two"))
        assert "Renamed." in page
        assert "two Ready" in page
        page = words(await racer.send(f"/me/models/{model.model_id}/delete"))
        assert "Deleted." in page
        assert "No models yet" in page


async def test_a_name_that_does_not_fit_is_refused_at_its_field(site: Site, uploaded: Uploaded) -> None:
    model = await uploaded("one.tar.gz", MODEL, site.person_ids["racer"])
    async with Crew(site, "racer") as racer:
        await racer.get("/me/models")
        answer = await racer.send(f"/me/models/{model.model_id}", name="größte Kurve")
        assert answer.status_code == 400
        assert 'value="größte Kurve"' in answer.text
        assert "Use 1 to 60 letters, digits, - and _, for example groesste-Kurve." in words(answer)


async def test_an_unfinished_upload_says_how_to_go_on_and_can_be_given_up(site: Site) -> None:
    new = NewUpload(file_name="half.tar.gz", size_bytes=20_000_000)
    begun = await site.house.uploads.begin(new, site.person_ids["racer"], "test")
    async with Crew(site, "racer") as racer:
        page = words(await racer.get("/me/models"))
        assert "half.tar.gz Stopped half-way 0.0 of 20.0 MB are here. Choose the same file once more" in page
        answer = await racer.send(f"/me/models/uploads/{begun.upload_id}/forget")
        assert "It will not be sent on." in words(answer)
        assert "half.tar.gz" not in answer.text


async def test_nobody_gives_up_somebody_elses_upload(site: Site) -> None:
    new = NewUpload(file_name="half.tar.gz", size_bytes=20_000_000)
    begun = await site.house.uploads.begin(new, site.person_ids["operator"], "test")
    async with Crew(site, "racer") as racer:
        await racer.get("/me/models")
        answer = await racer.send(f"/me/models/uploads/{begun.upload_id}/forget")
        assert answer.status_code == 404
    assert (await site.house.uploads.get(begun.upload_id)).offset == 0


# a file in a plain form


async def test_a_file_of_a_plain_form_becomes_a_model(site: Site) -> None:
    async with Crew(site, "racer") as racer:
        await racer.get("/me/models")
        answer = await send_file(racer, "/me/models", "my sprint.tar.gz", MODEL)
        assert "Your file is here. The box looks into it now." in words(answer)
        assert "my-sprint" in words(answer)


async def test_a_large_file_of_a_plain_form_arrives_byte_for_byte(site: Site) -> None:
    content = model_samples.tar_gz(
        [
            ("agent/model.pb", model_samples.graph(weights_bytes=3_000_000)),
            ("model_metadata.json", model_samples.metadata_bytes()),
        ]
    )
    assert len(content) > 2_500_000
    async with Crew(site, "racer") as racer:
        await racer.get("/me/models")
        await send_file(racer, "/me/models", "large.tar.gz", content)
        (model,) = (await racer._client.get("/api/models")).json()
        answer = await racer._client.get(f"/api/models/{model['model_id']}/file")
    assert answer.content == content


async def test_a_form_with_a_file_and_without_the_pages_token_is_refused(site: Site) -> None:
    async with Crew(site, "racer") as racer:
        await racer.get("/me/models")
        for token in ("", "wrong"):
            answer = await send_file(racer, "/me/models", "sprint.tar.gz", MODEL, token)
            assert answer.status_code == 403
            assert "This form is too old, or it came from another site." in words(answer)
        assert (await racer._client.get("/api/models")).json() == []


async def test_a_file_that_is_no_model_is_refused_in_words(site: Site) -> None:
    async with Crew(site, "racer") as racer:
        await racer.get("/me/models")
        for name, content, said in (
            ("", b"", "No file was chosen."),
            ("empty.tar.gz", b"", "empty.tar.gz is empty."),
            ("holiday.jpg", b"x" * 100, "holiday.jpg is a photo, not a model."),
        ):
            answer = await send_file(racer, "/me/models", name, content)
            assert answer.status_code == 400
            assert said in words(answer)


async def test_a_form_that_breaks_off_is_refused(site: Site) -> None:
    async with Crew(site, "racer") as racer:
        await racer.get("/me/models")
        token = racer.hidden("_csrf")
        body = (
            f'--b\r\ncontent-disposition: form-data; name="_csrf"\r\n\r\n{token}\r\n'
            '--b\r\ncontent-disposition: form-data; name="file"; filename="x.tar.gz"\r\n\r\nand so on, and then'
        )
        headers = {"content-type": "multipart/form-data; boundary=b"}
        answer = await racer._client.post("/me/models", content=body.encode(), headers=headers)
        assert answer.status_code == 400
        assert "The form did not arrive whole. Send it again." in words(answer)


# the crew


async def test_the_crew_sees_everybodys_models_and_filters_them(site: Site, uploaded: Uploaded) -> None:
    people = site.house.people
    anna = (await people.register(NewRacer(username="anna"), "test")).person_id
    await uploaded("fast.tar.gz", MODEL, anna)
    await uploaded("wrong.tar.gz", CHECKPOINT, site.person_ids["racer"])
    await uploaded("walk-up.tar.gz", MODEL, None)
    async with Crew(site, "operator") as crew:
        everything = words(await crew.get("/staff/models"))
        assert all(name in everything for name in ("fast Ready anna", "wrong Cannot drive the-racer", "walk-up"))
        assert names(await crew.get("/staff/models?racer=ann")) == ["fast"]
        assert names(await crew.get("/staff/models?state=NOT_VALID")) == ["wrong"]
        assert names(await crew.get("/staff/models?racer=box")) == ["walk-up"]
        nobody = words(await crew.get("/staff/models?racer=zoe"))
        assert "No racer is called “zoe”. Type other letters." in nobody


async def test_the_list_of_models_goes_on_on_the_next_page(site: Site) -> None:
    def rows(database: sqlite3.Connection) -> None:
        for number in range(102):
            new = NewModel(
                model_id=new_id(), racer_id=None, name=f"m{number}", file_name="m.tar.gz", size_bytes=1,
                archive_sha256=f"{number:064x}", uploaded_at=now_iso(), actor="test",
            )  # fmt: skip
            insert(database, new)
        database.execute("UPDATE model SET status = 'NOT_VALID'")

    await site.house.db.write(rows)
    async with Crew(site, "operator") as crew:
        first = await crew.get("/staff/models")
        assert names(first) == [f"m{number}" for number in range(101, 1, -1)]
        older = first.text.partition('href="/staff/models?racer=&amp;state=&amp;before=')[2].partition('"')[0]
        second = await crew.get(f"/staff/models?before={older}")
        assert names(second) == ["m1", "m0"]
        assert "Newest" in words(second)


async def test_one_model_shows_the_crew_its_digests_and_its_file(site: Site, uploaded: Uploaded) -> None:
    model = await uploaded("fast.tar.gz", MODEL, site.person_ids["racer"])
    assert model.facts is not None
    async with Crew(site, "operator") as crew:
        page = await crew.get(f"/staff/models/{model.model_id}")
        for digest in (model.facts.pb_md5, model.facts.pb_sha256, model.archive_sha256):
            assert digest in page.text
        assert f'href="/api/models/{model.model_id}/file"' in page.text
        assert "the-racer" in words(page)


async def test_the_crew_renames_and_deletes(site: Site, uploaded: Uploaded) -> None:
    model = await uploaded("fast.tar.gz", MODEL, None)
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/models/{model.model_id}")
        assert "Renamed." in words(await crew.send(f"/staff/models/{model.model_id}", name="faster"))
        refused = await crew.send(f"/staff/models/{model.model_id}", name="no good")
        assert refused.status_code == 400
        assert "for example no-good." in words(refused)
        answer = await crew.send(f"/staff/models/{model.model_id}/delete")
        assert parse_qs(urlsplit(str(answer.url)).query) == {"racer": ["box"], "done": ["deleted"]}
        gone = words(await crew.get(f"/staff/models/{model.model_id}"))
        assert "faster" in gone
        assert "Delete it" not in gone


async def test_the_crew_uploads_for_a_racer_and_for_the_box(site: Site) -> None:
    racer_id = site.person_ids["racer"]
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/models?racer={racer_id}")
        answer = await send_file(crew, f"/staff/models?racer={racer_id}", "for-them.tar.gz", MODEL)
        assert "The file is here." in words(answer)
        assert "Models of the-racer" in words(answer)
        answer = await send_file(crew, "/staff/models?racer=box", "walk-up.tar.gz", MODEL)
        assert "Models of the box" in words(answer)
        assert f"put the files into {site.house.settings.data_dir}/models on the box." in words(answer)
        assert "walk-up" in words(answer)
        nobody = await send_file(crew, "/staff/models?racer=nobody", "x.tar.gz", MODEL)
        assert nobody.status_code == 404
    owners = {
        (model["name"], model["racer_id"]) for model in (await site.send("operator", "GET", "/api/models")).json()
    }
    assert owners == {("for-them", racer_id), ("walk-up", None)}


async def test_the_crew_gives_up_an_upload_for_the_box(site: Site) -> None:
    begun = await site.house.uploads.begin(NewUpload(file_name="half.tar.gz", size_bytes=20_000_000), None, "test")
    async with Crew(site, "operator") as crew:
        assert "half.tar.gz" in (await crew.get("/staff/models?racer=box")).text
        answer = await crew.send(f"/staff/models/uploads/{begun.upload_id}/forget")
        assert "half.tar.gz" not in answer.text
        assert "Models of the box" in words(answer)


async def test_a_racers_staff_page_leads_to_the_models_for_those_who_may(site: Site, uploaded: Uploaded) -> None:
    racer_id = site.person_ids["racer"]
    await uploaded("fast.tar.gz", MODEL, racer_id)
    await site.add(Role.REGISTRATION)
    for role, may in (("operator", True), ("registration", False)):
        async with Crew(site, role) as crew:
            page = await crew.get(f"/staff/racers/{racer_id}")
            assert ("fast Ready" in words(page)) is may
            assert (f'href="/staff/models?racer={racer_id}"' in page.text) is may
            assert ('href="/staff/models"' in page.text) is may


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "Front camera · 5 actions · PPO"),
        ({"sensors": ("STEREO_CAMERAS", "LIDAR"), "actions": 1}, "Two cameras and LiDAR · 1 action · PPO"),
        ({"sensors": ("observation", "LEFT_CAMERA"), "algorithm": "sac"}, "Front camera · 5 actions · SAC"),
        (
            {"sensors": ("SECTOR_LIDAR",), "action_space": ActionSpace.CONTINUOUS, "actions": None},
            "LiDAR in sectors · continuous actions · PPO",
        ),
    ],
)
def test_how_a_model_drives_is_said_in_a_few_words(changes: dict[str, object], text: str) -> None:
    fields = {name: getattr(FACTS, name) for name in FACTS.__struct_fields__} | changes
    assert drives(ModelFacts(**fields)) == text


def names(answer: httpx.Response) -> list[str]:
    """The models of a list, in its order."""
    return [part.partition("</b>")[0] for part in answer.text.split('<b class="breaks">')[1:]]
