"""QR codes, and the address a phone reaches this box by. Only paths of this box are ever put into a code."""

import io
from functools import lru_cache
from typing import Any

import segno
from litestar import Request, Response, get
from litestar.params import FromQuery
from markupsafe import Markup

from appliance.addresses import local_addresses, page_addresses
from appliance.errors import InvalidInput
from web.auth import safe_next
from web.given import House

LONGEST_PATH = 400
KEEP_SECONDS = 300


def box_address(request: Request[Any, Any, Any], house: House) -> str:
    """
    How a phone reaches this box: the `public_url` setting, else a number of the box on its network.

    A number, because not every phone understands names like trackside.local. The one this browser used comes first:
    it works. A made-up Host header is not one of the box's own numbers and changes nothing.
    """
    if house.settings.public_url:
        return house.settings.public_url.rstrip("/")
    if request.url.hostname in local_addresses():
        return f"http://{request.url.netloc}"
    return page_addresses(house.settings.host, house.settings.port)[0]


def qr_inline(text: str) -> Markup:
    """A code to put into a page itself: for badges, whose text must never be part of an address that is logged."""
    code = segno.make(text, error="m", micro=False)
    return Markup(code.svg_inline(border=2, svgclass="qr", lineclass=None, omitsize=True))  # noqa: S704  segno's own SVG


@get("/qr.svg", include_in_schema=False, sync_to_thread=False)
def qr_code(request: Request[Any, Any, Any], house: House, path: FromQuery[str] = "/") -> Response[bytes]:
    """The QR code of a page of this box, error correction M."""
    if len(path) > LONGEST_PATH or safe_next(path, "") != path:
        raise InvalidInput("A code can only lead to a page of this box.", "Give a path such as /sign-up.", field="path")
    svg = _drawing(box_address(request, house) + path)
    return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": f"public, max-age={KEEP_SECONDS}"})


@lru_cache(maxsize=256)
def _drawing(text: str) -> bytes:
    """The code as an SVG file; kept, because a hall asks for the same few."""
    svg = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(svg, kind="svg", border=2, omitsize=True, xmldecl=False, lineclass=None, svgclass=None, light="#fff")
    return svg.getvalue()
