"""
The web application: every page and every API call of the box on one Litestar, around one `House`.

Owns what holds for all routes: guards, headers, errors, compression, the schema. Refuses to know any route's work.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import fields
from typing import Any

from litestar import Litestar, Request, Router
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

import web.api
import web.pages.public
import web.pages.staff
from appliance.errors import ApplianceError
from web.application import Application
from web.auth import house_of, know_viewer, provide_viewer
from web.csrf import check_csrf
from web.errors import on_appliance_error, on_http_error, on_unexpected
from web.house import House
from web.options import options_of
from web.schema_page import StrictSchema
from web.security import add_headers
from web.static_files import read_own_files, static_file
from web.streams import Streams
from web.strict_request import StrictRequest
from web.turnstile import Turnstile, new_turnstile

BODY_BYTES = 64 * 1024
"""The largest body any call here takes; a route for uploads raises it for itself."""
GZIP_FROM_BYTES = 700
"""Below it a page fits one packet anyway."""


def create_app(house: House) -> Litestar:
    """The application around `house`; its live streams run from start-up until `end_streams`."""
    app = bare_app()
    move_in(app, house)
    return app


def move_in(app: Litestar, house: House) -> None:
    """Serve `house` from now on; only while the application does not run."""
    app.state.house = house
    app.state.streams = Streams.of(house)
    app.state.turnstile = new_turnstile()


def bare_app() -> Litestar:
    """Every route, and no house yet: `move_in` comes before it runs."""
    # The schema is for programs: pages are no part of it.
    pages: list[Any] = [*web.pages.public.ROUTES, *web.pages.staff.ROUTES, static_file]
    api: list[Any] = [*options_of(web.api.ROUTES), *web.api.ROUTES]
    routes: list[Any] = [*api, Router(path="/", route_handlers=pages, include_in_schema=False)]
    return Application(
        route_handlers=routes,
        dependencies={
            "house": Provide(_house, sync_to_thread=False),
            "viewer": Provide(provide_viewer, sync_to_thread=False),
            **{field.name: _stream(field.name) for field in fields(Streams)},
        },
        middleware=[Turnstile()],
        guards=[know_viewer, check_csrf],
        before_send=[add_headers],
        exception_handlers={
            ApplianceError: on_appliance_error,
            HTTPException: on_http_error,
            Exception: on_unexpected,
        },
        on_startup=[read_own_files],
        lifespan=[_streams_running],
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
    app.state.streams.close()


def _streams_running(app: Litestar) -> AbstractAsyncContextManager[None]:
    streams: Streams = app.state.streams
    return streams.running()


def _house(request: Request[Any, Any, Any]) -> House:
    return house_of(request)


def _stream(name: str) -> Provide:
    def stream(request: Request[Any, Any, Any]) -> Any:
        return getattr(request.app.state.streams, name)

    return Provide(stream, sync_to_thread=False)


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
