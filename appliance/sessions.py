"""
Who is signed in. Looked up in memory, kept on disk, so that a restart signs nobody out.

A token is 32 random bytes; only its SHA-256 is kept. Ages are measured with a clock that no wall-clock step moves; only
the time that the box was off is taken from the wall clock, because nothing else knows it.
"""

import asyncio
import hashlib
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from appliance import clock
from appliance.database import Database
from appliance.errors import ApplianceError, NotFound, NotSignedIn, TooManyTries
from appliance.facts import Facts
from appliance.limits import SignInLimits
from appliance.people import People, Person, SessionsEnded
from appliance.permissions import Permission, Role, can, is_staff
from appliance.usernames import username_key

log = logging.getLogger("trackside.sessions")

HOUR_S = 3600.0
STAFF_IDLE_S = 12 * HOUR_S
STAFF_AGE_S = 24 * HOUR_S
"""Staff sign in once a race day; a tablet left behind is harmless the next one."""
RACER_IDLE_S = 72 * HOUR_S
RACER_AGE_S = 14 * 24 * HOUR_S
"""A racer's phone lasts the event; all it can reach is that racer's own page."""
SAVE_EVERY_S = 600.0
"""How much use may be forgotten by a power cut."""
SESSIONS_PER_PERSON = 20
"""The oldest ends when one more starts; nobody has as many devices, a script may."""


class Viewer(Struct, frozen=True, kw_only=True):
    """Somebody who is signed in."""

    person_id: str
    username: str
    roles: list[Role]

    def can(self, permission: Permission) -> bool:
        """Whether this person may."""
        return can(self.roles, permission)


@dataclass(slots=True)
class _Session:
    """`started_ns`, `used_ns` and `saved_ns` are of the boot-time clock; `started_ns` may lie before the boot."""

    token_hash: bytes
    person_id: str
    started_ns: int
    used_ns: int
    saved_ns: int


