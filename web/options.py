"""
`OPTIONS` for every address of the API: which methods it has.

Litestar makes these itself, but for an address whose methods are registered one by one it names only the first.
"""

from collections import defaultdict
from collections.abc import Iterable

from litestar.handlers import HTTPRouteHandler
from litestar.response import Response


def options_of(handlers: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """One handler for each address of `handlers`; to be registered before them."""
    methods: defaultdict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
    for handler in handlers:
        for path in handler.paths:
            methods[path] |= {str(method) for method in handler.http_methods}
    return [_options(path, ", ".join(sorted(allowed))) for path, allowed in methods.items()]


def _options(path: str, allow: str) -> HTTPRouteHandler:
    def options() -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": allow})

    handler = HTTPRouteHandler(
        path, http_method="OPTIONS", status_code=204, include_in_schema=False, sync_to_thread=False
    )
    return handler(options)
