"""Every page and form, asked by nobody and by a racer: what is not public is closed."""

import re

from litestar.handlers import HTTPRouteHandler

from tests.web.conftest import ANONYMOUS, Site

NOWHERE = "0190a000-0000-7000-8000-000000000000"

PUBLIC = {
    "/",
    "/badge",
    "/events/{event_id}/board",
    "/manifest.webmanifest",
    "/qr.svg",
    "/racers/{racer_id}",
    "/setup",
    "/sign-in",
    "/sign-out",
    "/sign-up",
    "/static/{version}/{name}",
    "/schema",
    "/schema/openapi.json",
    "/schema/{path}",
    "/favicon.ico",
}
"""Open to everybody; anything not listed here, not /me and not below /staff or /api fails the test."""
OWN = {"/me"}
"""Anybody who is signed in."""


def pages(site: Site) -> set[tuple[str, str]]:
    """Method and address of everything that is not the API."""
    found = set()
    for route in site.app.routes:
        for handler in getattr(
            route, "route_handlers", [route.route_handler] if hasattr(route, "route_handler") else []
        ):
            if isinstance(handler, HTTPRouteHandler) and not route.path.startswith("/api"):
                for method in handler.http_methods - {"OPTIONS"}:
                    found.add((str(method), route.path))
    return found


def address_of(path: str) -> str:
    """The address of a thing that does not exist."""
    return re.sub(r"{\w+:\w+}", NOWHERE, re.sub(r"{\w+:int}", "1", path))


def kind_of(route: str) -> str:
    """Which table a page belongs to."""
    path = re.sub(r":[a-z]+}", "}", route)
    if path == "/staff" or path.startswith("/staff/"):
        return "staff"
    if path in OWN or any(path.startswith(f"{own}/") for own in OWN):
        return "own"
    return "public" if path in PUBLIC else "unknown"


async def test_every_page_is_in_a_table(site: Site) -> None:
    there = pages(site)
    assert ("GET", "/staff") in there
    assert {path for _, path in there if kind_of(path) == "unknown"} == set()


async def test_nobody_and_no_racer_reaches_a_staff_page(site: Site) -> None:
    for method, path in sorted(pages(site)):
        if kind_of(path) != "staff":
            continue
        address = address_of(path)
        async with site.browser() as browser:
            browser.cookies.set("csrftoken", "t")
            nobody = await browser.request(method, address, headers={"x-csrftoken": "t"})
        assert nobody.status_code == 303, (method, path)
        assert nobody.headers["location"].startswith("/sign-in"), (method, path)
        async with site.browser("racer") as browser:
            browser.cookies.set("csrftoken", "t")
            racer = await browser.request(method, address, headers={"x-csrftoken": "t"})
        assert racer.status_code == 403, (method, path, racer.status_code)


async def test_a_page_of_ones_own_leads_to_sign_in_and_back(site: Site) -> None:
    answer = await site.send(ANONYMOUS, "GET", "/me?tab=badge")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/me%3Ftab%3Dbadge"
