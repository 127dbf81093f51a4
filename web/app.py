"""
The web application: every page and every API call of the box on one Litestar, around one `House`.

Owns what holds for all routes: guards, headers, errors, compression, the schema. Refuses to know any route's work.
"""

from typing import Any

from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

import web.api
import web.pages.public
import web.pages.staff
from appliance.errors import ApplianceError
from web.application import Application
from web.auth import know_viewer, provide_viewer
from web.crew_live import CrewLive
from web.csrf import check_csrf
from web.errors import on_appliance_error, on_http_error, on_unexpected
from web.house import House
from web.live import Live
from web.options import options_of
from web.push_live import PushLive
from web.schema_page import StrictSchema
from web.security import add_headers
from web.staff_live import StaffLive
from web.static_files import read_own_files, static_file
from web.strict_request import StrictRequest
from web.strip_check_live import StripCheckLive
from web.strip_live import StripLive
from web.turnstile import Turnstile

BODY_BYTES = 64 * 1024
"""The largest body any call here takes; a route for uploads raises it for itself."""
GZIP_FROM_BYTES = 700
"""Below it a page fits one packet anyway."""


def create_app(house: House) -> Litestar:
    """The application around `house`; its live streams run from start-up until `end_streams`."""
    # The schema is for programs: pages are no part of it.
    pages: list[Any] = [*web.pages.public.ROUTES, *web.pages.staff.ROUTES, static_file]
    api: list[Any] = [*options_of(web.api.ROUTES), *web.api.ROUTES]
    routes: list[Any] = [*api, Router(path="/", route_handlers=pages, include_in_schema=False)]
    live, staff_live, strip_live = Live(house), StaffLive(house), StripLive(house)
    push_live = PushLive(house)
    crew_live = CrewLive(house, lambda: live.screens, lambda: staff_live.pages + strip_live.pages)
    strip_check_live = StripCheckLive(house)
    streams = (live, staff_live, strip_live, push_live, crew_live, strip_check_live)
    return Application(
        route_handlers=routes,
        state=State({"house": house, "streams": streams}),
        dependencies={
            "house": Provide(lambda: house, sync_to_thread=False),
            "live": Provide(lambda: live, sync_to_thread=False),
            "staff_live": Provide(lambda: staff_live, sync_to_thread=False),
            "strip_live": Provide(lambda: strip_live, sync_to_thread=False),
            "push_live": Provide(lambda: push_live, sync_to_thread=False),
            "crew_live": Provide(lambda: crew_live, sync_to_thread=False),
            "strip_check_live": Provide(lambda: strip_check_live, sync_to_thread=False),
            "viewer": Provide(provide_viewer, sync_to_thread=False),
        },
        middleware=[Turnstile()],
        guards=[know_viewer, check_csrf],
        before_send=[add_headers],
        exception_handlers={
            ApplianceError: on_appliance_error,
            HTTPException: on_http_error,
            Exception: on_unexpected,
        },
        plugins=[live.channels],
        on_startup=[read_own_files],
        lifespan=[stream.running for stream in streams],
        compression_config=CompressionConfig(
            backend="gzip", minimum_size=GZIP_FROM_BYTES, gzip_compress_level=6, exclude_opt_key="no_gzip"
        ),
        openapi_config=_openapi(),
        request_class=StrictRequest,
        request_max_body_size=BODY_BYTES,
        logging_config=None,
    )


def end_streams(app: Litestar) -> None:
    """
    End every open stream now. Call it when the box is told to stop, before the server waits for its connections.
    """
    for stream in app.state["streams"]:
        stream.close()


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Trackside",
        version="1",
        description="The box's API. Errors are `{message, remedy, field?}`. See docs/api.md.",
        path="/schema",
        render_plugins=[StrictSchema(path=["/", "/openapi.json"])],
        components=Components(
            security_schemes={
                "token": SecurityScheme(
                    type="http", scheme="bearer", description="The token that POST /api/session answers."
                )
            }
        ),
        use_handler_docstrings=True,
    )
