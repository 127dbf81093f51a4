"""The home page, a racer's page, QR codes, and what holds for every public page."""

import re

import pytest

from tests.web.conftest import Site
from tests.web.racing_day import CREW, add_racer, hand_in, start_race
from tests.web.test_public_board import text_of
from timing.structs import Event
from web.render import environment, render, render_block, warm


async def test_home_before_the_first_event_says_what_to_do(site: Site) -> None:
    assert "There is no event yet. As soon as the crew makes one, it is here." in text_of(
        (await site.send("anonymous", "GET", "/")).text
    )
    async with site.browser("admin") as browser:
        assert 'href="/staff/events"' in (await browser.get("/")).text


async def test_home_shows_who_is_racing_the_top_of_the_board_and_the_ways_in(site: Site, event: Event) -> None:
    anna, bob = await add_racer(site.house, "anna"), await add_racer(site.house, "bob")
    await hand_in(site.house, event, anna, [9_000])
    await start_race(site.house, event, bob, "2")
    html = (await site.send("anonymous", "GET", "/")).text
    text = text_of(html)
    assert "Rehearsal" in text
    assert "bob On the track Right" in text
    assert "1 A anna 1/1 00:09.000" in text
    assert 'href="/sign-up"' in html
    assert "/qr.svg?path=/" in html


async def test_a_racers_page_has_place_gap_runs_and_laps(site: Site, event: Event) -> None:
    anna, bob = await add_racer(site.house, "anna"), await add_racer(site.house, "bob")
    await hand_in(site.house, event, anna, [9_000])
    await hand_in(site.house, event, bob, [9_500, None, 9_250])
    text = text_of((await site.send("anonymous", "GET", f"/racers/{bob}?event={event.event_id}")).text)
    assert "Left 2 racers Place 2 Best lap 00:09.250" in text
    assert "To anna −0.250" in text
    assert "Run 1 · Left" in text
    assert "1 00:09.500 0" in text
    assert "2 00:20.000 invalid 0" in text


async def test_a_racers_page_without_results_says_so(site: Site, event: Event) -> None:
    anna = await add_racer(site.house, "anna")
    answer = await site.send("anonymous", "GET", f"/racers/{anna}")
    assert answer.status_code == 200
    assert "No result yet" in answer.text


async def test_the_page_of_a_merged_duplicate_leads_to_the_racer(site: Site, event: Event) -> None:
    keep, duplicate = await add_racer(site.house, "anna"), await add_racer(site.house, "anna2")
    await site.house.people.merge(keep, duplicate, CREW)
    answer = await site.send("anonymous", "GET", f"/racers/{duplicate}?event={event.event_id}")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/racers/{keep}?event={event.event_id}")


async def test_staff_who_never_raced_have_no_public_page(site: Site, event: Event) -> None:
    assert (await site.send("anonymous", "GET", f"/racers/{site.person_ids['operator']}")).status_code == 404


async def test_a_qr_code_is_a_drawing_of_a_page_of_this_box(site: Site) -> None:
    answer = await site.send("anonymous", "GET", "/qr.svg?path=/sign-up")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.text.startswith("<svg")


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/\\evil.example", "sign-up", "/" + "a" * 500]
)
async def test_a_qr_code_never_leads_elsewhere(site: Site, path: str) -> None:
    answer = await site.send("anonymous", "GET", "/qr.svg", params={"path": path})
    assert answer.status_code == 400
    assert "A code can only lead to a page of this box." in answer.text


PAGES = ("/", "/sign-up", "/sign-in", "/badge", "/setup", "/nothing-here", "/events/{event}/board", "/racers/{racer}")


@pytest.mark.parametrize("path", PAGES)
async def test_every_public_page_is_whole_and_within_the_strict_policy(site: Site, event: Event, path: str) -> None:
    racer = await add_racer(site.house, "anna", "DE", "lime")
    await hand_in(site.house, event, racer, [9_000, 9_100, 9_200])
    await start_race(site.house, event, racer)
    html = (await site.send("anonymous", "GET", path.format(event=event.event_id, racer=racer))).text
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
    assert not re.search(r"<script(?![^>]* src=)|<style", html)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
    assert html.count("<h1") == 1


async def test_the_theme_comes_from_the_address_or_the_cookie(site: Site) -> None:
    assert 'data-theme="dark"' in (await site.send("anonymous", "GET", "/?theme=dark")).text
    async with site.browser() as browser:
        browser.cookies.set("theme", "light")
        assert 'data-theme="light"' in (await browser.get("/")).text
    assert "data-theme=" not in (await site.send("anonymous", "GET", "/?theme=pink")).text.split("<body")[0]


async def test_the_first_visit_of_the_board_stays_small(site: Site, event: Event) -> None:
    for number in range(24):
        await hand_in(site.house, event, await add_racer(site.house, f"racer-{number}", "DE"), [9_000 + number])
    async with site.browser() as browser:
        browser.headers["accept-encoding"] = "gzip"
        asked, bytes_ = {f"/events/{event.event_id}/board?qr=footer"}, 0
        done: set[str] = set()
        while asked - done:
            path = (asked - done).pop()
            done.add(path)
            async with browser.stream("GET", path) as answer:
                assert answer.status_code == 200
                body = await answer.aread()
                bytes_ += answer.num_bytes_downloaded + 400
            text = body.decode()
            asked |= set(re.findall(r'(?:href|src)="(/(?:static/|qr\.svg)[^"]+)"', text.replace("&amp;", "&")))
            asked |= {f"{path.rsplit('/', 1)[0]}/{name}" for name in re.findall(r'from "\./(\w+\.js)"', text)}
    assert len(done) > 8
    assert bytes_ < 60_000


def test_every_template_compiles() -> None:
    assert warm() == len(environment().list_templates(extensions=["html"]))


def test_a_panel_is_rendered_without_a_request() -> None:
    assert render_block("public/_turn.html", "turn", turns=[]) == ""
    assert "<!doctype html>" in render("error.html", title="Not Found", message="m", remedy="r")
