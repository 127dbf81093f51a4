"""QR codes, and the address a phone reaches this box by. Only paths of this box are ever put into a code."""

import ipaddress
import socket
from typing import Any

import segno
from litestar import Request, Response, get
from litestar.params import FromQuery
from markupsafe import Markup

from appliance.errors import InvalidInput
from web.auth import safe_next
from web.given import House

ELSEWHERE = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737): asking for the way to it sends nothing, and tells our own address."""
LONGEST_PATH = 400
KEEP_SECONDS = 300


def box_address(request: Request[Any, Any, Any], house: House) -> str:
    """
    How a phone reaches this box: the `public_url` setting, else our number on the network, else what the browser used.

    A number, because not every phone understands names like trackside.local.
    """
    if house.settings.public_url:
        return house.settings.public_url.rstrip("/")
    number = own_number()
    asked = request.url.netloc
    return f"http://{number}:{house.settings.port}" if number else f"{request.url.scheme}://{asked}"


def own_number() -> str | None:
    """This machine's IPv4 address on the network that leads out, None without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
            number = str(probe.getsockname()[0])
        except OSError:
            return None
    return None if ipaddress.ip_address(number).is_loopback else number


def qr_inline(text: str) -> Markup:
    """A code to put into a page itself: for badges, whose text must never be part of an address that is logged."""
    code = segno.make(text, error="m", micro=False)
    return Markup(code.svg_inline(border=2, svgclass="qr", lineclass=None, omitsize=True))  # noqa: S704  segno's own SVG


@get("/qr.svg", include_in_schema=False, sync_to_thread=False)
def qr_code(request: Request[Any, Any, Any], house: House, path: FromQuery[str] = "/") -> Response[bytes]:
    """The QR code of a page of this box, error correction M."""
    if len(path) > LONGEST_PATH or safe_next(path, "") != path:
        raise InvalidInput("A code can only lead to a page of this box.", "Give a path such as /sign-up.", field="path")
    code = segno.make(box_address(request, house) + path, error="m", micro=False)
    svg = code.svg_inline(border=2, omitsize=True, lineclass=None, svgclass=None, svgns=True, light="#fff")
    return Response(
        svg.encode(), media_type="image/svg+xml", headers={"Cache-Control": f"public, max-age={KEEP_SECONDS}"}
    )
