"""
From a template and values to an answer. Owns the Jinja environment, its filters and globals; knows no room's data.

Use `page` for a whole page, `fragment` for one block of a template (htmx), `render` and `render_block` where there
is no request (one panel rendered once for many screens).

Every template sees: `viewer` (or None), `can("run_races")`, `csrf_input()`, `csrf_token()`, `path`, `theme`,
`has_cars` (any is paired), `static_url("css/app.css")`, `countries`, `colours`, `state_words`. Filters: `lap` 00:09.123
(DREM's mm:ss.mmm), `countdown` 01:58.3, `gap` +1.234, `flag`, `country`, `colour` (its class), `colour_name`,
`initials`, `day` 22 Nov 2026, `at` 14:05, `second` 14:05:09, `moment` 22 Nov, 14:05, `megabytes` 21.3 MB.
StrictUndefined: a missing value is an error, never an empty space.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.enums import MediaType
from markupsafe import Markup

from appliance.people_structs import COLOURS
from appliance.permissions import Permission
from appliance.sessions import Viewer
from web import formats
from web.countries import COUNTRIES, country_name, flag
from web.csrf import csrf_token
from web.static_files import static_url

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("light", "dark")
STATE_WORDS = {
    "ready": "Ready to start",
    "running": "On the track",
    "paused": "Paused",
    "over": "Finished",
    "submitted": "Handed in",
    "discarded": "Thrown away",
}
"""A race's states as people read them."""


def colour_class(colour: str | None) -> str:
    """The CSS class of a racer's colour; blue when none is chosen, as DREM's cars are lit (drem.md 6.3)."""
    return f"c-{colour}" if colour in COLOURS else "c-blue"


def colour_name(colour: str) -> str:
    """ "Sky blue" for sky_blue."""
    return colour.replace("_", " ").capitalize()


@cache
def environment() -> Environment:
    """The one Jinja environment; templates are compiled when first used and kept."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    env.globals.update(static_url=static_url, countries=COUNTRIES, colours=tuple(COLOURS), state_words=STATE_WORDS)
    env.filters.update(
        lap=formats.lap,
        countdown=formats.countdown,
        gap=formats.gap,
        initials=formats.initials,
        megabytes=formats.megabytes,
        day=formats.day,
        at=formats.at,
        second=formats.second,
        moment=formats.moment,
        flag=flag,
        country=country_name,
        colour=colour_class,
        colour_name=colour_name,
    )
    return env


def warm() -> int:
    """Compile every template now instead of at the first visit; answers how many. Takes some 5 ms each."""
    env = environment()
    names = env.list_templates(extensions=["html"])
    for name in names:
        env.get_template(name)
    return len(names)


def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> Response[str]:
    """A whole page for this visitor."""
    html = environment().get_template(template).render(visitor_context(request) | context)
    return _answer(html, status, headers)


def fragment(
    request: Request[Any, Any, Any],
    template: str,
    block: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> Response[str]:
    """One block of a template for this visitor: what htmx swaps in. The page's outline around it is not rendered."""
    return _answer(render_block(template, block, **(visitor_context(request) | context)), status, headers)


def render(template: str, **context: object) -> str:
    """A template's text without a request; `viewer` is None and there are no form tokens."""
    return environment().get_template(template).render(_no_visitor() | context)


def render_block(template: str, block: str, **context: object) -> str:
    """One block of a template; without a request unless the context brings a visitor's values."""
    compiled = environment().get_template(template)
    values = compiled.new_context(_no_visitor() | context)
    return "".join(compiled.blocks[block](values))


def visitor_context(request: Request[Any, Any, Any]) -> dict[str, object]:
    """What every page knows about who asks: viewer, rights, form token, path and theme."""
    viewer: Viewer | None = request.scope["state"].get("viewer")
    wanted = request.query_params.get("theme") or request.cookies.get("theme")
    return {
        "viewer": viewer,
        "can": _can_of(viewer),
        "csrf_token": lambda: csrf_token(request),
        "csrf_input": lambda: Markup('<input type="hidden" name="_csrf" value="{}">').format(csrf_token(request)),
        "path": request.url.path,
        "theme": wanted if wanted in THEMES else None,
        "has_cars": bool(request.app.state.house.cars.all()),
    }


def _no_visitor() -> dict[str, object]:
    return {
        "viewer": None,
        "can": _can_of(None),
        "csrf_token": lambda: "",
        "csrf_input": lambda: Markup(""),
        "path": "",
        "theme": None,
        "has_cars": False,
    }


def _can_of(viewer: Viewer | None) -> Callable[[str], bool]:
    def can(permission: str) -> bool:
        return viewer is not None and viewer.can(Permission(permission))

    return can


def _answer(html: str, status: int, headers: Mapping[str, str] | None) -> Response[str]:
    return Response(content=html, status_code=status, media_type=MediaType.HTML, headers=dict(headers or {}))
