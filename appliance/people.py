"""
The people the box knows: a directory in memory for quick reads, kept true by durable changes.

Reads are plain calls; changes are awaited, and what they return is on disk. Who is allowed to change whom is checked by
the pages and the API with permissions.py; that staff are changed by admins only is checked here once more.
"""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Iterable

from appliance import badges, people_changes, people_store
from appliance.database import Database
from appliance.directory import Directory
from appliance.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyTries
from appliance.facts import Facts
from appliance.limits import Budget
from appliance.passwords import Passwords, check_password
from appliance.people_structs import (
    COLOURS,
    NewRacer,
    PeopleTrailLine,
    Person,
    PersonChanged,
    Racer,
    RacerForgotten,
    RacerPatch,
    RacersMerged,
    SessionsEnded,
)
from appliance.people_trail import trail_of
from appliance.permissions import Role, is_staff, with_racer
from appliance.unix_people import shown_name
from appliance.usernames import clean_username, username_key

__all__ = [
    "ACTOR_BOX",
    "COLOURS",
    "NewRacer",
    "People",
    "PeopleTrailLine",
    "Person",
    "PersonChanged",
    "Racer",
    "RacerForgotten",
    "RacerPatch",
    "RacersMerged",
    "SessionsEnded",
]

ACTOR_BOX = "box"
"""Who acts when nobody is signed in: the box itself, or its owner at a shell."""
SIGN_UPS = 300
SIGN_UPS_REFILL_PER_S = 0.5
"""New accounts from one address without staff: a full hall behind a router, yet a script is soon slow."""
SIGN_UPS_ANYWHERE = 3_000
SIGN_UPS_ANYWHERE_REFILL_PER_S = 2.0
"""The same over all addresses: so that scripts on many do not fill the card."""
SETUP_TRIES = 10
SETUP_TRIES_REFILL_PER_S = 0.1
"""Wrong set-up codes from one address; somebody who guesses does not keep the owner, on another device, out."""
SETUP_TRIES_ANYWHERE = 1_000
SETUP_TRIES_ANYWHERE_REFILL_PER_S = 1.0
"""The same over all addresses: 40 bits last for ten thousand years."""

Job = Callable[[sqlite3.Connection], list[sqlite3.Row]]


