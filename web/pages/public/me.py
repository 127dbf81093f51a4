"""A person's own page: badge, races, turn in the line, and what they may change themselves. Needs a session."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError, InvalidInput
from appliance.people_structs import Person, RacerPatch
from cars.models import Sought
from timing.races import RaceFilter
from web.api.session import client_address
from web.auth import ended_session_cookie, require_viewer, signed_in
from web.given import House, Viewer, Visitor
from web.pages.log_words import shown as shown_log
from web.pages.model_words import shown
from web.pages.public.codes import box_address, qr_inline
from web.pages.public.forms import Values, refused, signed_in_at, text_fields
from web.pages.public.turns import turns_of
from web.render import fragment, page

RACES_SHOWN = 50
MODELS_SHOWN = 3
LOGS_SHOWN = 20
FORGET_WORD = "forget me"

AnyRequest = Request[Any, Any, Any]


class MyPage(Controller):
    """`/me` and what can be done there; everything is about the viewer, so no id is ever in the address."""

    path = "/me"
    guards = [signed_in]  # noqa: RUF012  Litestar's own way to say it
    include_in_schema = False

    @get()
    async def show(
        self,
        request: AnyRequest,
        house: House,
        viewer: Visitor,
        welcome: FromQuery[bool] = False,
        done: FromQuery[str] = "",
    ) -> Response[str]:
        """The page; `welcome` after signing up, `done` names what was just changed."""
        context = await my_context(request, house, require_viewer(viewer))
        return page(
            request, "public/me.html", error=None, values=Values(), welcome=welcome, done=DONE.get(done), **context
        )

    @get("/turn")
    async def turn(self, request: AnyRequest, house: House, viewer: Visitor) -> Response[str]:
        """The notice of the racer's turn alone; js/turn.js asks for it when a line moved."""
        return fragment(request, "public/_turn.html", "turn", turns=await turns_of(house, viewer))

    @post("/profile")
    async def change_profile(self, request: AnyRequest, house: House, viewer: Visitor) -> Response[Any]:
        """Country and colour. The name stays: the crew knows the racer by it, and can change it."""
        me = require_viewer(viewer)
        values = await text_fields(request)
        patch = RacerPatch(country=values["country"] or None, colour=values["colour"] or None)  # type: ignore[arg-type]
        try:
            await house.people.update(me.person_id, patch, actor=me.person_id)
        except ApplianceError as error:
            return await self._refused(request, house, me, error, values)
        return Redirect("/me?done=profile", status_code=303)

    @post("/password")
    async def change_password(self, request: AnyRequest, house: House, viewer: Visitor) -> Response[Any]:
        """A new password; the old one is asked for where there is one. Other phones are signed out, this one stays."""
        me = require_viewer(viewer)
        values = await text_fields(request)
        try:
            await check_old_password(request, house, me, values["old_password"])
            await house.people.set_password(me.person_id, values["password"], actor=me.person_id)
            token, _ = await house.sessions.start(me.person_id)
        except ApplianceError as error:
            return await self._refused(request, house, me, error, values)
        return signed_in_at("/me?done=password", token)

    @post("/forget")
    async def forget(self, request: AnyRequest, house: House, viewer: Visitor) -> Response[Any]:
        """Delete one's own account: personal data goes for good, laps stay under a neutral name."""
        me = require_viewer(viewer)
        values = await text_fields(request)
        try:
            if values["confirm"].casefold() != FORGET_WORD:
                raise InvalidInput(
                    "Nothing was deleted.", f"Type “{FORGET_WORD}” to delete your account.", field="confirm"
                )
            await house.people.forget(me.person_id, actor=me.person_id)
        except ApplianceError as error:
            return await self._refused(request, house, me, error, values)
        return Redirect("/", status_code=303, cookies=[ended_session_cookie()])

    async def _refused(
        self, request: AnyRequest, house: House, me: Viewer, error: ApplianceError, values: Values
    ) -> Response[str]:
        context = await my_context(request, house, me)
        return refused(request, "public/me.html", error, values, welcome=False, done=None, **context)


DONE = {"profile": "Your country and colour are changed.", "password": "Your password is changed."}


async def my_context(request: AnyRequest, house: House, me: Viewer) -> dict[str, Any]:
    """All that the page shows of its person."""
    person = house.people.get(me.person_id)
    event = house.events.current()
    models = await house.models.find(Sought(racer_id=me.person_id, limit=MODELS_SHOWN))
    logs = await house.logs.find(racer_id=me.person_id, limit=LOGS_SHOWN)
    races = await house.control.list(RaceFilter(racer_id=me.person_id, limit=RACES_SHOWN))
    return {
        "person": person,
        "event": event,
        "turns": await turns_of(house, me),
        "races": races,
        "models": [shown(model) for model in models],
        "logs": [shown_log(log) for log in logs],
        "event_names": {one.event_id: one.name for one in house.events.list()},
        **badge_of(request, house, person),
    }


def badge_of(request: AnyRequest, house: House, person: Person) -> dict[str, Any]:
    """Code and QR of a racer's badge; that of the crew is shown to admins only."""
    if person.is_staff:
        return {"badge_code": None, "badge_qr": None}
    code = house.people.badge_code(person.person_id)
    return {"badge_code": code, "badge_qr": qr_inline(f"{box_address(request, house)}/badge#{code}")}


async def check_old_password(request: AnyRequest, house: House, me: Viewer, old: str) -> None:
    """
    A phone left on a table must not be enough to change a password.

    Raises:
        InvalidInput: there is a password and this is not it.
    """
    if not house.people.get(me.person_id).has_password:
        return
    try:
        token, _ = await house.sessions.sign_in(me.username, old, client_address(request))
    except ApplianceError as error:
        if error.status != 401:
            raise
        raise InvalidInput(
            "That is not your password now.", "Try again, or ask the crew.", field="old_password"
        ) from error
    await house.sessions.sign_out(token)
