"""What is odd about a model, beside its name wherever the crew gives it to a car."""

from cars.model_cautions import MARKED, PREMADE
from cars.model_structs import ActionSpace, ModelFacts, ModelStatus, ModelView
from tests.web.car_day import enrol, upload
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import add_racer
from timing.structs import Event

LIDAR = ("FRONT_FACING_CAMERA", "LIDAR")
CAUTION = "It needs a LiDAR: a car without one cannot drive it."


def view_with(*warnings: str) -> ModelView:
    facts = ModelFacts(
        pb_md5="", pb_sha256="", pb_bytes=1, metadata_md5="", metadata_sha256="", metadata_bytes=1, sensors=(),
        action_space=ActionSpace.DISCRETE, actions=5, algorithm="clipped_ppo", has_premade=False, warnings=warnings,
    )  # fmt: skip
    return ModelView(
        model_id="m", racer_id=None, username=None, name="m", file_name="m.tar.gz", status=ModelStatus.AVAILABLE,
        size_bytes=1, archive_sha256="", uploaded_at="", reason=None, remedy=None, facts=facts,
    )  # fmt: skip


def test_what_the_box_has_seen_to_is_no_caution() -> None:
    assert view_with(PREMADE, CAUTION, MARKED).cautions == (CAUTION,)


async def test_the_push_page_has_it_beside_the_model(site: Site) -> None:
    await enrol(site.house, "Blue 1")
    await upload(site, None, "with-lidar", sensors=LIDAR)
    await upload(site, None, "plain")
    async with Crew(site, "operator") as crew:
        shown = words(await crew.get("/staff/pushes"))
    assert f"with-lidar the box {CAUTION}" in shown
    assert "plain the box" in shown
    assert shown.count(CAUTION) == 1


async def test_the_line_and_the_page_to_prepare_have_it_before_and_after_the_tap(site: Site, event: Event) -> None:
    await enrol(site.house, "Blue 1")
    anna = await add_racer(site.house, "anna")
    await upload(site, anna, "with-lidar", sensors=LIDAR)
    queue_id = (await site.house.queue.add(event.event_id, "1", anna, "test")).queue_id
    line = f"/staff/events/{event.event_id}/tracks/1/queue"
    async with Crew(site, "operator") as crew:
        assert f"with-lidar → Blue 1 Not sent yet {CAUTION}" in words(await crew.get(line))
        assert f"with-lidar of anna {CAUTION}" in words(await crew.get(f"{line}/{queue_id}/prepare"))
        await crew.send(f"{line}/send-next")
        (push,) = site.house.pushes.all_open()
        await site.house.pushes.cancel(push.push_id, "test")
        sent = words(await crew.get(line))
    assert "with-lidar → Blue 1 Not sent yet" not in sent
    assert sent.partition("with-lidar → Blue 1")[2].count(CAUTION) == 1
