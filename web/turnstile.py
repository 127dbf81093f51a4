"""
One page after the other: a hall that reloads at once must not stand before a lap.

Everything runs on one event loop, first come, first served. Three hundred phones that ask for the board in the same
instant held it for seconds, and a lap taken by hand is stamped when its turn comes. So visitors' pages pass a
turnstile, a few at a time, and what the crew does slips in between.
"""

import asyncio

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from appliance.permissions import is_staff
from web.auth import viewer_of
from web.csrf import SAFE_METHODS

PLACES = 2
"""Pages worked on at the same time: one at work, others that wait for the database meanwhile."""


def new_turnstile() -> asyncio.Semaphore:
    """The places of one running application."""
    return asyncio.Semaphore(PLACES)


class Turnstile(ASGIMiddleware):
    """
    Lets `PLACES` reading requests of visitors through at a time; writing ones and the crew's always.

    The places are the application's, `app.state.turnstile`.
    """

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = "no_gzip"
    """Streams, which never end, and files that lie ready: compressing a page is most of the work of one."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass, or wait."""
        if scope.get("method") not in SAFE_METHODS or _is_crew(scope):
            await next_app(scope, receive, send)
            return
        places: asyncio.Semaphore = scope["litestar_app"].state.turnstile
        async with places:
            await asyncio.sleep(0)  # Most pages never wait: without this all of a hall's would be made in one go.
            await next_app(scope, receive, send)


def _is_crew(scope: Scope) -> bool:
    viewer = viewer_of(ASGIConnection(scope))
    return viewer is not None and is_staff(viewer.roles)
