"""Static files: kept for ever under their hash, small on the wire, and nothing from outside the folder."""

import gzip
from pathlib import Path

import pytest

from tests.web.conftest import ANONYMOUS, Site
from web.static_files import read_tree, static_url, tree


async def test_a_hashed_address_is_kept_for_ever_and_sent_compressed(site: Site) -> None:
    async with site.client() as client, client.stream("GET", static_url("css/app.css")) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw) == tree().files["css/app.css"].body


async def test_who_takes_no_gzip_gets_the_plain_file(site: Site) -> None:
    answer = await site.send(ANONYMOUS, "GET", static_url("css/app.css"), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.content == tree().files["css/app.css"].body


async def test_a_page_from_before_an_upgrade_still_finds_its_files(site: Site) -> None:
    answer = await site.send(ANONYMOUS, "GET", "/static/0123456789ab/css/app.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["css/nothing.css", "vendor/vendor.toml", "../app.py", "%2e%2e/app.py", "css/"])
async def test_nothing_else_is_served(site: Site, name: str) -> None:
    answer = await site.send(ANONYMOUS, "GET", f"/static/{tree().version}/{name}")
    assert answer.status_code == 404
    assert b"create_app" not in answer.content


def test_any_change_of_a_file_changes_every_address(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "a.css").write_text("a{}")
    before = read_tree(tmp_path)
    (tmp_path / "css" / "a.css").write_text("b{}")
    assert read_tree(tmp_path).version != before.version


def test_an_unknown_name_fails_when_the_page_is_made() -> None:
    with pytest.raises(KeyError, match=r"web/static has no css/nothing\.css"):
        static_url("css/nothing.css")
