"""
What Litestar is given beyond its own: HEAD wherever there is GET (RFC 9110, 9.1), which `curl -I` and link previews
ask with; the server leaves the body out. Not for streams: their GET never ends.
"""

from typing import cast

from litestar import Litestar
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

from web.straight_stream import SERVER_SEND

STREAMS = ("/live", "/stream", "/strips/check")
"""How the addresses of streams end."""


class Application(Litestar):
    """Litestar, which routes HEAD as GET and lets streams reach the server."""

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        """Every request comes through here."""
        if str(scope.get("path")).endswith(STREAMS):
            scope = cast(Scope, {**scope, SERVER_SEND: send})
        elif scope.get("method") == "HEAD":
            # A copy: the server looks at its own scope to know that no body is wanted.
            scope = cast(Scope, {**scope, "method": "GET"})
        await super().__call__(scope, receive, send)
