"""appliance/people.py on a real database: accounts, names, merging, forgetting, the first admin."""
# ruff: noqa: ASYNC240  a test may read its own small files

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance import people as accounts
from appliance.database import Database
from appliance.errors import ApplianceError, Conflict, InvalidInput, NotAllowed, NotFound, TooManyTries
from appliance.facts import Facts
from appliance.people import ACTOR_BOX, NewRacer, People, PersonChanged, RacerForgotten, RacerPatch, RacersMerged
from appliance.people_schema import MIGRATIONS
from appliance.permissions import Role

SECRET = bytes(range(32))
PASSWORD = "seven brave hedgehogs"


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "trackside.db", [MIGRATIONS])
    yield database
    await database.close()


@pytest.fixture
def facts() -> Facts:
    return Facts()


@pytest.fixture
async def people(db: Database, facts: Facts) -> People:
    people = People(db, facts, SECRET)
    await people.load()
    return people


async def reloaded(db: Database) -> People:
    people = People(db, Facts(), SECRET)
    await people.load()
    return people


async def test_somebody_who_signs_up_is_a_racer_and_is_still_there_after_a_restart(
    people: People, db: Database, facts: Facts
) -> None:
    changed: list[PersonChanged] = []
    facts.subscribe(PersonChanged, changed.append)
    person = await people.sign_up(
        NewRacer(username="Jürgen", country="DE", colour="sky_blue", avatar={"eyeType": "Wink"})
    )
    assert person.roles == [Role.RACER]
    assert changed == [PersonChanged(person_id=person.person_id)]
    again = await reloaded(db)
    assert again.get(person.person_id) == person
    assert [racer.username for racer in again.racers()] == ["Jürgen"]


async def test_a_name_is_taken_in_any_case_and_width(people: People) -> None:
    await people.sign_up(NewRacer(username="Jürgen"))
    for same in ("JÜRGEN", "ju\u0308rgen", "ｊürgen"):
        with pytest.raises(Conflict, match="is taken") as refused:
            await people.sign_up(NewRacer(username=same))
        assert refused.value.field == "username"
    found = people.find(" jÜRGEN ")
    assert found is not None
    assert found.username == "Jürgen"


@pytest.mark.parametrize("unseen", ["\ufe0f", "\u034f", "\u17b5", "\u180b", "\U000e0100", "\u3164", "\u200d", "\u202e"])
async def test_nobody_takes_a_name_that_only_looks_like_another(people: People, unseen: str) -> None:
    await people.register(NewRacer(username="Anna"), ACTOR_BOX)
    for twin in (f"Anna{unseen}", f"An{unseen}na"):
        with pytest.raises(InvalidInput):
            await people.register(NewRacer(username=twin), ACTOR_BOX)


