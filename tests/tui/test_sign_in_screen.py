"""Signing in from the terminal, at a real server: by keys only, with every way of being wrong."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest
from textual.app import App
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input, Static

from appliance.limits import FREE_TRIES, LONGEST_WAIT_S, SignInLimits
from appliance.people import NewRacer
from appliance.permissions import Role
from tests.tui.keys import press
from tests.web.conftest import PASSWORD, Site, house, site
from tui.box import Box
from tui.screens.sign_in import SignInScreen
from tui.wire import Session

__all__ = ["house", "site"]

SIZE = (80, 24)
PATIENCE_S = 20.0
TRIES_TO_8_S = FREE_TRIES + 3
"""Wrong ones after which the block lasts 8 s, which no screen needs to say so: 1, 2, 4, 8."""


class SigningIn(App[Session | None]):
    """Asks as soon as it is up, and ends with the answer."""

    def __init__(self, screen: SignInScreen) -> None:
        super().__init__()
        self.sign_in = screen
        self.has_ended = False

    def on_mount(self) -> None:
        self.push_screen(self.sign_in, self._end)

    def _end(self, session: Session | None) -> None:
        self.has_ended = True
        self.exit(session)


class SlowBox(Box):
    """Answers when it is told to, and counts the questions."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.may_answer = asyncio.Event()
        self.asked = 0

    async def sign_in(self, username: str, password: str) -> Session:
        self.asked += 1
        await self.may_answer.wait()
        return await super().sign_in(username, password)


@pytest.fixture
def app(site: Site) -> SigningIn:
    return SigningIn(SignInScreen(Box(site.url), "Hall 1"))


def said(app: SigningIn) -> str:
    return str(app.sign_in.query_one(".said", Static).content)


def field(app: SigningIn, name: str) -> Input:
    return app.sign_in.query_one(f"#{name}", Input)


def seen(app: SigningIn) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def until(pilot: Pilot[Session | None], holds: Callable[[], object]) -> None:
    app = cast(SigningIn, pilot.app)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await pilot.pause(0.02)
    except TimeoutError:
        raise AssertionError(f"not so within {PATIENCE_S} s; the screen was\n{seen(app)}") from None


async def typed(pilot: Pilot[Session | None], text: str) -> None:
    await press(pilot, *("minus" if sign == "-" else sign for sign in text))


async def test_a_name_and_a_password_sign_in(app: SigningIn) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await typed(pilot, "the-operator")
        await press(pilot, "enter")
        assert app.focused is field(app, "password")
        await typed(pilot, PASSWORD)
        await press(pilot, "enter")
        await until(pilot, lambda: app.has_ended)
    session = app.return_value
    assert session is not None
    assert session.username == "the-operator"
    assert app.sign_in._box.token == session.token
    assert (await app.sign_in._box.who()).may_run


async def test_the_screen_says_where_and_how_and_fits_80_by_24(app: SigningIn, site: Site) -> None:
    async with app.run_test(size=SIZE):
        text = seen(app)
        for word in ("Sign in at Hall 1", site.url, "Name", "Password", "or the code on a badge", "Enter Sign in"):
            assert word in text.replace("  ", " ")
        assert "Esc Another box" in text.replace("  ", " ")


async def test_tab_goes_through_the_fields_and_round(app: SigningIn) -> None:
    async with app.run_test(size=SIZE) as pilot:
        order = []
        for _ in range(4):
            order.append(app.focused.id if app.focused else None)
            await press(pilot, "tab")
        assert order == ["name", "password", "badge", "name"]
        await press(pilot, "shift+tab")
        assert app.focused is field(app, "name")


async def test_the_password_is_not_on_the_screen(app: SigningIn) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab")
        await typed(pilot, "hedgehog")
        assert field(app, "password").value == "hedgehog"
        assert "hedgehog" not in seen(app)


async def test_a_wrong_password_says_so_and_keeps_the_name(app: SigningIn) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await typed(pilot, "the-operator")
        await press(pilot, "tab")
        await typed(pilot, "wrong-one")
        await press(pilot, "enter")
        await until(pilot, lambda: said(app).startswith("×"))
        assert said(app) == "× The name or the password is wrong. Try again, or ask at the registration desk."
        assert (field(app, "name").value, field(app, "password").value) == ("the-operator", "")
        assert app.focused is field(app, "password")
        await typed(pilot, PASSWORD)
        assert said(app) == "", "it is being corrected"
        await press(pilot, "enter")
        await until(pilot, lambda: app.has_ended)
    assert app.return_value is not None


async def test_capitals_only_are_a_hint_at_the_key(app: SigningIn) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await typed(pilot, "the-operator")
        await press(pilot, "tab")
        await typed(pilot, PASSWORD.upper())
        await press(pilot, "enter")
        await until(pilot, lambda: said(app).endswith("Caps Lock may be on."))


async def test_who_was_here_last_types_only_the_password(site: Site) -> None:
    app = SigningIn(SignInScreen(Box(site.url), "Hall 1", username="the-operator", reason="Your session has ended."))
    async with app.run_test(size=SIZE) as pilot:
        assert said(app) == "Your session has ended."
        await typed(pilot, PASSWORD)
        await press(pilot, "enter")
        await until(pilot, lambda: app.has_ended)
    assert app.return_value is not None


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ((), "× Type the name too, or the code on a badge."),
        (("a", "tab"), "× Type the password too, or the code on a badge."),
        (("tab", "a"), "× Type the name too, or the code on a badge."),
    ],
    ids=["nothing", "a name only", "a password only"],
)
async def test_what_is_missing_is_said_before_the_box_is_asked(
    app: SigningIn, keys: tuple[str, ...], text: str
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *keys, "ctrl+s")
        assert said(app) == text


