"""Guards run on the event loop: a session that is due to be saved is saved, and no request hops through a thread."""

import threading

import pytest
from litestar import Litestar, get
from litestar.testing import AsyncTestClient

from appliance.permissions import Permission
from web import auth
from web.csrf import check_csrf


@pytest.mark.parametrize("guard", [auth.know_viewer, auth.signed_in, auth.needs(Permission.RUN_RACES), check_csrf])
async def test_a_guard_runs_on_the_event_loop(guard: object, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_in: list[int] = []

    def asked(*_: object) -> None:
        asked_in.append(threading.get_ident())

    monkeypatch.setattr(auth, "viewer_of", asked)
    monkeypatch.setattr("web.csrf.bearer_of", asked, raising=False)

    @get("/", guards=[guard], opt={})  # type: ignore[list-item]
    async def page() -> None: ...

    @get("/loop")
    async def loop() -> int:
        return threading.get_ident()

    async with AsyncTestClient(Litestar([page, loop], openapi_config=None)) as client:
        await client.get("/")
        on_the_loop = (await client.get("/loop")).json()
    assert set(asked_in) <= {on_the_loop}
    assert asked_in or guard is check_csrf
