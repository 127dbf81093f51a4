"""The recorders: the box's own and those on other machines: add, pair, test, change, remove. Admins only."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError
from appliance.permissions import Permission
from timing.remote_structs import DEFAULT_PORT, DEFAULT_SOCKET
from timing.remotes import NewRemote, SocketSeen
from web.auth import needs
from web.given import House, Viewer
from web.once import FIELD, once, once_input
from web.pages.staff.forms import Form, read_form
from web.pages.staff.recorder_cards import KINDS, card, cards
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

MANAGE = [needs(Permission.MANAGE_RECORDERS)]
ONE = "/staff/recorders/{remote_id:str}"
EMPTY = Form({"username": "pi", "port": str(DEFAULT_PORT), "remote_socket": DEFAULT_SOCKET})
DONE = {
    "ready": "Paired. Its recorder is there.",
    "closed": "Paired, but this user may not open the recorder's socket yet: see below.",
    "absent": "Paired, but no recorder runs there yet: install it, then test it below.",
    "trusted": "From now on it must show this host key.",
    "saved": "Saved.",
    "removed": "Removed. What it recorded stays on it.",
}


@get("/staff/recorders", guards=MANAGE)
async def list_recorders(request: AnyRequest, house: House, done: FromQuery[str | None] = None) -> Answer:
    """Every recorder as it is now, and the form for one more."""
    return _list_page(request, house, EMPTY, done=DONE.get(done or ""))


@post("/staff/recorders", guards=MANAGE)
async def add_recorder(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Add a recorder on another machine; pairing comes next."""
    form = await read_form(request)
    new = _place_of(form)

    async def add() -> str:
        return f"/staff/recorders/{(await house.remotes.add(new, viewer.person_id)).remote_id}"

    try:
        if form.ok:
            return Redirect(await once(form.text(FIELD), add), status_code=303)
    except ApplianceError as error:
        form.refuse(error)
        return _list_page(request, house, form, status=error.status)
    return _list_page(request, house, form, status=400)


@get(ONE, guards=MANAGE)
async def recorder(
    request: AnyRequest, house: House, remote_id: FromPath[str], done: FromQuery[str | None] = None
) -> Answer:
    """One recorder on another machine: how it is, and what can be done about it."""
    return await _page(request, house, remote_id, done=DONE.get(done or ""))


@post(ONE, guards=MANAGE)
async def change_recorder(request: AnyRequest, house: House, viewer: Viewer, remote_id: FromPath[str]) -> Answer:
    """Another name or place; the pairing stays."""
    form = await read_form(request)
    new = _place_of(form)
    try:
        if form.ok:
            await house.remotes.change(remote_id, new, viewer.person_id)
            return Redirect(f"/staff/recorders/{remote_id}?done=saved", status_code=303)
    except ApplianceError as error:
        form.refuse(error)
        return await _page(request, house, remote_id, form=form, status=error.status)
    return await _page(request, house, remote_id, form=form, status=400)


@post(f"{ONE}/pair", guards=MANAGE)
async def pair(request: AnyRequest, house: House, viewer: Viewer, remote_id: FromPath[str]) -> Answer:
    """Install the box's key over there with the user's password, which is used this once and kept nowhere."""
    form = await read_form(request)
    if (refused := await _agreed(request, house, remote_id, form)) is not None:
        return refused
    try:
        found = await house.remotes.pair(
            remote_id, form.typed.get("password", ""), viewer.person_id, form.text("seen") or None
        )
    except ApplianceError as error:
        form.refuse(error)
        return await _page(request, house, remote_id, pairing=form, status=error.status)
    return Redirect(f"/staff/recorders/{remote_id}?done={SocketSeen(found).value}", status_code=303)


@post(f"{ONE}/trust", guards=MANAGE)
async def trust(request: AnyRequest, house: House, viewer: Viewer, remote_id: FromPath[str]) -> Answer:
    """Agree to its host key without a password: the box's key is pasted by hand over there."""
    form = await read_form(request)
    if (refused := await _agreed(request, house, remote_id, form)) is not None:
        return refused
    try:
        await house.remotes.trust(remote_id, form.text("seen"), viewer.person_id)
    except ApplianceError as error:
        form.refuse(error)
        return await _page(request, house, remote_id, pairing=form, status=error.status)
    return Redirect(f"/staff/recorders/{remote_id}?done=trusted", status_code=303)


@post(f"{ONE}/test", guards=MANAGE)
async def test_recorder(request: AnyRequest, house: House, remote_id: FromPath[str]) -> Answer:
    """Go to the recorder and back now, and say what came of it."""
    form = Form({})
    try:
        tested = await house.remotes.test(remote_id)
    except ApplianceError as error:
        form.refuse(error)
        return await _page(request, house, remote_id, pairing=form, status=error.status)
    kind = KINDS.get(tested.hello.strips or "", "strips")
    lines = len(tested.hello.lines)
    words = f"It answers: {kind}, {lines} line{'s' if lines != 1 else ''}, after {tested.answer_ms} ms."
    return await _page(request, house, remote_id, done=words)


@post(f"{ONE}/remove", guards=MANAGE)
async def remove_recorder(house: House, remote_id: FromPath[str]) -> Answer:
    """Stop following it; what it has recorded stays."""
    await house.remotes.remove(remote_id)
    return Redirect("/staff/recorders?done=removed", status_code=303)


def _place_of(form: Form) -> NewRemote:
    return NewRemote(
        name=form.needed("name", "Give it a name, for example Left track."),
        host=form.needed("host", "Type its name or address, for example 192.168.1.20."),
        username=form.needed("username", "Type the user to sign in as, for example pi."),
        port=form.whole("port", 1, 65_535, DEFAULT_PORT) or DEFAULT_PORT,
        remote_socket=form.text("remote_socket") or DEFAULT_SOCKET,
    )


async def _agreed(request: AnyRequest, house: House, remote_id: str, form: Form) -> Answer | None:
    """A changed host key needs one more tick: it is how somebody else at this address would look."""
    if house.remotes.link(remote_id).has_other_key and not form.flag("agreed"):
        form.wrong("agreed", "Compare the two, then tick this. Until then nothing is sent to it.")
        return await _page(request, house, remote_id, pairing=form, status=400)
    return None


def _list_page(request: AnyRequest, house: House, form: Form, *, status: int = 200, done: str | None = None) -> Answer:
    return page(
        request,
        "staff/recorders.html",
        status=status,
        cards=cards(house),
        remotes=len(house.remotes.links()),
        form=form,
        once_input=once_input(),
        done=done,
    )


async def _page(
    request: AnyRequest,
    house: House,
    remote_id: str,
    *,
    form: Form | None = None,
    pairing: Form | None = None,
    status: int = 200,
    done: str | None = None,
) -> Answer:
    link = house.remotes.link(remote_id)
    typed = {name: str(getattr(link, name)) for name in NewRemote.__struct_fields__}
    return page(
        request,
        "staff/recorder.html",
        status=status,
        card=card(house, remote_id),
        link=link,
        key_line=await house.remotes.authorized_line(remote_id),
        form=form or Form(typed),
        pairing=pairing or Form({}),
        done=done,
    )


ROUTES = [
    list_recorders,
    add_recorder,
    recorder,
    change_recorder,
    pair,
    trust,
    test_recorder,
    remove_recorder,
]
