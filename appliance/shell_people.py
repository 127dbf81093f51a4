"""People from the command line, while no server runs: the same rules, the same database, one command long."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from appliance.backup import DATABASE
from appliance.database import Database
from appliance.errors import Conflict, InvalidInput, NotFound, NotReady
from appliance.facts import Facts
from appliance.file_lock import FileInUse
from appliance.people import ACTOR_BOX, NewRacer, People, Person
from appliance.people_schema import MIGRATIONS
from appliance.people_store import LOAD, person_of
from appliance.permissions import Role, is_staff
from appliance.secret_key import load_secret

T = TypeVar("T")


def add(data_dir: Path, name: str, roles: Sequence[str], country: str | None, password: str | None) -> Person:
    """Make an account; the data directory and the database are made when they are not there."""
    wanted = [Role(role) for role in roles]
    if is_staff(wanted) and not password:
        raise InvalidInput(
            "Staff need a password.", "Pipe it in: echo PASSWORD | trackside user add … --password-stdin"
        )
    new = NewRacer(username=name, country=country, password=password or None)

    async def work(people: People) -> Person:
        if not is_staff(wanted):
            return await people.register(new, ACTOR_BOX)
        return await people.add_staff(name, wanted, password or "", ACTOR_BOX, country=country)

    return _with_people(data_dir, work)


def set_password(data_dir: Path, name: str, password: str | None) -> None:
    """A new password for somebody who exists."""
    if not password:
        raise InvalidInput(
            "There is no password.", "Pipe it in: echo PASSWORD | trackside user password … --password-stdin"
        )
    _need_database(data_dir)

    async def work(people: People) -> None:
        person = people.find(name)
        if person is None:
            raise NotFound(f"Nobody is called {name}.", "Look with: trackside user list")
        await people.set_password(person.person_id, password, ACTOR_BOX)

    _with_people(data_dir, work)


def everybody(data_dir: Path) -> list[Person]:
    """Everybody who is not forgotten or merged, in the order of the names; reads only, also beside a server."""
    path = _need_database(data_dir)
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            people = [person_of(row) for row in connection.execute(LOAD)]
    except sqlite3.Error as error:
        raise NotReady(f"Cannot read {path}: {error}.", "Run trackside doctor.") from error
    living = [person for person in people if not person.neutral and person.merged_into is None]
    return sorted(living, key=lambda person: person.username.casefold())


def _with_people(data_dir: Path, work: Callable[[People], Awaitable[T]]) -> T:
    async def run() -> T:
        # Only the people's tables: the server brings the others when it starts.
        db = await Database.open(data_dir / DATABASE, [MIGRATIONS], partial=True)
        try:
            people = People(db, Facts(), load_secret(data_dir))
            await people.load()
            return await work(people)
        finally:
            await db.close()

    try:
        return asyncio.run(run())
    except FileInUse as error:
        raise Conflict(
            f"A Trackside runs on {data_dir} (process {error.pid}).",
            "Do it on its pages under Crew or Racers, or stop it first. A second box has another --data DIR.",
        ) from error


def _need_database(data_dir: Path) -> Path:
    path = data_dir.absolute() / DATABASE
    if not path.is_file():
        raise NotFound(f"There is no {DATABASE} in {data_dir}.", "Give the right directory with --data DIR.")
    return path
