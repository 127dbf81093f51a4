"""A browser can be led to send requests; they come to nothing. And every answer says what a page may load."""

import re
from html.parser import HTMLParser

import pytest

from tests.web.conftest import ANONYMOUS, Site
from timing.structs import Event
from web.auth import safe_next
from web.security import CONTENT_SECURITY_POLICY

EVENT = {"name": "Made by a browser"}
TOO_OLD = {
    "message": "This form is too old, or it came from another site.",
    "remedy": "Reload the page and send it again.",
}


async def test_a_cookie_alone_changes_nothing(site: Site) -> None:
    async with site.browser("admin") as browser:
        assert (await browser.get("/api/people")).status_code == 200
        answer = await browser.post("/api/events", json=EVENT)
    assert (answer.status_code, answer.json()) == (403, TOO_OLD)
    assert site.house.events.list() == []


async def test_a_cookie_with_the_pages_token_does(site: Site) -> None:
    async with site.browser("admin") as browser:
        browser.cookies.set("csrftoken", "a-token")
        answer = await browser.post("/api/events", json=EVENT, headers={"x-csrftoken": "a-token"})
    assert answer.status_code == 201


@pytest.mark.parametrize(("kept", "sent"), [("a-token", "another"), (None, "a-token"), ("a-token", "")])
async def test_a_token_that_is_not_the_cookies_is_refused(site: Site, kept: str | None, sent: str) -> None:
    async with site.browser("admin") as browser:
        if kept:
            browser.cookies.set("csrftoken", kept)
        answer = await browser.post("/api/events", json=EVENT, headers={"x-csrftoken": sent})
    assert answer.status_code == 403


async def test_a_token_that_is_none_of_ours_is_replaced(site: Site) -> None:
    async with site.browser("admin") as browser:
        browser.cookies.set("csrftoken", "it's-not")
        page = await browser.get("/me")
    token = page.cookies["csrftoken"]
    assert len(token) == 32
    assert f'{{"x-csrftoken": "{token}"}}' in page.text


async def test_another_site_is_refused_even_with_the_token(site: Site) -> None:
    async with site.browser("admin") as browser:
        browser.cookies.set("csrftoken", "a-token")
        headers = {"x-csrftoken": "a-token", "sec-fetch-site": "cross-site"}
        answer = await browser.post("/api/events", json=EVENT, headers=headers)
    assert answer.status_code == 403


async def test_a_bearer_token_needs_no_csrf_token(site: Site) -> None:
    answer = await site.send("admin", "POST", "/api/events", json=EVENT)
    assert answer.status_code == 201


async def test_signing_in_by_a_form_of_another_site_is_refused(site: Site) -> None:
    answer = await site.send(ANONYMOUS, "POST", "/sign-in", data={"username": "x", "password": "y"})
    assert answer.status_code == 403
    assert TOO_OLD["message"] in answer.text


async def test_the_sign_in_page_hands_out_the_token_its_form_carries(site: Site) -> None:
    async with site.browser() as browser:
        page = await browser.get("/sign-in")
        assert page.status_code == 200
        field = re.search(r'name="_csrf" value="([^"]+)"', page.text)
        assert field is not None
        assert browser.cookies["csrftoken"] == field[1]
        cookie = page.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie


async def test_every_answer_has_the_policy(site: Site) -> None:
    for path in ("/", "/nothing", "/api/events", "/api/nothing", "/schema", "/static/x/nothing.css"):
        answer = await site.send(ANONYMOUS, "GET", path)
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY, path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["referrer-policy"] == "same-origin", path
        assert answer.headers["x-frame-options"] == "DENY", path


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'")


async def test_what_somebody_signed_in_sees_is_not_kept(site: Site) -> None:
    async with site.browser("admin") as browser:
        assert (await browser.get("/api/people")).headers["cache-control"] == "no-store"
        assert (await browser.get("/")).headers["cache-control"] == "no-store"


class Inline(HTMLParser):
    """Collects what a strict policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.blocked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Styles, handlers and scripts inside the page; anything from elsewhere."""
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.blocked.append(tag)
        self.blocked += [name for name in names if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            value = names.get(name) or ""
            if tag in ("script", "link", "img", "form") and value.startswith(("http", "//")):
                self.blocked.append(value)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/sign-up", "/badge", "/nothing"])
async def test_no_public_page_needs_what_the_policy_blocks(site: Site, path: str) -> None:
    page = await site.send(ANONYMOUS, "GET", path)
    parser = Inline()
    parser.feed(page.text)
    assert parser.blocked == []


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/staff", "/staff"),
        ("/staff/races?state=over", "/staff/races?state=over"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/staff\r\nSet-Cookie: a=b", "/"),
        ("/a\\b", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_after_signing_in_nobody_leaves_the_box(asked: str | None, goes: str) -> None:
    assert safe_next(asked) == goes


@pytest.mark.parametrize("path", ["/", "/api/events", "/schema", "/nothing"])
async def test_head_answers_as_get_without_the_body(site: Site, path: str) -> None:
    got = await site.send(ANONYMOUS, "GET", path)
    head = await site.send(ANONYMOUS, "HEAD", path)
    assert head.status_code == got.status_code
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.content == b""


async def test_head_of_a_stream_is_refused_and_does_not_hang(site: Site, event: Event) -> None:
    answer = await site.send(ANONYMOUS, "HEAD", f"/api/events/{event.event_id}/live")
    assert answer.status_code == 405
