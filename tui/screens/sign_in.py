"""
Signing in at a box: with a name and its password, or with the code of a badge. Owns the asking; what the session is
kept for is the caller's.

Whoever may not see the crew's screens is told so here, where another account can be typed, and their session is ended.
"""

import re
from contextlib import suppress
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Input, Label, Static

from tui.box import Box
from tui.columns import plain
from tui.errors import BoxError, SignedOut
from tui.wire import Session, WhoAmI

NAME, PASSWORD, BADGE = "name", "password", "badge"
WAIT = re.compile(r"\bWait (\d{1,4}) s\b")
"""As the box says it after too many wrong tries (appliance/limits.py)."""
CAPITALS = " Caps Lock may be on."


class SignInScreen(Screen[Session | None]):
    """Answers the session, with its token in `box` already, or None when it was left."""

    DEFAULT_CSS = """
    SignInScreen { align: center middle; }
    SignInScreen > VerticalScroll { width: 64; max-width: 100%; height: auto; max-height: 100%; padding: 0 2; }
    SignInScreen .title { text-style: bold; }
    SignInScreen .detail { color: $text-muted; }
    SignInScreen Label { margin-top: 1; }
    SignInScreen .said { margin-top: 1; height: auto; min-height: 2; text-style: bold; }
    SignInScreen .said.wrong { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the input's own, after every letter that was typed before it; here it is only told.
        Binding("ctrl+s", "sign_in", "Sign in", key_display="Enter", priority=True),
        # Priority: what is typed right behind the key is meant for the other field, and a password for no other.
        Binding("enter", "to_password", "Password", show=False, priority=True),
        Binding("tab,down", "app.focus_next", "Next field", key_display="Tab", priority=True),
        Binding("shift+tab,up", "app.focus_previous", "Field before", show=False, priority=True),
        Binding("escape", "leave", "Another box", key_display="Esc", priority=True),
    ]

    def __init__(self, box: Box, box_name: str, *, username: str = "", reason: str = "") -> None:
        """
        Args:
            username: Who signed in here last.
            reason: Why somebody has to, when that is not plain: "Your session has ended."
        """
        super().__init__()
        self._box = box
        self._box_name = box_name
        self._username = username
        self._reason = reason
        self._is_asking = False
        self._wait_s = 0
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        """The two ways in, one below the other, and what the box said."""
        with VerticalScroll(can_focus=False):
            yield Static(Content(f"Sign in at {plain(self._box_name)}"), classes="title")
            yield Static(Content(plain(self._box.address)), classes="detail")
            yield Label("Name")
            yield Input(self._username, id=NAME, max_length=200, select_on_focus=True)
            yield Label("Password")
            yield Input(id=PASSWORD, password=True, max_length=1000)
            yield Label("or the code on a badge")
            yield Input(id=BADGE, max_length=40, placeholder="ABCD-EFGH")
            yield Static(Content(plain(self._reason)), classes="said")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Who was here last only types the password."""
        self._field(PASSWORD if self._username else NAME).focus()

    def on_input_changed(self, changed: Input.Changed) -> None:
        """What was wrong is being corrected."""
        if changed.value and not self._wait_s and self.query(".said.wrong"):
            self._say("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter goes on to the password from the name only; elsewhere it is the input's own."""
        return action != "to_password" or (self.focused is not None and self.focused.id == NAME)

    def action_to_password(self) -> None:
        """From the name."""
        self.set_focus(self._field(PASSWORD))

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Enter, after every letter that was typed before it."""
        submitted.stop()
        self.action_sign_in()

    def action_sign_in(self) -> None:
        """With what stands in the fields; a badge counts where it is typed."""
        if self._is_asking or self._wait_s:
            return
        wants_badge = bool(self._typed(BADGE)) and (
            self.focused is self._field(BADGE) or not (self._typed(NAME) and self._typed(PASSWORD))
        )
        missing = None if wants_badge else next((name for name in (NAME, PASSWORD) if not self._typed(name)), None)
        if missing is not None:
            self._say(f"Type the {missing} too, or the code on a badge.", is_wrong=True)
            self._field(missing).focus()
            return
        self._is_asking = True
        self._say("Signing in…")
        self._try(wants_badge=wants_badge)

    def action_leave(self) -> None:
        """Nobody; not while the box is being asked, as nobody would know what it did."""
        if not self._is_asking:
            self.dismiss(None)

    @work
    async def _try(self, *, wants_badge: bool) -> None:
        try:
            session = await self._session(wants_badge=wants_badge)
            if await self._is_crew(session):
                self.dismiss(session)
        except BoxError as error:
            self._refused(error, wants_badge=wants_badge)
        finally:
            self._is_asking = False

    async def _session(self, *, wants_badge: bool) -> Session:
        if wants_badge:
            return await self._box.sign_in_with_badge(self._typed(BADGE))
        return await self._box.sign_in(self._typed(NAME), self._field(PASSWORD).value)

    async def _is_crew(self, session: Session) -> bool:
        """Whether they may sit here; the session of whoever may not is ended again."""
        if WhoAmI(person_id=session.person_id, username=session.username, roles=session.roles).may_look:
            return True
        with suppress(BoxError):
            await self._box.sign_out()
        self._box.token = None
        self._say(
            f"{plain(session.username)} is not of the crew. Sign in with another account, or ask an admin for a role.",
            is_wrong=True,
        )
        self._begin_again(BADGE if self._typed(BADGE) else NAME)
        return False

    def _refused(self, error: BoxError, *, wants_badge: bool) -> None:
        """The name stays; a wrong secret is typed anew."""
        text = f"{plain(error.message)} {plain(error.remedy)}"
        if (wait := WAIT.search(error.remedy)) is not None:
            self._wait(plain(error.message), int(wait[1]))
        elif isinstance(error, SignedOut):
            self._say(text + ("" if wants_badge else _capitals(self._field(PASSWORD).value)), is_wrong=True)
            self._begin_again(BADGE if wants_badge else PASSWORD)
        else:
            self._say(text, is_wrong=True)

    def _begin_again(self, name: str) -> None:
        for secret in (PASSWORD, BADGE):
            with self.prevent(Input.Changed):
                self._field(secret).value = ""
        self._field(name).focus()

    def _wait(self, message: str, seconds: int) -> None:
        """The box would refuse until then; what was typed stays."""
        self._wait_s = seconds
        self._say(f"{message} Wait {seconds} s.", is_wrong=True)
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_interval(1.0, lambda: self._wait_on(message))

    def _wait_on(self, message: str) -> None:
        self._wait_s -= 1
        if self._wait_s > 0:
            self._say(f"{message} Wait {self._wait_s} s.", is_wrong=True)
            return
        self._say("You may try again now.")
        if self._waiting is not None:
            self._waiting.stop()

    def _field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def _typed(self, name: str) -> str:
        value = self._field(name).value
        return value if name == PASSWORD else value.strip()

    def _say(self, text: str, *, is_wrong: bool = False) -> None:
        for said in self.query(".said").results(Static):  # None while the screen is being left.
            said.set_class(is_wrong, "wrong")
            said.update(Content(f"× {text}" if is_wrong else text))


def _capitals(password: str) -> str:
    """A hint where no letter is a small one: the terminal does not know that key."""
    return CAPITALS if password != password.lower() and password == password.upper() else ""
