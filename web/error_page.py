"""An error as a page for people: the project's own look, or plain words when even the template fails."""

import logging
from html import escape
from http import HTTPStatus
from typing import Any

from litestar.connection import Request
from litestar.response import Response

from appliance.permissions import Permission
from appliance.sessions import Viewer
from web.auth import viewer_of
from web.render import page

log = logging.getLogger(__name__)


def error_page(
    request: Request[Any, Any, Any], message: str, remedy: str, status: int, headers: dict[str, str]
) -> Response[Any]:
    """
    The page, with `status`. htmx swaps it in where an answer was expected, so it gets the words alone.
    """
    if request.headers.get("hx-request"):
        notice = f'<p class="notice notice-error" role="alert"><strong>{escape(message)}</strong> {escape(remedy)}</p>'
        return Response(notice, status_code=status, headers=headers, media_type="text/html")
    title = HTTPStatus(status).phrase
    for template in ("staff/error.html", "error.html"):
        try:
            # No route was found for a 404, so no guard has looked up the viewer yet.
            viewer = request.scope["state"].setdefault("viewer", viewer_of(request))
            if template == "staff/error.html" and not _is_for_crew(request, viewer):
                continue
            return page(request, template, status=status, headers=headers, title=title, message=message, remedy=remedy)
        except Exception:
            log.exception("error page failed status=%d template=%s", status, template)
    return Response(
        f"<!doctype html><title>{title}</title><h1>{escape(message)}</h1><p>{escape(remedy)}</p>",
        status_code=status,
        headers=headers,
        media_type="text/html",
    )


def _is_for_crew(request: Request[Any, Any, Any], viewer: Viewer | None) -> bool:
    """Below /staff the crew keeps its bar: who may stop cars can do it from every page, also from one that failed."""
    path = request.url.path
    return viewer is not None and viewer.can(Permission.SEE_EVENTS) and (path + "/").startswith("/staff/")