async def test_a_badge_of_a_racer_is_told_that_it_is_none_of_the_crew(app: SigningIn, site: Site) -> None:
    racer = await site.house.people.register(NewRacer(username="anna"), "test")
    code = site.house.people.badge_code(racer.person_id)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab", "tab")
        await typed(pilot, code.lower())
        await press(pilot, "enter")
        await until(pilot, lambda: said(app).startswith("×"))
        assert said(app) == ("× anna is not of the crew. Sign in with another account, or ask an admin for a role.")
        assert field(app, "badge").value == ""
        assert app.sign_in._box.token is None
        assert not site.house.sessions._by_person.get(racer.person_id), "its session was ended"


async def test_a_badge_of_one_of_the_crew_leads_into_the_terminal(app: SigningIn, site: Site) -> None:
    code = await site.house.people.give_badge(site.person_ids["operator"], site.person_ids["admin"])
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "tab", "tab")
        await typed(pilot, code.lower())
        await press(pilot, "enter")
        await until(pilot, lambda: app.has_ended)
    session = app.return_value
    assert session is not None
    assert (session.username, session.roles) == ("the-operator", ["operator", "racer"])
    assert (await app.sign_in._box.who()).may_run


async def test_a_wrong_badge_says_so(app: SigningIn) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await typed(pilot, "the-operator")
        await press(pilot, "tab", "tab")
        await typed(pilot, "AAAA-BBBB")
        await press(pilot, "enter")
        await until(pilot, lambda: said(app).startswith("×"))
        assert said(app) == (
            "× That code belongs to no badge. Check it, or ask at the registration desk for a new one."
        )
        assert app.focused is field(app, "badge")
        assert field(app, "name").value == "the-operator"


async def test_a_commentator_may_look(app: SigningIn) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await typed(pilot, f"the-{Role.COMMENTATOR.value}")
        await press(pilot, "tab")
        await typed(pilot, PASSWORD)
        await press(pilot, "enter")
        await until(pilot, lambda: app.has_ended)
    assert app.return_value is not None


async def test_too_many_wrong_tries_are_waited_out_and_counted_down(app: SigningIn, site: Site) -> None:
    now = [1_000.0]
    site.house.sessions._limits = SignInLimits(lambda: now[0])
    async with app.run_test(size=SIZE) as pilot:
        await typed(pilot, "the-operator")
        await press(pilot, "tab")
        for _ in range(TRIES_TO_8_S):
            now[0] += LONGEST_WAIT_S
            await typed(pilot, "no")
            await press(pilot, "enter")
            await until(pilot, lambda: not app.sign_in._is_asking)
            assert said(app).startswith("× The name or the password is wrong.")
        await typed(pilot, "no")
        await press(pilot, "enter")
        await until(pilot, lambda: not app.sign_in._is_asking)
        assert said(app).startswith("× Too many wrong tries. Wait ")
        assert field(app, "password").value == "no", "it was not even looked at"
        await press(pilot, "enter")
        assert not app.sign_in._is_asking, "the box would refuse"
        app.sign_in._wait_s = 1
        await until(pilot, lambda: said(app) == "You may try again now.")
        assert app.sign_in._wait_s == 0


async def test_a_box_that_is_away_says_so_and_keeps_what_was_typed(site: Site) -> None:
    app = SigningIn(SignInScreen(Box("http://127.0.0.1:9"), "Hall 1"))
    async with app.run_test(size=SIZE) as pilot:
        await typed(pilot, "the-operator")
        await press(pilot, "tab")
        await typed(pilot, PASSWORD)
        await press(pilot, "enter")
        await until(pilot, lambda: said(app).startswith("×"))
        assert said(app) == (
            "× The box at http://127.0.0.1:9 does not answer. Check that it is on and that you are in its network."
        )
        assert field(app, "password").value == PASSWORD


async def test_a_second_enter_asks_nothing_and_escape_waits_for_the_answer(site: Site) -> None:
    box = SlowBox(site.url)
    app = SigningIn(SignInScreen(box, "Hall 1", username="the-operator"))
    async with app.run_test(size=SIZE) as pilot:
        await typed(pilot, PASSWORD)
        await press(pilot, "enter", "enter", "escape")
        assert said(app) == "Signing in…"
        assert not app.has_ended
        box.may_answer.set()
        await until(pilot, lambda: app.has_ended)
    assert box.asked == 1
    assert app.return_value is not None


async def test_escape_leaves_without_a_session(app: SigningIn) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "escape")
        await until(pilot, lambda: app.has_ended)
    assert app.return_value is None


async def test_a_name_from_elsewhere_can_do_nothing_to_the_screen(site: Site) -> None:
    app = SigningIn(SignInScreen(Box(site.url), "Hall [red]\x1b[2J", reason="[/] \x07"))
    async with app.run_test(size=SIZE):
        assert "Sign in at Hall [red] [2J" in seen(app)


@pytest.mark.parametrize("between", ["enter", "tab", "down"])
async def test_a_password_typed_at_once_is_never_seen_in_the_name(app: SigningIn, between: str) -> None:
    async with app.run_test(size=SIZE) as pilot:
        for key in (*"olga", between, *"hedgehog"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: field(app, "password").value == "hedgehog")
        assert field(app, "name").value == "olga"


async def test_enter_right_behind_the_last_letter_sends_them_all(app: SigningIn) -> None:
    async with app.run_test(size=SIZE) as pilot:
        for key in (*"the-operator", "enter", *PASSWORD, "enter"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: app.has_ended)
    assert app.return_value is not None