class People:
    """Call `load` before anything else. Lives on one event loop."""

    def __init__(self, db: Database, facts: Facts, secret: bytes) -> None:
        self._db = db
        self._facts = facts
        self._directory = Directory(secret)
        self._running: set[asyncio.Task[list[Person]]] = set()
        self._setup_code: str | None = None
        self._sign_ups = Budget(SIGN_UPS, SIGN_UPS_REFILL_PER_S)
        self._sign_ups_anywhere = Budget(SIGN_UPS_ANYWHERE, SIGN_UPS_ANYWHERE_REFILL_PER_S)
        self._setup_tries = Budget(SETUP_TRIES, SETUP_TRIES_REFILL_PER_S)
        self._setup_tries_anywhere = Budget(SETUP_TRIES_ANYWHERE, SETUP_TRIES_ANYWHERE_REFILL_PER_S)
        self.passwords = Passwords()

    async def load(self) -> None:
        """Read everybody; make a set-up code when there is no admin."""
        for row in await self._db.fetch_all(people_store.LOAD):
            self._directory.keep(row)
        self._look_for_admin()

    def get(self, person_id: str) -> Person:
        """
        Somebody by id, also forgotten and merged ones.

        Raises:
            NotFound: nobody ever had this id.
        """
        return self._directory.get(person_id)

    def find(self, username: str) -> Person | None:
        """Somebody by name, in any case."""
        return self._directory.find(username)

    def name_of(self, actor: str) -> str:
        """Who that was, to be read: a person, or a user of the machine itself."""
        try:
            return shown_name(actor) or self.get(actor).username
        except NotFound:
            return "somebody who is gone"

    def search(self, text: str = "", role: Role | None = None, limit: int = 50) -> list[Person]:
        """People whose name contains `text`, those that start with it first, in the order of the names."""
        wanted = username_key(text.strip())
        found = [
            (not key.startswith(wanted), key, person)
            for key, person in self._directory.living()
            if wanted in key and (role is None or role in person.roles)
        ]
        return [person for _, _, person in sorted(found, key=lambda item: item[:2])[:limit]]

    def racers(self) -> list[Racer]:
        """Everybody who can be put on a track, in the order of the names."""
        return [racer_of(person) for _, person in sorted(self._directory.living(), key=lambda item: item[0])]

    async def trail(self, person_id: str) -> list[PeopleTrailLine]:
        """What was done to somebody, newest first."""
        return await trail_of(self._db, self.get(person_id).person_id)

    async def sign_up(self, new: NewRacer, address: str = "") -> Person:
        """
        Somebody makes their own account, as racer.

        Args:
            address: Where it comes from, for the limits.

        Raises:
            TooManyTries: says how long to wait.
        """
        try:
            self._sign_ups.check(address)
            self._sign_ups_anywhere.check("everybody")
        except TooManyTries as error:
            words = f"Ask at the registration desk, or try again in {error.retry_after_s} s."
            raise TooManyTries("Many people are signing up.", words, retry_after_s=error.retry_after_s) from None
        self._sign_ups.spend(address)
        self._sign_ups_anywhere.spend("everybody")
        return await self._add(new, [Role.RACER], actor=None, kind="signed_up")

    async def register(self, new: NewRacer, actor: str) -> Person:
        """The registration desk makes an account for a racer."""
        return await self._add(new, [Role.RACER], actor=actor, kind="registered")

    async def add_staff(
        self, username: str, roles: Iterable[Role], password: str, actor: str, *, country: str | None = None
    ) -> Person:
        """Somebody with more roles than racer; the password is not optional."""
        new = NewRacer(username=username, password=password, country=country)
        return await self._add(new, roles, actor=actor, kind="added")

    async def update(self, person_id: str, patch: RacerPatch, actor: str) -> Person:
        """Rename, country, colour, avatar; the trail keeps what was before."""
        return await self._change(lambda connection: people_changes.change(connection, person_id, patch, actor))

    async def set_roles(self, person_id: str, roles: Iterable[Role], actor: str) -> Person:
        """Give and take roles; signs the person out everywhere and stops a printed badge."""
        wanted = list(roles)
        job: Job = lambda connection: people_changes.change_roles(connection, person_id, wanted, actor)  # noqa: E731
        return await self._change(job, ends_sessions=self.get(person_id).roles != with_racer(wanted))

    async def set_password(self, person_id: str, password: str, actor: str) -> Person:
        """A new password; signs the person out everywhere."""
        check_password(password, self.get(person_id).username)
        hashed = await self.passwords.hash(password)
        job: Job = lambda connection: people_changes.change_password(connection, person_id, hashed, actor)  # noqa: E731
        return await self._change(job, ends_sessions=True)

    async def merge(self, keep_id: str, duplicate_id: str, actor: str) -> Person:
        """Two accounts of one racer become one; the duplicate's races follow the published fact."""
        return await self._change(
            lambda connection: people_changes.merge(connection, keep_id, duplicate_id, actor),
            then=RacersMerged(keep_id=keep_id, duplicate_id=duplicate_id),
            ended_ids=[duplicate_id],
        )

    async def forget(self, person_id: str, actor: str) -> Person:
        """
        Erase name, country, colour, avatar, password, badge and trail; laps stay under a neutral name.

        Backups made before still have them.
        """
        person = await self._change(
            lambda connection: people_changes.forget(connection, person_id, actor),
            then=RacerForgotten(person_id=person_id),
            ends_sessions=True,
        )
        await self._db.scrub()
        return person

    def badge_code(self, person_id: str) -> str:
        """
        The code that signs this racer in, "ABCD-EFGH". Whoever may see this must not see the crew's.

        Raises:
            Conflict: staff have no racer's badge; forgotten people none at all.
        """
        person = self.get(person_id)
        if person.is_staff:
            raise Conflict(
                f"{person.username} is staff and has no racer's badge.", "Ask an admin for a badge of the crew."
            )
        code = self._directory.code(person_id)
        if code is not None:
            return code
        raise Conflict("This person has no badge any more.", "Register them again if they are back.")

    async def renew_badge(self, person_id: str, actor: str) -> str:
        """A new code; the old badge stops at once."""
        self.badge_code(person_id)
        job: Job = lambda connection: people_changes.change_badge(connection, person_id, actor)  # noqa: E731
        await self._change(job, ends_sessions=True)
        return self.badge_code(person_id)

    def crew_badge_code(self, person_id: str) -> str:
        """
        The code that signs this member of the crew in, with all their roles: for admins only.

        Raises:
            Conflict: no badge is out.
        """
        person = self.get(person_id)
        code = self._directory.code(person_id)
        if code is None or not person.is_staff:
            raise Conflict(f"{person.username} has no badge of the crew.", "An admin gives one under Crew.")
        return code

    async def give_badge(self, person_id: str, actor: str) -> str:
        """
        A badge for one of the crew; with one out before, that one stops at once and its sessions end.

        Raises:
            Conflict: a racer only, or an admin.
        """
        is_first = not self.get(person_id).has_crew_badge
        job: Job = lambda connection: people_changes.give_badge(connection, person_id, actor, is_first=is_first)  # noqa: E731
        await self._change(job, ends_sessions=not is_first)
        return self.crew_badge_code(person_id)

    async def take_badge_away(self, person_id: str, actor: str) -> Person:
        """The badge of one of the crew stops at once and its sessions end; without one nothing changes."""
        had_one = self.get(person_id).has_crew_badge
        job: Job = lambda connection: people_changes.take_badge_away(connection, person_id, actor)  # noqa: E731
        return await self._change(job, ends_sessions=had_one)

    def find_by_badge(self, code: str) -> Person | None:
        """Whose badge it is; None for a wrong, renewed or taken one."""
        return self._directory.find_by_badge(code)

    def badge_serial(self, person_id: str) -> int | None:
        """For sessions.py only."""
        return self._directory.badge_serial(person_id)

    def password_hash(self, person_id: str) -> str | None:
        """For sessions.py only."""
        return self._directory.password_hash(person_id)

    def setup_code(self) -> str | None:
        """The code that makes the first admin; None once there is one. A new one at each start, never stored."""
        return self._setup_code

    async def claim_first_admin(self, setup_code: str, username: str, password: str, address: str = "") -> Person:
        """
        Make the first admin.

        Args:
            address: Where the try comes from, for the limits.

        Raises:
            Conflict: there is an admin already.
            NotAllowed: the code is wrong.
            TooManyTries: it was wrong too often.
        """
        if self._setup_code is None:
            raise Conflict("This box has an admin already.", "Sign in, or ask that admin for an account.")
        self._setup_tries.check(address)
        self._setup_tries_anywhere.check("everybody")
        self._setup_tries.spend(address)
        self._setup_tries_anywhere.spend("everybody")
        if not secrets.compare_digest(badges.normal_code(setup_code).encode(), self._setup_code.encode()):
            raise NotAllowed("That is not the set-up code.", "It is printed where Trackside was started.")
        self._setup_tries.refund(address)
        new = NewRacer(username=username, password=password)
        return await self._add(new, [Role.ADMIN], actor=None, kind="set_up", only_first_admin=True)

    async def settle(self) -> None:
        """Wait for changes whose callers have gone."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def _add(
        self, new: NewRacer, roles: Iterable[Role], *, actor: str | None, kind: str, only_first_admin: bool = False
    ) -> Person:
        template = Person(
            person_id="",
            username=clean_username(new.username),
            country=people_changes.check_country(new.country),
            colour=new.colour if people_changes.check_colour(new.colour) else None,
            avatar=new.avatar,
            roles=list(roles),
            has_password=new.password is not None,
            created_at="",
        )
        hashed = await self._hash_new(new, template)

        def job(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            if only_first_admin and people_store.other_admins(connection, None):
                raise Conflict("This box has an admin already.", "Sign in, or ask that admin for an account.")
            return [people_store.insert_person(connection, template, hashed, actor=actor, kind=kind)]

        return await self._change(job)

    async def _hash_new(self, new: NewRacer, template: Person) -> str | None:
        if new.password is None:
            if is_staff(template.roles):
                raise InvalidInput("Staff need a password.", "Give one of 8 characters or more.", field="password")
            return None
        # Before the work of hashing; the job looks again.
        if self.find(template.username) is not None:
            raise people_store.name_taken(template.username)
        check_password(new.password, template.username)
        return await self.passwords.hash(new.password)

    async def _change(
        self, job: Job, *, then: object = None, ends_sessions: bool = False, ended_ids: Iterable[str] = ()
    ) -> Person:
        async def apply() -> list[Person]:
            people = [self._directory.keep(row) for row in await self._db.write(job)]
            self._look_for_admin()
            for person_id in [*ended_ids, *([people[0].person_id] if ends_sessions else [])]:
                self._facts.publish(SessionsEnded(person_id=person_id))
            for person in people:
                self._facts.publish(PersonChanged(person_id=person.person_id))
            if then is not None:
                self._facts.publish(then)
            return people

        # A task of its own: a browser that hangs up cancels the wait, not the change of the directory.
        task = asyncio.create_task(apply())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return (await asyncio.shield(task))[0]

    def _look_for_admin(self) -> None:
        if self._directory.has_admin():
            self._setup_code = None
        elif self._setup_code is None:
            self._setup_code = badges.code_from_bits(secrets.randbits(40))


def racer_of(person: Person) -> Racer:
    """A person as the API's racer."""
    return Racer(
        racer_id=person.person_id,
        username=person.username,
        country=person.country,
        colour=person.colour,
        avatar=person.avatar,
    )
