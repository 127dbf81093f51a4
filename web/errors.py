"""
What a refused or failed request answers: one JSON shape for programs, the same words on a page for people.

Nothing of the inside leaks: an unexpected error answers an id, and the log has the rest under that id.
"""

import logging
import secrets
from http import HTTPStatus
from typing import Any

from litestar.connection import Request
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect, Response

from appliance.errors import ApplianceError, NotSignedIn, TooManyTries
from web.auth import Connection, sign_in_address
from web.error_page import error_page
from web.problem import SEND_AGAIN, Problem, shape_problem

log = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]
CLIENT_GONE = "client disconnected prematurely"
"""Litestar's words for a body that never came whole: the visitor's doing, no fault of ours, and nobody reads on."""


def on_appliance_error(request: AnyRequest, error: ApplianceError) -> Response[Any]:
    """An error we raised ourselves: its own words and status."""
    if isinstance(error, NotSignedIn) and not wants_json(request):
        return _to_sign_in(request)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyTries) else {}
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(request, _problem(error), error.status, headers)


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """An error of the framework: routing, reading the request, checking its shape."""
    if error.detail == CLIENT_GONE:
        log.info("client_gone path=%s", request.url.path)
        return Response(None, status_code=HTTPStatus.BAD_REQUEST)
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected(request, error)
    allow = _allowed_methods(error)
    headers = {"Allow": allow} if allow else {}
    return _answer(request, _framework_problem(request, error), error.status_code, headers)


def on_unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    """A fault of ours: logged whole under an id, answered with the id alone."""
    fault_id = secrets.token_hex(4)
    log.error("fault id=%s method=%s path=%s", fault_id, request.method, request.url.path, exc_info=error)
    problem = Problem(
        message="Something went wrong inside Trackside.",
        remedy=f"Try again. If it comes back, give the crew this number: {fault_id}.",
    )
    return _answer(request, problem, 500, {})


def wants_json(connection: Connection) -> bool:
    """Programs talk to /api and /schema; everything else is looked at by people."""
    path = connection.url.path
    return path == "/api" or path.startswith(("/api/", "/schema"))


def _problem(error: ApplianceError) -> Problem:
    return Problem(message=error.message, remedy=error.remedy, field=error.field)


def _framework_problem(request: AnyRequest, error: HTTPException) -> Problem:
    path = request.url.path
    match error.status_code:
        case 404:
            return Problem(
                message=f"There is nothing at {path}.", remedy="Check the address, or start again from the home page."
            )
        case 405:
            return Problem(
                message=f"{request.method} is not possible at {path}.", remedy=f"Use {_allowed_methods(error)}."
            )
        case 413:
            return Problem(message="The request is too large.", remedy="Send less at a time; this call takes 64 KiB.")
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        return _validation_problem(error.extra[0])
    return shape_problem(error.detail.rstrip("."))


def _allowed_methods(error: HTTPException) -> str:
    allow = next((value for key, value in (error.headers or {}).items() if key.lower() == "allow"), "")
    return ", ".join(sorted(allow.split(", ")))


def _validation_problem(first: dict[str, Any]) -> Problem:
    key = str(first.get("key", ""))
    if first.get("source") == "body":
        return Problem(message="The request has no JSON body, or not the right one.", remedy="Send what /schema lists.")
    return Problem(
        message=f"{key}: {first.get('message', 'not accepted')}.",
        remedy=SEND_AGAIN,
        field=key or None,
    )


def _answer(request: AnyRequest, problem: Problem, status: int, headers: dict[str, str]) -> Response[Any]:
    if wants_json(request):
        return Response(problem, status_code=status, headers=headers, media_type="application/json")
    return error_page(request, problem.message, problem.remedy, status, headers)


def _to_sign_in(request: AnyRequest) -> Response[Any]:
    """A page leads to sign-in and back; htmx follows only its own header."""
    if request.headers.get("hx-request"):
        return Response("", status_code=401, media_type="text/html", headers={"HX-Redirect": "/sign-in"})
    address = sign_in_address(request) if request.method == "GET" else "/sign-in"
    return Redirect(address, status_code=303)