async def test_a_script_that_signs_up_on_one_phone_keeps_nobody_else_out(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert accounts.SIGN_UPS < accounts.SIGN_UPS_ANYWHERE
    monkeypatch.setattr(accounts, "SIGN_UPS", 5)
    monkeypatch.setattr(accounts, "SIGN_UPS_REFILL_PER_S", 0.001)
    people = await reloaded(db)
    for n in range(5):
        await people.sign_up(NewRacer(username=f"robot{n}"), "script")
    with pytest.raises(TooManyTries, match="registration desk"):
        await people.sign_up(NewRacer(username="robot"), "script")
    assert (await people.sign_up(NewRacer(username="Anna"), "phone")).username == "Anna"


async def test_of_two_that_want_a_name_at_the_same_instant_one_gets_it(people: People) -> None:
    answers = await asyncio.gather(
        *[people.sign_up(NewRacer(username=name)) for name in ("Ada", "ADA", "ada")], return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Conflict", "Person"]
    assert len(people.racers()) == 1


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewRacer(username="no spaces"), "username"),
        (NewRacer(username="\ufdfa" * 20), "username"),
        (NewRacer(username="Bo", country="XX"), "country"),
        (NewRacer(username="Bo", colour="pink"), "colour"),  # type: ignore[arg-type]
        (NewRacer(username="Bo", password="short"), "password"),
        (NewRacer(username="Bo", password="password123"), "password"),
        (NewRacer(username="Bonifatius", password="bonifatius"), "password"),
    ],
)
async def test_a_wrong_field_is_named_and_nobody_is_added(people: People, new: NewRacer, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await people.sign_up(new)
    assert refused.value.field == field
    assert people.racers() == []


async def test_search_puts_names_that_start_with_the_text_first(people: People) -> None:
    for name in ("Ronan", "Aaron", "Ron", "Bo"):
        await people.register(NewRacer(username=name), ACTOR_BOX)
    assert [person.username for person in people.search("ron")] == ["Ron", "Ronan", "Aaron"]
    assert [person.username for person in people.search("", limit=2)] == ["Aaron", "Bo"]
    await people.add_staff("Olga", [Role.OPERATOR], PASSWORD, ACTOR_BOX)
    assert [person.username for person in people.search(role=Role.OPERATOR)] == ["Olga"]


async def test_a_rename_is_in_the_trail_with_who_and_what(people: People) -> None:
    admin = await people.add_staff("Chief", [Role.ADMIN], PASSWORD, ACTOR_BOX)
    racer = await people.register(NewRacer(username="Anna", country="DE"), admin.person_id)
    patch = RacerPatch(username="Hanna", country=None, colour="lime")
    renamed = await people.update(racer.person_id, patch, admin.person_id)
    assert (renamed.username, renamed.country, renamed.colour) == ("Hanna", None, "lime")
    assert people.find("Anna") is None
    newest, oldest = await people.trail(racer.person_id)
    assert (newest.actor, newest.kind) == (admin.person_id, "changed")
    assert newest.details == {"username": ["Anna", "Hanna"], "country": ["DE", None], "colour": [None, "lime"]}
    assert oldest.kind == "registered"
    # The old name is free again, and a person may change the case of their own.
    await people.register(NewRacer(username="Anna"), admin.person_id)
    await people.update(racer.person_id, RacerPatch(username="HANNA"), admin.person_id)


async def test_a_caller_that_hangs_up_leaves_the_directory_true(people: People, db: Database) -> None:
    task = asyncio.create_task(people.sign_up(NewRacer(username="Ghost")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await people.settle()
    assert [racer.username for racer in people.racers()] == [r.username for r in (await reloaded(db)).racers()]


# Staff


async def test_an_operator_changes_racers_but_never_staff(people: People) -> None:
    admin = await people.add_staff("Chief", [Role.ADMIN], PASSWORD, ACTOR_BOX)
    operator = await people.add_staff("Olga", [Role.OPERATOR], PASSWORD, admin.person_id)
    racer = await people.register(NewRacer(username="Anna"), operator.person_id)
    await people.update(racer.person_id, RacerPatch(username="Hanna"), operator.person_id)
    for change in (
        people.update(admin.person_id, RacerPatch(username="Fool"), operator.person_id),
        people.set_password(admin.person_id, "a password of mine", operator.person_id),
        people.set_roles(admin.person_id, [Role.RACER], operator.person_id),
        people.forget(admin.person_id, operator.person_id),
        people.merge(admin.person_id, racer.person_id, operator.person_id),
    ):
        with pytest.raises(NotAllowed, match="Chief is staff"):
            await change
    await people.update(operator.person_id, RacerPatch(country="SE"), operator.person_id)


async def test_the_only_admin_stays(people: People) -> None:
    admin = await people.add_staff("Chief", [Role.ADMIN], PASSWORD, ACTOR_BOX)
    with pytest.raises(Conflict, match="only admin"):
        await people.set_roles(admin.person_id, [Role.OPERATOR], admin.person_id)
    with pytest.raises(Conflict, match="only admin"):
        await people.forget(admin.person_id, admin.person_id)
    await people.add_staff("Deputy", [Role.ADMIN], PASSWORD, admin.person_id)
    changed = await people.set_roles(admin.person_id, [Role.OPERATOR], admin.person_id)
    assert changed.roles == [Role.OPERATOR, Role.RACER]


async def test_a_racer_without_a_password_cannot_become_staff(people: People) -> None:
    racer = await people.register(NewRacer(username="Anna"), ACTOR_BOX)
    with pytest.raises(Conflict, match="no password"):
        await people.set_roles(racer.person_id, [Role.OPERATOR], ACTOR_BOX)


# Badges


async def test_a_badge_finds_its_racer_however_it_is_typed_and_survives_a_restart(people: People, db: Database) -> None:
    racer = await people.register(NewRacer(username="Anna"), ACTOR_BOX)
    code = people.badge_code(racer.person_id)
    assert len(code) == 9
    again = await reloaded(db)
    for typed in (code, code.lower(), code.replace("-", ""), f" {code[:2]} {code[2:]} "):
        found = again.find_by_badge(typed)
        assert found is not None
        assert found.person_id == racer.person_id
    assert again.find_by_badge("") is None
    assert again.find_by_badge(code[:-1]) is None


async def test_a_renewed_badge_stops_the_old_one(people: People, db: Database) -> None:
    racer = await people.register(NewRacer(username="Anna"), ACTOR_BOX)
    old = people.badge_code(racer.person_id)
    new = await people.renew_badge(racer.person_id, ACTOR_BOX)
    assert new != old
    for directory in (people, await reloaded(db)):
        assert directory.find_by_badge(old) is None
        assert directory.find_by_badge(new) is not None


async def test_a_badge_never_opens_a_staff_account(people: People) -> None:
    racer = await people.register(NewRacer(username="Anna", password=PASSWORD), ACTOR_BOX)
    code = people.badge_code(racer.person_id)
    await people.set_roles(racer.person_id, [Role.OPERATOR], ACTOR_BOX)
    assert people.find_by_badge(code) is None
    with pytest.raises(Conflict, match="Anna is staff"):
        people.badge_code(racer.person_id)
    await people.set_roles(racer.person_id, [], ACTOR_BOX)
    assert people.find_by_badge(code) is None


# Merging and forgetting


async def test_a_merged_duplicate_is_nobody_and_its_name_is_free(people: People, db: Database, facts: Facts) -> None:
    merged: list[RacersMerged] = []
    facts.subscribe(RacersMerged, merged.append)
    keep = await people.register(NewRacer(username="Anna"), ACTOR_BOX)
    gone = await people.register(NewRacer(username="Anna2", country="FI", colour="red"), ACTOR_BOX)
    code = people.badge_code(gone.person_id)
    kept = await people.merge(keep.person_id, gone.person_id, ACTOR_BOX)
    assert (kept.country, kept.colour) == ("FI", "red")
    assert merged == [RacersMerged(keep_id=keep.person_id, duplicate_id=gone.person_id)]
    for directory in (people, await reloaded(db)):
        assert directory.get(gone.person_id).merged_into == keep.person_id
        assert [racer.username for racer in directory.racers()] == ["Anna"]
        assert directory.find("Anna2") is None
        assert directory.find_by_badge(code) is None
    with pytest.raises(Conflict, match="no badge"):
        people.badge_code(gone.person_id)
    with pytest.raises(Conflict, match="was merged"):
        await people.update(gone.person_id, RacerPatch(username="Bo"), ACTOR_BOX)
    assert (await people.register(NewRacer(username="Anna2"), ACTOR_BOX)).username == "Anna2"


async def test_duplicates_of_a_duplicate_point_at_the_one_that_is_left(people: People) -> None:
    first, second, third = [await people.register(NewRacer(username=f"Anna{n}"), ACTOR_BOX) for n in range(3)]
    await people.merge(second.person_id, third.person_id, ACTOR_BOX)
    await people.merge(first.person_id, second.person_id, ACTOR_BOX)
    assert people.get(third.person_id).merged_into == first.person_id


async def test_merging_refuses_itself_and_staff_and_strangers(people: People) -> None:
    racer = await people.register(NewRacer(username="Anna"), ACTOR_BOX)
    staff = await people.add_staff("Olga", [Role.OPERATOR], PASSWORD, ACTOR_BOX)
    with pytest.raises(InvalidInput, match="with itself"):
        await people.merge(racer.person_id, racer.person_id, ACTOR_BOX)
    with pytest.raises(Conflict, match="Olga is staff"):
        await people.merge(racer.person_id, staff.person_id, ACTOR_BOX)
    with pytest.raises(NotFound):
        await people.merge(racer.person_id, "nobody", ACTOR_BOX)


async def test_nothing_of_a_forgotten_racer_is_left_in_any_file(
    people: People, db: Database, facts: Facts, tmp_path: Path
) -> None:
    told: list[RacerForgotten] = []
    facts.subscribe(RacerForgotten, told.append)
    racer = await people.sign_up(
        NewRacer(
            username="Wilhelmina", country="NZ", colour="violet", avatar={"hatColor": "Chartreuse9"}, password=PASSWORD
        )
    )
    other = await people.register(NewRacer(username="Minnie.Duplicate"), ACTOR_BOX)
    await people.merge(racer.person_id, other.person_id, ACTOR_BOX)
    await people.update(racer.person_id, RacerPatch(username="Willemijn"), racer.person_id)
    code = people.badge_code(racer.person_id)
    traces = (
        b"Wilhelmina",
        b"wilhelmina",
        b"Willemijn",
        b"willemijn",
        b"Minnie",
        b"minnie",
        b"Chartreuse9",
        b"$argon2",
    )
    assert_found = b"".join(file.read_bytes() for file in tmp_path.glob("trackside.db*"))
    assert all(trace in assert_found for trace in traces)

    forgotten = await people.forget(racer.person_id, ACTOR_BOX)

    assert told == [RacerForgotten(person_id=racer.person_id)]
    assert forgotten.neutral
    assert forgotten.username.startswith("Racer-")
    assert (forgotten.country, forgotten.colour, forgotten.avatar, forgotten.has_password) == (None, None, None, False)
    assert people.find_by_badge(code) is None
    assert people.racers() == []
    assert people.get(other.person_id).username == forgotten.username
    trail = await people.trail(racer.person_id)
    assert [line.kind for line in trail] == ["forgotten", "changed", "took_over", "signed_up"]
    assert [line.details for line in trail[1:]] == [None, None, None]
    left = b"".join(file.read_bytes() for file in tmp_path.glob("trackside.db*"))
    assert [trace for trace in traces if trace in left] == []
    with pytest.raises(Conflict, match="has been forgotten"):
        await people.update(racer.person_id, RacerPatch(username="Bo"), ACTOR_BOX)


# The first admin


async def test_the_set_up_code_makes_one_admin_and_is_gone(people: People, db: Database) -> None:
    code = people.setup_code()
    assert code is not None
    admin = await people.claim_first_admin(code.lower().replace("-", " "), "Chief", PASSWORD)
    assert admin.roles == [Role.ADMIN, Role.RACER]
    assert people.setup_code() is None
    assert (await reloaded(db)).setup_code() is None
    with pytest.raises(Conflict, match="an admin already"):
        await people.claim_first_admin(code, "Second", PASSWORD)


async def test_two_that_know_the_set_up_code_cannot_both_be_the_first(people: People) -> None:
    code = people.setup_code() or ""
    answers = await asyncio.gather(
        *[people.claim_first_admin(code, name, PASSWORD) for name in ("One", "Two")], return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Person"]


async def test_guessing_the_set_up_code_is_stopped(people: People) -> None:
    for _ in range(10):
        with pytest.raises(NotAllowed, match="not the set-up code"):
            await people.claim_first_admin("ABCD-EFGH", "Chief", PASSWORD)
    with pytest.raises(TooManyTries):
        await people.claim_first_admin(people.setup_code() or "", "Chief", PASSWORD)
    # On another device the owner still gets in.
    await people.claim_first_admin(people.setup_code() or "", "Chief", PASSWORD, address="192.0.2.9")


async def test_a_box_with_an_admin_has_no_set_up_code(people: People) -> None:
    await people.add_staff("Chief", [Role.ADMIN], PASSWORD, ACTOR_BOX)
    assert people.setup_code() is None


async def test_no_password_badge_or_code_reaches_a_log(people: People, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    setup_code = people.setup_code() or ""
    await people.claim_first_admin(setup_code, "Chief", PASSWORD)
    racer = await people.sign_up(NewRacer(username="Anna", password="another " + PASSWORD))
    code = people.badge_code(racer.person_id)
    await people.set_password(racer.person_id, "a third " + PASSWORD, ACTOR_BOX)
    renewed = await people.renew_badge(racer.person_id, ACTOR_BOX)
    with pytest.raises(ApplianceError):
        await people.set_password(racer.person_id, "password", ACTOR_BOX)
    logging.getLogger("trackside").debug("premise")
    assert "premise" in caplog.text
    for secret in (PASSWORD, code, renewed, setup_code, "argon2"):
        assert secret not in caplog.text
    trail = "".join(str(line) for line in await people.trail(racer.person_id))
    for secret in (PASSWORD, code, renewed, "argon2"):
        assert secret not in trail


async def test_who_comes_over_the_unix_socket_changes_racers_and_no_staff(people: People) -> None:
    chief = await people.add_staff("Chief", [Role.ADMIN], PASSWORD, ACTOR_BOX)
    anna = await people.register(NewRacer(username="Anna"), "unix:olga")
    await people.update(anna.person_id, RacerPatch(country="SE"), "unix:olga")
    assert [line.actor for line in await people.trail(anna.person_id)] == ["unix:olga", "unix:olga"]
    for attempt in (
        people.update(chief.person_id, RacerPatch(username="Mallory"), "unix:olga"),
        people.set_password(chief.person_id, "six quiet hedgehogs", "unix:root"),
        people.set_roles(chief.person_id, [Role.RACER], "unix:olga"),
    ):
        with pytest.raises(NotAllowed, match="Chief is staff"):
            await attempt
    assert people.get(chief.person_id) == chief


async def test_everybody_who_did_something_can_be_named(people: People) -> None:
    anna = await people.sign_up(NewRacer(username="Anna"))
    assert [people.name_of(actor) for actor in (anna.person_id, "unix:olga", "nobody")] == [
        "Anna",
        "olga (on the box)",
        "somebody who is gone",
    ]
