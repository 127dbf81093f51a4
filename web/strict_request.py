"""
JSON bodies are read strictly: `"1"` is not a number and a field of the wrong name is an error with its path.

Litestar itself converts leniently, which is right for a query string and wrong for a body: an accepted mistake is a
mistake that comes back at the track.
"""

from typing import Any

import msgspec
from litestar.connection import Request
from litestar.handlers import HTTPRouteHandler

from appliance.errors import InvalidInput
from web.problem import shape_problem


class StrictRequest(Request[Any, Any, Any]):
    """Decodes the body straight into the struct that the handler asks for."""

    async def json(self) -> Any:
        """
        The body as the handler's own struct.

        Raises:
            InvalidInput: not JSON, or not of that shape; `field` has the path.
        """
        if self.content_type[0] != "application/json":
            raise InvalidInput("The body is not marked as JSON.", "Send it with Content-Type: application/json.")
        handler = self.scope["route_handler"]
        assert isinstance(handler, HTTPRouteHandler)  # noqa: S101  only handlers of requests read bodies
        wanted = handler.parsed_fn_signature.parameters["data"].annotation
        try:
            return _decoded(await self.body(), wanted)
        except msgspec.ValidationError as error:
            problem = shape_problem(str(error))
            raise InvalidInput(problem.message, problem.remedy, field=problem.field) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(f"The body is not JSON: {error}.", "Send one JSON object in UTF-8.") from error


def _decoded(body: bytes, wanted: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=wanted, strict=True)
    except msgspec.ValidationError as error:
        if "got `float`" not in str(error):
            raise
        return msgspec.convert(_whole(msgspec.json.decode(body)), wanted, strict=True)


def _whole(value: Any) -> Any:
    """The value with 3.0 as 3: to JSON, and so to the schema, it is the same number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value
