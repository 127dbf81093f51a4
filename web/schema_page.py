"""
The OpenAPI schema as JSON, and nothing else: no page of somebody's CDN.

Says what Litestar's own schema leaves out: a body that refuses unknown fields has no additional properties, a country
is one of a list, a date is a real day.
"""

from collections.abc import Iterator
from typing import Any

from litestar.connection import Request
from litestar.openapi.plugins import JsonRenderPlugin
from msgspec import Struct

from appliance.countries import COUNTRIES

COUNTRY_PATTERN = r"^[A-Z]{2}$"
DATE_PATTERN = r"^\d{4}-\d{2}-\d{2}$"


class StrictSchema(JsonRenderPlugin):
    """Litestar's schema with `additionalProperties: false` where it is true."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The schema's text."""
        schemas = openapi_schema["components"]["schemas"]
        _say_more(schemas)
        for struct in _structs(Struct):
            if struct.__struct_config__.forbid_unknown_fields and struct.__name__ in schemas:
                schemas[struct.__name__]["additionalProperties"] = False
        return super().render(request, openapi_schema)


def _say_more(node: Any) -> None:
    """What a pattern stands for, in place. None stays possible where it was: it is one of a `oneOf` beside it."""
    if isinstance(node, list):
        for item in node:
            _say_more(item)
    if isinstance(node, dict):
        pattern = node.get("pattern")
        if pattern == COUNTRY_PATTERN:
            node["enum"] = [*COUNTRIES, None] if "oneOf" in node else list(COUNTRIES)
        elif pattern == DATE_PATTERN:
            node["format"] = "date"
        for item in node.values():
            _say_more(item)


def _structs(base: type[Struct]) -> Iterator[type[Struct]]:
    for struct in base.__subclasses__():
        yield struct
        yield from _structs(struct)
