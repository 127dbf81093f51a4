"""
HEAD wherever there is GET (RFC 9110, 9.1): `curl -I` and link previews ask with it. The server leaves the body out.

Not for streams: their GET never ends.
"""

from typing import cast

from litestar import Litestar
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

STREAMS = ("/live", "/stream")
"""How the addresses of streams end."""


class Application(Litestar):
    """Litestar, which routes HEAD as GET."""

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        """Every request comes through here."""
        if scope.get("method") == "HEAD" and not str(scope.get("path")).endswith(STREAMS):
            # A copy: the server looks at its own scope to know that no body is wanted.
            scope = cast(Scope, {**scope, "method": "GET"})
        await super().__call__(scope, receive, send)