def boot_time_ns() -> int:
    """Time since boot including sleep: a laptop closed over night does not keep a session young."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Sessions:
    """Call `load` before anything else. Lives on one event loop."""

    def __init__(
        self,
        db: Database,
        facts: Facts,
        people: People,
        *,
        now_ns: Callable[[], int] = boot_time_ns,
        limits: SignInLimits | None = None,
    ) -> None:
        self._db = db
        self._facts = facts
        self._people = people
        self._now_ns = now_ns
        self._limits = limits or SignInLimits()
        self._sessions: dict[bytes, _Session] = {}
        self._by_person: dict[str, dict[bytes, _Session]] = {}
        self._saving: set[asyncio.Task[None]] = set()
        facts.subscribe(SessionsEnded, self._sessions_ended)

    async def load(self) -> None:
        """Read who was signed in before; those whose time is over are dropped."""
        now_ns, boot_id, wall_ns = self._now_ns(), clock.boot_id(), clock.wall_ns()
        for row in await self._db.fetch_all("SELECT * FROM person_session"):
            same_boot = row["boot_id"] == boot_id
            # A wall clock that went back says nothing: then the time off counts as none.
            since_ns = now_ns - row["saved_ns"] if same_boot else wall_ns - row["saved_wall_ns"]
            since_ns = max(since_ns, 0)
            session = _Session(
                token_hash=row["token_hash"],
                person_id=row["person_id"],
                started_ns=now_ns - since_ns - int(row["age_s"] * 1e9),
                used_ns=now_ns - since_ns - int(row["idle_s"] * 1e9),
                saved_ns=now_ns - since_ns,
            )
            self._remember(session)
        await self._drop([session for session in list(self._sessions.values()) if self._is_over(session)])

    async def sign_in(self, username: str, password: str, address: str) -> tuple[str, Viewer]:
        """
        Sign in with name and password.

        Args:
            address: Where the try comes from, for the limits.

        Returns:
            The token for the cookie or the Authorization header, and who it is.

        Raises:
            NotSignedIn: name or password is wrong; which one is not said.
            TooManyTries: says how long to wait.
        """
        account = username_key(username.strip())[:64]
        person = self._people.find(username)
        known = None if person is None else self._people.password_hash(person.person_id)
        self._limits.start(address, account, exists=person is not None)
        try:
            is_right = await self._people.passwords.matches(known, password)
        except TooManyTries:
            self._limits.take_back(address, account, exists=person is not None)
            raise
        if not is_right or person is None:
            log.info("sign_in_refused address=%s", address)
            raise NotSignedIn("The name or the password is wrong.", "Try again, or ask at the registration desk.")
        self._limits.succeeded(address, account)
        return await self._start(person.person_id, if_hash=known)

    async def sign_in_with_badge(self, code: str, address: str) -> tuple[str, Viewer]:
        """
        Sign a racer, or one of the crew who was given a badge, in by its code. Raises as `sign_in` does.
        """
        self._limits.start_badge(address)
        person = self._people.find_by_badge(code)
        if person is None:
            log.info("badge_refused address=%s", address)
            raise NotSignedIn(
                "That code belongs to no badge.", "Check it, or ask at the registration desk for a new one."
            )
        self._limits.badge_succeeded(address)
        person_id = person.person_id
        serial = self._people.badge_serial(person_id)
        return await self._start(person_id, if_hash=self._people.password_hash(person_id), if_serial=serial)

    async def start(self, person_id: str) -> tuple[str, Viewer]:
        """Sign in somebody who has just proved who they are: after sign-up, set-up or a change of password."""
        return await self._start(person_id, if_hash=self._people.password_hash(person_id))

    def viewer(self, token: str) -> Viewer | None:
        """Who a token belongs to; None when it is unknown or its time is over. Counts as use."""
        session = self._sessions.get(_hash(token))
        if session is None or self._is_over(session):
            return None
        session.used_ns = self._now_ns()
        if session.used_ns - session.saved_ns > SAVE_EVERY_S * 1e9:
            session.saved_ns = session.used_ns
            self._save_later(session)
        return _viewer(self._people.get(session.person_id))

    def is_valid(self, token: str) -> bool:
        """Whether a token still speaks for somebody; unlike `viewer` it is no use, so a forgotten page grows old."""
        session = self._sessions.get(_hash(token))
        return session is not None and not self._is_over(session)

    async def sign_out(self, token: str) -> None:
        """End this session only; an unknown token is fine."""
        session = self._sessions.get(_hash(token))
        if session is not None:
            await self._drop([session])

    async def end_all(self, person_id: str) -> None:
        """Sign somebody out everywhere."""
        await self._drop(list(self._by_person.get(person_id, {}).values()))
        self._facts.publish(SessionsEnded(person_id=person_id))

    async def settle(self) -> None:
        """Wait until everything is on disk."""
        while self._saving:
            await asyncio.wait(set(self._saving))

    async def _start(self, person_id: str, *, if_hash: str | None, if_serial: int | None = None) -> tuple[str, Viewer]:
        token = secrets.token_urlsafe(32)
        now_ns = self._now_ns()
        session = _Session(_hash(token), person_id, now_ns, now_ns, now_ns)

        def job(connection: sqlite3.Connection) -> None:
            # The password may have been changed, or the person forgotten, while this one was being checked.
            row = connection.execute("SELECT * FROM person WHERE person_id = ?", [person_id]).fetchone()
            if row is None or row["neutral"] or row["merged_into"] or row["password_hash"] != if_hash:
                raise NotSignedIn("This account has just changed.", "Sign in again.")
            # Or the badge renewed, taken away, or stopped by a role.
            if if_serial is not None and row["badge_serial"] != if_serial:
                raise NotSignedIn("This badge has just been stopped.", "Ask for a new one.")
            _save(connection, session, now_ns)

        self._remember(session)
        try:
            await self._db.write(job)
        except BaseException:
            self._let_go(session)
            raise
        mine = sorted(self._by_person.get(person_id, {}).values(), key=lambda other: other.started_ns)
        await self._drop(mine[:-SESSIONS_PER_PERSON])
        return token, _viewer(self._people.get(person_id))

    def _is_over(self, session: _Session) -> bool:
        try:
            staff = is_staff(self._people.get(session.person_id).roles)
        except NotFound:
            return True
        idle_s, age_s = (STAFF_IDLE_S, STAFF_AGE_S) if staff else (RACER_IDLE_S, RACER_AGE_S)
        now_ns = self._now_ns()
        return now_ns - session.used_ns > idle_s * 1e9 or now_ns - session.started_ns > age_s * 1e9

    def _remember(self, session: _Session) -> None:
        self._sessions[session.token_hash] = session
        self._by_person.setdefault(session.person_id, {})[session.token_hash] = session

    def _let_go(self, session: _Session) -> None:
        self._sessions.pop(session.token_hash, None)
        mine = self._by_person.get(session.person_id, {})
        mine.pop(session.token_hash, None)
        if not mine:
            self._by_person.pop(session.person_id, None)

    async def _drop(self, sessions: list[_Session]) -> None:
        if not sessions:
            return
        for session in sessions:
            self._let_go(session)
        hashes = [[session.token_hash] for session in sessions]
        await self._db.write(
            lambda connection: (
                connection.executemany("DELETE FROM person_session WHERE token_hash = ?", hashes) and None
            )
        )

    def _sessions_ended(self, fact: SessionsEnded) -> None:
        """The rows went in the transaction of the reason; only the memory is left."""
        for session in list(self._by_person.get(fact.person_id, {}).values()):
            self._let_go(session)

    def _save_later(self, session: _Session) -> None:
        now_ns = self._now_ns()

        async def save() -> None:
            try:
                await self._db.write(lambda connection: _save_use(connection, session, now_ns))
            except ApplianceError as error:
                log.warning("session_not_saved error=%s", error.message)

        task = asyncio.get_running_loop().create_task(save())
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _viewer(person: Person) -> Viewer:
    return Viewer(person_id=person.person_id, username=person.username, roles=person.roles)


def _times(session: _Session, now_ns: int) -> list[object]:
    age_s, idle_s = (now_ns - session.started_ns) / 1e9, (now_ns - session.used_ns) / 1e9
    return [age_s, idle_s, clock.boot_id(), now_ns, clock.wall_ns()]


def _save(connection: sqlite3.Connection, session: _Session, now_ns: int) -> None:
    connection.execute(
        "INSERT INTO person_session (token_hash, person_id, age_s, idle_s, boot_id, saved_ns, saved_wall_ns)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [session.token_hash, session.person_id, *_times(session, now_ns)],
    )


def _delete(connection: sqlite3.Connection, sessions: list[_Session]) -> None:
    hashes = [[session.token_hash] for session in sessions]
    connection.executemany("DELETE FROM person_session WHERE token_hash = ?", hashes)


def _save_use(connection: sqlite3.Connection, session: _Session, now_ns: int) -> None:
    """Does nothing when the session has ended meanwhile."""
    connection.execute(
        "UPDATE person_session SET age_s = ?, idle_s = ?, boot_id = ?, saved_ns = ?, saved_wall_ns = ?"
        " WHERE token_hash = ?",
        [*_times(session, now_ns), session.token_hash],
    )
