"""Badges of the crew: given by an admin, stopped by whatever makes somebody another person than it was given to."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlite_utils.db import Database as SchemaDatabase

from appliance.database import Database
from appliance.errors import Conflict, NotAllowed, NotFound, NotSignedIn
from appliance.facts import Facts
from appliance.people import ACTOR_BOX, NewRacer, People, SessionsEnded
from appliance.people_schema import MIGRATIONS
from appliance.permissions import Role
from appliance.sessions import Sessions

SECRET = bytes(range(32))
PASSWORD = "seven brave hedgehogs"
HERE = "192.0.2.1"


@dataclass
class Box:
    """A box with an admin, an operator and a racer."""

    db: Database
    facts: Facts
    people: People
    sessions: Sessions
    admin_id: str
    olga_id: str
    anna_id: str

    async def restarted(self) -> People:
        people = People(self.db, Facts(), SECRET)
        await people.load()
        return people

    async def opens(self, code: str) -> bool:
        """Whether the code finds anybody, now and after a restart."""
        now, then = self.people.find_by_badge(code), (await self.restarted()).find_by_badge(code)
        assert now == then
        return now is not None

    async def did(self, person_id: str) -> list[tuple[str, str]]:
        return [(line.actor, line.kind) for line in await self.people.trail(person_id)]


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    db = await Database.open(tmp_path / "trackside.db", [MIGRATIONS])
    facts = Facts()
    people = People(db, facts, SECRET)
    await people.load()
    sessions = Sessions(db, facts, people)
    await sessions.load()
    admin = await people.add_staff("Chief", [Role.ADMIN], PASSWORD, ACTOR_BOX)
    olga = await people.add_staff("Olga", [Role.OPERATOR], PASSWORD, admin.person_id)
    anna = await people.register(NewRacer(username="Anna", password=PASSWORD), admin.person_id)
    yield Box(db, facts, people, sessions, admin.person_id, olga.person_id, anna.person_id)
    await sessions.settle()
    await db.close()


async def test_staff_have_no_badge_until_an_admin_gives_one(box: Box) -> None:
    assert not box.people.get(box.olga_id).has_crew_badge
    with pytest.raises(Conflict, match="Olga has no badge of the crew"):
        box.people.crew_badge_code(box.olga_id)
    code = await box.people.give_badge(box.olga_id, box.admin_id)
    assert await box.opens(code.lower().replace("-", " "))
    assert box.people.get(box.olga_id).has_crew_badge
    assert box.people.crew_badge_code(box.olga_id) == code
    assert (await box.did(box.olga_id))[0] == (box.admin_id, "badge_given")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REGISTRATION, Role.COMMENTATOR])
async def test_a_session_started_by_it_has_the_roles_of_the_person(box: Box, role: Role) -> None:
    person = await box.people.add_staff("Tina", [role], PASSWORD, box.admin_id)
    code = await box.people.give_badge(person.person_id, box.admin_id)
    token, viewer = await box.sessions.sign_in_with_badge(code, HERE)
    assert (viewer.username, viewer.roles) == ("Tina", [role, Role.RACER])
    assert box.sessions.viewer(token) == viewer


async def test_a_first_badge_signs_nobody_out(box: Box) -> None:
    token, _ = await box.sessions.sign_in("Olga", PASSWORD, HERE)
    await box.people.give_badge(box.olga_id, box.admin_id)
    assert box.sessions.viewer(token) is not None


async def test_a_new_badge_stops_the_old_one_and_its_sessions(box: Box) -> None:
    old = await box.people.give_badge(box.olga_id, box.admin_id)
    token, _ = await box.sessions.sign_in_with_badge(old, HERE)
    ended: list[SessionsEnded] = []
    box.facts.subscribe(SessionsEnded, ended.append)
    new = await box.people.give_badge(box.olga_id, box.admin_id)
    assert (await box.opens(old), await box.opens(new)) == (False, True)
    assert box.sessions.viewer(token) is None
    assert ended == [SessionsEnded(person_id=box.olga_id)]
    assert (await box.did(box.olga_id))[0] == (box.admin_id, "badge_renewed")


async def test_a_badge_taken_away_opens_nothing_and_its_sessions_end(box: Box) -> None:
    code = await box.people.give_badge(box.olga_id, box.admin_id)
    token, _ = await box.sessions.sign_in_with_badge(code, HERE)
    person = await box.people.take_badge_away(box.olga_id, box.admin_id)
    assert not person.has_crew_badge
    assert not await box.opens(code)
    assert box.sessions.viewer(token) is None
    with pytest.raises(NotSignedIn):
        await box.sessions.sign_in_with_badge(code, HERE)
    again = await box.people.give_badge(box.olga_id, box.admin_id)
    assert again != code
    assert [kind for _, kind in await box.did(box.olga_id)] == [
        "badge_given",
        "badge_taken_away",
        "badge_given",
        "added",
    ]


async def test_taking_away_what_nobody_has_changes_nothing(box: Box) -> None:
    token, _ = await box.sessions.sign_in("Olga", PASSWORD, HERE)
    await box.people.take_badge_away(box.olga_id, box.admin_id)
    assert box.sessions.viewer(token) is not None
    assert [kind for _, kind in await box.did(box.olga_id)] == ["added"]


@pytest.mark.parametrize(
    "roles", [[Role.REGISTRATION], [Role.OPERATOR, Role.COMMENTATOR], [Role.ADMIN], [Role.OPERATOR, Role.ADMIN], []]
)
async def test_other_roles_stop_the_badge_for_good(box: Box, roles: list[Role]) -> None:
    code = await box.people.give_badge(box.olga_id, box.admin_id)
    token, _ = await box.sessions.sign_in_with_badge(code, HERE)
    await box.people.set_roles(box.olga_id, roles, box.admin_id)
    assert not await box.opens(code)
    assert box.sessions.viewer(token) is None
    assert not box.people.get(box.olga_id).has_crew_badge
    assert [kind for _, kind in await box.did(box.olga_id)][:2] == ["badge_taken_away", "roles_set"]
    await box.people.set_roles(box.olga_id, [Role.OPERATOR], box.admin_id)
    assert not await box.opens(code)
    with pytest.raises(Conflict, match="no badge of the crew"):
        box.people.crew_badge_code(box.olga_id)


async def test_the_same_roles_again_leave_the_badge(box: Box) -> None:
    code = await box.people.give_badge(box.olga_id, box.admin_id)
    await box.people.set_roles(box.olga_id, [Role.OPERATOR], box.admin_id)
    assert await box.opens(code)


async def test_a_new_password_leaves_the_badge(box: Box) -> None:
    code = await box.people.give_badge(box.olga_id, box.admin_id)
    await box.people.set_password(box.olga_id, "six quiet hedgehogs", box.admin_id)
    assert await box.opens(code)


async def test_a_badge_printed_for_a_racer_never_opens_a_staff_account(box: Box) -> None:
    printed = box.people.badge_code(box.anna_id)
    assert await box.opens(printed)
    await box.people.set_roles(box.anna_id, [Role.OPERATOR], box.admin_id)
    assert not await box.opens(printed)
    given = await box.people.give_badge(box.anna_id, box.admin_id)
    assert (await box.opens(printed), await box.opens(given)) == (False, True)
    await box.people.set_roles(box.anna_id, [], box.admin_id)
    assert (await box.opens(printed), await box.opens(given)) == (False, False)
    assert await box.opens(box.people.badge_code(box.anna_id))


async def test_forgetting_stops_the_badge(box: Box) -> None:
    code = await box.people.give_badge(box.olga_id, box.admin_id)
    await box.people.forget(box.olga_id, box.admin_id)
    assert not await box.opens(code)
    assert not box.people.get(box.olga_id).has_crew_badge
    with pytest.raises(Conflict, match="has been forgotten"):
        await box.people.give_badge(box.olga_id, box.admin_id)


async def test_merging_a_duplicate_into_one_of_the_crew_leaves_only_the_badge_of_the_crew(box: Box) -> None:
    printed, code = box.people.badge_code(box.anna_id), await box.people.give_badge(box.olga_id, box.admin_id)
    await box.people.merge(box.olga_id, box.anna_id, box.admin_id)
    assert (await box.opens(printed), await box.opens(code)) == (False, True)
    for change in (box.people.give_badge, box.people.take_badge_away):
        with pytest.raises(Conflict, match="was merged"):
            await change(box.anna_id, box.admin_id)


Give = Callable[[str, str], Awaitable[object]]


@pytest.mark.parametrize("what", ["give", "take"])
async def test_a_badge_of_the_crew_is_for_the_crew_and_never_for_admins(box: Box, what: str) -> None:
    change: Give = box.people.give_badge if what == "give" else box.people.take_badge_away
    deputy = await box.people.add_staff("Deputy", [Role.ADMIN, Role.OPERATOR], PASSWORD, box.admin_id)
    with pytest.raises(Conflict, match="Deputy is an admin and has no badge"):
        await change(deputy.person_id, box.admin_id)
    with pytest.raises(Conflict, match="Anna is not of the crew"):
        await change(box.anna_id, box.admin_id)
    with pytest.raises(NotFound):
        await change("nobody", box.admin_id)
    assert await box.opens(box.people.badge_code(box.anna_id))


@pytest.mark.parametrize("what", ["give", "take"])
async def test_only_an_admin_gives_and_takes_and_nobody_to_themselves(box: Box, what: str) -> None:
    change: Give = box.people.give_badge if what == "give" else box.people.take_badge_away
    code = await box.people.give_badge(box.olga_id, box.admin_id)
    other = await box.people.add_staff("Tina", [Role.OPERATOR], PASSWORD, box.admin_id)
    for actor in (other.person_id, box.olga_id, box.anna_id, "unix:root"):
        with pytest.raises(NotAllowed):
            await change(box.olga_id, actor)
    assert await box.opens(code)


async def test_who_may_see_a_racers_badge_does_not_see_that_of_the_crew(box: Box) -> None:
    await box.people.give_badge(box.olga_id, box.admin_id)
    with pytest.raises(Conflict, match="Olga is staff and has no racer's badge"):
        box.people.badge_code(box.olga_id)
    with pytest.raises(Conflict, match="Olga is staff"):
        await box.people.renew_badge(box.olga_id, box.admin_id)
    with pytest.raises(Conflict, match="no badge of the crew"):
        box.people.crew_badge_code(box.anna_id)


async def test_no_row_makes_a_badge_open_an_admins_account(box: Box) -> None:
    code = await box.people.give_badge(box.olga_id, box.admin_id)
    admin = '["admin","operator","racer"]'
    await box.db.write(
        lambda connection: (
            connection.execute("UPDATE person SET roles = ? WHERE person_id = ?", [admin, box.olga_id]).rowcount
        )
    )
    assert (await box.restarted()).find_by_badge(code) is None


@pytest.mark.parametrize("stop", ["roles", "taken", "renewed"])
async def test_a_badge_stopped_while_it_signs_in_does_not(box: Box, stop: str) -> None:
    code = await box.people.give_badge(box.olga_id, box.admin_id)
    stopping = {
        "roles": lambda: box.people.set_roles(box.olga_id, [Role.ADMIN], box.admin_id),
        "taken": lambda: box.people.take_badge_away(box.olga_id, box.admin_id),
        "renewed": lambda: box.people.give_badge(box.olga_id, box.admin_id),
    }[stop]
    stopped = asyncio.create_task(stopping())
    for _ in range(2):  # Its job is on the way to the disk, the directory does not know yet.
        await asyncio.sleep(0)
    assert box.people.find_by_badge(code) is not None
    with pytest.raises(NotSignedIn, match="This badge has just been stopped"):
        await box.sessions.sign_in_with_badge(code, HERE)
    await stopped
    row = await box.db.fetch_one("SELECT count(*) FROM person_session")
    assert row is not None
    assert row[0] == 0


async def test_people_of_the_version_before_keep_their_badges_and_staff_get_none(tmp_path: Path) -> None:
    path = tmp_path / "trackside.db"
    await asyncio.to_thread(_version_before, path)
    db = await Database.open(path, [MIGRATIONS])
    try:
        people = People(db, Facts(), SECRET)
        await people.load()
        assert people.find_by_badge(people.badge_code("anna")) == people.get("anna")
        assert [people.get(one).has_crew_badge for one in ("anna", "olga")] == [False, False]
        assert people.find_by_badge(await people.give_badge("olga", ACTOR_BOX)) == people.get("olga")
        strict = await db.fetch_one("SELECT strict FROM pragma_table_list WHERE name = 'person'")
        assert strict is not None
        assert strict[0] == 1
        with pytest.raises(sqlite3.IntegrityError):
            await db.write(lambda connection: connection.execute("UPDATE person SET crew_badge = 2").rowcount)
    finally:
        await db.close()


def _version_before(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    MIGRATIONS.loaded().apply(SchemaDatabase(connection, execute_plugins=False), stop_before="0003_crew_badges")
    assert "crew_badge" not in [row[1] for row in connection.execute("PRAGMA table_info(person)")]
    for person_id, roles, serial in (("anna", '["racer"]', 3), ("olga", '["operator","racer"]', 1)):
        connection.execute(
            "INSERT INTO person (person_id, username, username_key, roles, password_hash, badge_serial, created_at)"
            " VALUES (?, ?, ?, ?, 'hash', ?, '2026-01-01T00:00:00Z')",
            [person_id, person_id, person_id, roles, serial],
        )
    connection.close()
