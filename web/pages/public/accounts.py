"""Becoming somebody: sign up, sign in with a name or a badge, sign out, and the first admin of a new box."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError
from appliance.people_structs import NewRacer
from web.api.session import client_address
from web.auth import ended_session_cookie, safe_next, session_token
from web.given import House, Viewer
from web.once import FIELD, once, once_input
from web.pages.public.forms import Values, refused, signed_in_at, text_fields
from web.render import page

AnyRequest = Request[Any, Any, Any]


class SignUpPage(Controller):
    """`/sign-up`: a racer makes their own account, on the phone."""

    path = "/sign-up"
    include_in_schema = False

    @get()
    async def show(self, request: AnyRequest) -> Response[str]:
        """The empty form."""
        return page(request, "public/sign_up.html", error=None, values=Values(), once_input=once_input())

    @post()
    async def sign_up(self, request: AnyRequest, house: House) -> Response[Any]:
        """Make the account and sign it in; the badge is shown next. Sent twice by the same browser it is made once."""
        values = await text_fields(request)
        new = NewRacer(
            username=values["username"],
            country=values["country"] or None,
            colour=values["colour"] or None,  # type: ignore[arg-type]  # People checks it and names the choices
            password=values["password"] or None,
        )

        async def make() -> str:
            return (await house.people.sign_up(new, client_address(request))).person_id

        # The token is this browser's alone, and another name typed into the same form is another racer.
        form_id = f"{values[FIELD]} {values['_csrf']} {new.username}" if values[FIELD] else ""
        try:
            token, _ = await house.sessions.start(await once(form_id, make))
        except ApplianceError as error:
            return refused(request, "public/sign_up.html", error, values, once_input=once_input())
        return signed_in_at("/me?welcome=1", token)


class SignInPage(Controller):
    """`/sign-in`: staff and racers, by name and password."""

    path = "/sign-in"
    include_in_schema = False

    @get()
    async def show(self, request: AnyRequest, next: FromQuery[str] = "") -> Response[str]:
        """The empty form; `next` is where to go afterwards."""
        return page(request, "public/sign_in.html", error=None, values=Values(next=next))

    @post()
    async def sign_in(self, request: AnyRequest, house: House) -> Response[Any]:
        """Check name and password."""
        values = await text_fields(request)
        try:
            token, viewer = await house.sessions.sign_in(
                values["username"], values["password"], client_address(request)
            )
        except ApplianceError as error:
            return refused(request, "public/sign_in.html", error, values)
        return signed_in_at(safe_next(values["next"], first_page_of(viewer)), token)


class BadgePage(Controller):
    """
    `/badge`: the code of a badge signs its racer, or its member of the crew, in. A badge's QR carries the code behind
    `#`, unseen by any log.
    """

    path = "/badge"
    include_in_schema = False

    @get()
    async def show(self, request: AnyRequest) -> Response[str]:
        """A field for the code; js/badge.js fills it from the address and sends it."""
        return page(request, "public/badge.html", error=None, values=Values())

    @post()
    async def sign_in(self, request: AnyRequest, house: House) -> Response[Any]:
        """Check the code."""
        values = await text_fields(request)
        try:
            token, viewer = await house.sessions.sign_in_with_badge(values["code"], client_address(request))
        except ApplianceError as error:
            return refused(request, "public/badge.html", error, values)
        return signed_in_at(first_page_of(viewer), token)


class SetupPage(Controller):
    """`/setup`: the code printed at the start makes the first admin, once."""

    path = "/setup"
    include_in_schema = False

    @get()
    async def show(self, request: AnyRequest, house: House) -> Response[str]:
        """The form, or the way to sign in once there is an admin."""
        return page(
            request, "public/setup.html", error=None, values=Values(), is_done=house.people.setup_code() is None
        )

    @post()
    async def claim(self, request: AnyRequest, house: House) -> Response[Any]:
        """Make the admin and sign them in."""
        values = await text_fields(request)
        try:
            person = await house.people.claim_first_admin(
                values["setup_code"], values["username"], values["password"], address=client_address(request)
            )
            token, _ = await house.sessions.start(person.person_id)
        except ApplianceError as error:
            done = house.people.setup_code() is None
            return refused(request, "public/setup.html", error, values, is_done=done)
        return signed_in_at("/staff/events", token)


@post("/sign-out", include_in_schema=False)
async def sign_out(request: AnyRequest, house: House) -> Redirect:
    """End this session and go home."""
    await house.sessions.sign_out(session_token(request) or "")
    return Redirect("/", status_code=303, cookies=[ended_session_cookie()])


def first_page_of(viewer: Viewer) -> str:
    """Staff go to work, racers to their own page."""
    return "/staff" if any(role != "racer" for role in viewer.roles) else "/me"
