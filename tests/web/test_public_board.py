"""The board's first answer: everything a phone without script needs (reference/drem.md 4.2)."""

import re

import pytest

from tests.web.conftest import Site
from tests.web.racing_day import CREW, act, add_racer, hand_in, start_race
from timing.journal import Kind
from timing.structs import Event, EventPatch, NewTrack

ROW = re.compile(r'<li class="([^"]*)" data-id="([^"]+)">(.*?)</li>', re.DOTALL)


def text_of(html: str) -> str:
    """What a person reads, with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


async def board_of(site: Site, event: Event, query: str = "") -> str:
    """The page, which must be there."""
    answer = await site.send("anonymous", "GET", f"/events/{event.event_id}/board{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def rows_of(html: str) -> list[str]:
    """The rows of the list itself, as text; the template for the script is not one of them."""
    listed = html.split('id="rows"')[1].split("</ol>", maxsplit=1)[0]
    return [text_of(row) for _, _, row in ROW.findall(listed)]


async def test_rows_are_ranked_with_place_name_laps_gap_and_time(site: Site, event: Event) -> None:
    anna = await add_racer(site.house, "anna", "DE", "red")
    bob = await add_racer(site.house, "bob")
    await hand_in(site.house, event, bob, [9_500, 9_123])
    await hand_in(site.house, event, anna, [10_000, None], by_proxy=True)
    html = await board_of(site, event)
    assert rows_of(html) == ["1 B bob 2/2 00:09.123", "2 A \U0001f1e9\U0001f1ea DE anna * 1/2 +0.877 00:10.000"]
    assert 'class="c-blue p1"' in html
    assert 'class="c-red p2"' in html


async def test_a_racer_without_a_valid_lap_stands_last_without_a_place(site: Site, event: Event) -> None:
    await hand_in(site.house, event, await add_racer(site.house, "unlucky"), [None])
    await hand_in(site.house, event, await add_racer(site.house, "zoe"), [9_000])
    assert rows_of(await board_of(site, event)) == ["1 Z zoe 1/1 00:09.000", "– U unlucky 0/1 DNF"]


async def test_equal_times_share_the_place(site: Site, event: Event) -> None:
    house = site.house
    first, second = await add_racer(house, "one"), await add_racer(house, "two")
    await hand_in(house, event, first, [9_000])
    await hand_in(house, event, second, [9_000])
    places = [row.split()[0] for row in rows_of(await board_of(site, event))]
    # The earlier one is ahead (the tie-break by the time it was set), so they do not share.
    assert places == ["1", "2"]


async def test_an_empty_board_says_what_will_come(site: Site, event: Event) -> None:
    html = await board_of(site, event)
    assert "No times yet" in text_of(html)
    assert rows_of(html) == []


async def test_the_address_picks_track_format_flags_scrolling_and_qr(site: Site, event: Event) -> None:
    anna = await add_racer(site.house, "anna", "DE")
    await hand_in(site.house, event, anna, [9_000, 9_300, 9_600])
    await hand_in(site.house, event, anna, [8_000], track_id="2")
    assert rows_of(await board_of(site, event, "?track=2&flag=false")) == ["1 A anna 1/1 00:08.000"]
    assert rows_of(await board_of(site, event, "?track=1&format=average&flag=false")) == ["1 A anna 3/3 00:09.300"]
    assert rows_of(await board_of(site, event, "?track=combined&flag=false")) == ["1 A anna 1/1 00:08.000"]
    default = await board_of(site, event)
    assert "data-scroll" in default
    assert "data-scroll" not in await board_of(site, event, "?scroll=false")
    assert "/qr.svg" not in default
    header, foot = await board_of(site, event, "?qr=header"), await board_of(site, event, "?qr=footer")
    assert "/qr.svg" in header.split("</header>")[0]
    assert "/qr.svg" in foot.split('class="bd-text"')[1]


@pytest.mark.parametrize("query", ["?format=slowest", "?track=10", "?lang=jp", "?qr=true", "?scroll=maybe", "?flag="])
async def test_an_unknown_value_is_as_if_it_were_not_there(site: Site, event: Event, query: str) -> None:
    await hand_in(site.house, event, await add_racer(site.house, "anna"), [9_000])
    assert rows_of(await board_of(site, event, query)) == ["1 A anna 1/1 00:09.000"]


async def test_the_live_race_and_the_next_racers_are_in_the_first_answer(site: Site, event: Event) -> None:
    anna, bob = await add_racer(site.house, "anna"), await add_racer(site.house, "bob", "SE")
    await site.house.queue.add(event.event_id, "1", bob, CREW)
    race = await start_race(site.house, event, anna)
    await act(site.house, race, Kind.LAP)
    foot = text_of((await board_of(site, event)).split('id="foot"')[1])
    assert "anna On the track Left , run 1 Time left 01:59." in foot
    assert "Lap 2" in foot
    assert "Next bob" in foot
    assert "anna" not in text_of((await board_of(site, event, "?track=2")).split('id="foot"')[1])


async def test_the_track_footer_and_the_sponsor_are_shown(site: Site, event: Event) -> None:
    tracks = [NewTrack(name="Left", track_id="1", footer="Hall 7"), NewTrack(name="Right", track_id="2")]
    await site.house.events.patch(event.event_id, EventPatch(sponsor="The Café", tracks=tracks), CREW)
    html = await board_of(site, event)
    assert "presented by <b>The Café</b>" in html
    assert "Hall 7" in text_of(html.split('id="foot"')[1])
    assert "Hall 7" not in await board_of(site, event, "?track=2")


async def test_an_unknown_event_is_a_page_that_says_so(site: Site) -> None:
    answer = await site.send("anonymous", "GET", "/events/none/board")
    assert answer.status_code == 404
    assert "There is no such event." in answer.text
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_name_cannot_become_markup_or_style(site: Site, event: Event) -> None:
    await hand_in(site.house, event, await add_racer(site.house, "anna"), [9_000])
    await site.house.events.patch(event.event_id, EventPatch(name='<b>"Cup"</b>', sponsor="<script>"), CREW)
    html = await board_of(site, event)
    assert "<b>&#34;Cup" not in html
    assert "&lt;script&gt;" in html
    assert " style=" not in html
    assert not re.search(r"<script(?![^>]* src=)", html)
