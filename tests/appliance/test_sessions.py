"""appliance/sessions.py on a real database, with clocks that the test moves."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance import clock
from appliance.database import Database
from appliance.errors import NotSignedIn, TooManyTries
from appliance.facts import Facts
from appliance.limits import FREE_TRIES, SignInLimits
from appliance.people import ACTOR_BOX, NewRacer, People
from appliance.people_schema import MIGRATIONS
from appliance.permissions import Permission, Role
from appliance.sessions import (
    RACER_AGE_S,
    RACER_IDLE_S,
    SAVE_EVERY_S,
    SESSIONS_PER_PERSON,
    STAFF_AGE_S,
    STAFF_IDLE_S,
    Sessions,
)

HERE = "192.0.2.1"
PASSWORD = "seven brave hedgehogs"
YEARS_NS = 20 * 365 * 86_400 * 1_000_000_000


@dataclass
class Clocks:
    """Boot-time and wall clock, moved by hand."""

    boot_ns: int = 5_000_000_000_000
    wall_ns: int = 1_800_000_000_000_000_000
    boot_id: str = "boot-1"

    def go_on(self, seconds: float) -> None:
        self.boot_ns += int(seconds * 1e9)
        self.wall_ns += int(seconds * 1e9)

    def reboot(self, off_s: float) -> None:
        self.boot_id += "+"
        self.boot_ns = 7_000_000_000
        self.wall_ns += int(off_s * 1e9)

    def seconds(self) -> float:
        return self.boot_ns / 1e9


class Box:
    """People and sessions over one database, restarted at will."""

    def __init__(self, db: Database, clocks: Clocks) -> None:
        self.db = db
        self.clocks = clocks

    async def start(self) -> "Box":
        self.facts = Facts()
        self.people = People(self.db, self.facts, bytes(32))
        await self.people.load()
        limits = SignInLimits(self.clocks.seconds)
        self.sessions = Sessions(self.db, self.facts, self.people, now_ns=lambda: self.clocks.boot_ns, limits=limits)
        await self.sessions.load()
        return self

    async def stored(self) -> int:
        row = await self.db.fetch_one("SELECT count(*) FROM person_session")
        assert row is not None
        return int(row[0])


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(clock, "wall_ns", lambda: clocks.wall_ns)
    monkeypatch.setattr(clock, "boot_id", lambda: clocks.boot_id)
    return clocks


@pytest.fixture
async def box(tmp_path: Path, clocks: Clocks) -> AsyncIterator[Box]:
    db = await Database.open(tmp_path / "trackside.db", [MIGRATIONS])
    box = await Box(db, clocks).start()
    await box.people.add_staff("Chief", [Role.ADMIN], PASSWORD, ACTOR_BOX)
    await box.people.register(NewRacer(username="Anna"), ACTOR_BOX)
    yield box
    await box.sessions.settle()
    await db.close()


async def staff_token(box: Box) -> str:
    return (await box.sessions.sign_in("Chief", PASSWORD, HERE))[0]


async def racer_token(box: Box) -> str:
    anna = box.people.find("Anna")
    assert anna is not None
    return (await box.sessions.sign_in_with_badge(box.people.badge_code(anna.person_id), HERE))[0]


async def test_name_and_password_sign_in_and_the_token_says_who_it_is(box: Box) -> None:
    token, viewer = await box.sessions.sign_in(" cHIEF", PASSWORD, HERE)
    assert (viewer.username, viewer.roles) == ("Chief", [Role.ADMIN, Role.RACER])
    assert viewer.can(Permission.MANAGE_STAFF)
    assert box.sessions.viewer(token) == viewer
    assert box.sessions.viewer(token + "x") is None
    assert box.sessions.viewer("") is None


async def test_a_badge_signs_its_racer_in(box: Box) -> None:
    viewer = box.sessions.viewer(await racer_token(box))
    assert viewer is not None
    assert viewer.username == "Anna"
    assert not viewer.can(Permission.LIST_RACERS)


@pytest.mark.parametrize("name", ["Chief", "Nobody", "Anna"])
async def test_a_wrong_password_and_an_unknown_name_get_the_same_words(box: Box, name: str) -> None:
    with pytest.raises(NotSignedIn, match=r"^The name or the password is wrong\. "):
        await box.sessions.sign_in(name, "not this one", HERE)


async def test_a_restart_signs_nobody_out(box: Box) -> None:
    token = await staff_token(box)
    await box.start()
    assert box.sessions.viewer(token) is not None


async def test_the_token_itself_is_not_stored(box: Box, tmp_path: Path) -> None:
    token = await staff_token(box)
    await box.db.scrub()
    content = (tmp_path / "trackside.db").read_bytes()
    assert b"Chief" in content
    assert token.encode() not in content


async def test_signing_out_ends_one_session_for_good(box: Box) -> None:
    first, second = await staff_token(box), await staff_token(box)
    await box.sessions.sign_out(first)
    await box.sessions.sign_out("unknown")
    for _ in range(2):
        assert box.sessions.viewer(first) is None
        assert box.sessions.viewer(second) is not None
        await box.start()


@pytest.mark.parametrize(
    ("sign_in", "idle_s", "age_s"), [(staff_token, STAFF_IDLE_S, STAFF_AGE_S), (racer_token, RACER_IDLE_S, RACER_AGE_S)]
)
async def test_a_session_ends_when_idle_and_when_old(
    box: Box, clocks: Clocks, sign_in: object, idle_s: float, age_s: float
) -> None:
    token = await sign_in(box)  # type: ignore[operator]
    clocks.go_on(idle_s - 60)
    assert box.sessions.viewer(token) is not None
    clocks.go_on(idle_s + 60)
    assert box.sessions.viewer(token) is None
    token = await sign_in(box)  # type: ignore[operator]
    for _ in range(int(age_s / (idle_s / 2))):
        clocks.go_on(idle_s / 2)
        assert box.sessions.viewer(token) is not None
    clocks.go_on(idle_s / 2)
    assert box.sessions.viewer(token) is None
    await box.sessions.settle()
    await box.start()
    assert box.sessions.viewer(token) is None
    assert await box.stored() == 0


@pytest.mark.parametrize("step_ns", [YEARS_NS, -YEARS_NS])
async def test_a_wall_clock_step_of_years_neither_ends_nor_extends_a_session(
    box: Box, clocks: Clocks, step_ns: int
) -> None:
    token = await staff_token(box)
    clocks.wall_ns += step_ns
    assert box.sessions.viewer(token) is not None
    await box.start()  # The same boot: the age is still measured.
    assert box.sessions.viewer(token) is not None
    clocks.go_on(STAFF_IDLE_S + 1)
    await box.start()
    assert box.sessions.viewer(token) is None


async def test_an_open_page_alone_does_not_keep_a_session_young(box: Box, clocks: Clocks) -> None:
    token = await staff_token(box)
    for _ in range(3):
        assert box.sessions.is_valid(token)
        clocks.go_on(STAFF_IDLE_S / 3)
    clocks.go_on(1)
    assert not box.sessions.is_valid(token)
    assert not box.sessions.is_valid("unknown")


async def test_the_time_that_the_box_was_off_counts(box: Box, clocks: Clocks) -> None:
    token = await staff_token(box)
    clocks.reboot(off_s=600)
    await box.start()
    assert box.sessions.viewer(token) is not None
    clocks.reboot(off_s=STAFF_IDLE_S + 1)
    await box.start()
    assert box.sessions.viewer(token) is None


async def test_a_boot_with_a_clock_that_lags_behind_signs_nobody_out(box: Box, clocks: Clocks) -> None:
    token = await staff_token(box)
    clocks.reboot(off_s=-30 * 86_400)
    await box.start()
    assert box.sessions.viewer(token) is not None
    clocks.go_on(STAFF_IDLE_S + 1)
    assert box.sessions.viewer(token) is None


async def test_use_is_kept_over_a_power_cut(box: Box, clocks: Clocks) -> None:
    token = await staff_token(box)
    clocks.go_on(STAFF_IDLE_S - 60)
    assert box.sessions.viewer(token) is not None
    await box.sessions.settle()
    clocks.reboot(off_s=SAVE_EVERY_S)
    await box.start()
    assert box.sessions.viewer(token) is not None


@pytest.mark.parametrize("change", ["password", "roles", "forget", "end_all"])
async def test_a_change_of_the_account_ends_its_sessions(box: Box, change: str) -> None:
    await box.people.add_staff("Deputy", [Role.ADMIN], PASSWORD, ACTOR_BOX)
    token, viewer = await box.sessions.sign_in("Chief", PASSWORD, HERE)
    other = await racer_token(box)
    changes = {
        "password": lambda: box.people.set_password(viewer.person_id, "eight brave hedgehogs", ACTOR_BOX),
        "roles": lambda: box.people.set_roles(viewer.person_id, [Role.OPERATOR], ACTOR_BOX),
        "forget": lambda: box.people.forget(viewer.person_id, ACTOR_BOX),
        "end_all": lambda: box.sessions.end_all(viewer.person_id),
    }
    await changes[change]()  # type: ignore[no-untyped-call]
    for _ in range(2):
        assert box.sessions.viewer(token) is None
        assert box.sessions.viewer(other) is not None
        await box.start()


async def test_merging_and_a_new_badge_end_the_sessions_too(box: Box) -> None:
    anna = box.people.find("Anna")
    assert anna is not None
    token = await racer_token(box)
    await box.people.renew_badge(anna.person_id, ACTOR_BOX)
    assert box.sessions.viewer(token) is None
    token = await racer_token(box)
    keep = await box.people.register(NewRacer(username="Hanna"), ACTOR_BOX)
    await box.people.merge(keep.person_id, anna.person_id, ACTOR_BOX)
    assert box.sessions.viewer(token) is None
    assert await box.stored() == 0


async def test_a_password_changed_while_the_old_one_is_checked_does_not_sign_in(box: Box) -> None:
    chief = box.people.find("Chief")
    assert chief is not None
    signing_in = asyncio.create_task(box.sessions.sign_in("Chief", PASSWORD, HERE))
    changing = asyncio.create_task(box.people.set_password(chief.person_id, "eight brave hedgehogs", ACTOR_BOX))
    results = await asyncio.gather(signing_in, changing, return_exceptions=True)
    if not isinstance(results[0], BaseException):
        assert box.sessions.viewer(results[0][0]) is None


async def test_the_oldest_of_too_many_sessions_ends(box: Box, clocks: Clocks) -> None:
    tokens = []
    for _ in range(SESSIONS_PER_PERSON + 2):
        clocks.go_on(1)
        tokens.append(await racer_token(box))
    assert [box.sessions.viewer(token) is None for token in tokens[:3]] == [True, True, False]
    assert await box.stored() == SESSIONS_PER_PERSON


# Limits


async def test_wrong_passwords_make_one_account_wait_and_the_hall_goes_on(box: Box, clocks: Clocks) -> None:
    for _ in range(FREE_TRIES):
        with pytest.raises(NotSignedIn):
            await box.sessions.sign_in("Chief", "wrong", HERE)
    with pytest.raises(TooManyTries) as refused:
        await box.sessions.sign_in("CHIEF", PASSWORD, HERE)
    assert refused.value.retry_after_s == 1
    await racer_token(box)
    await box.sessions.sign_in("Chief", PASSWORD, "192.0.2.2")
    clocks.go_on(1)
    await box.sessions.sign_in("Chief", PASSWORD, HERE)


async def test_tries_sent_at_the_same_instant_do_not_slip_through(box: Box) -> None:
    answers = await asyncio.gather(
        *[box.sessions.sign_in("Chief", f"wrong {n}", HERE) for n in range(30)], return_exceptions=True
    )
    assert sum(isinstance(answer, NotSignedIn) for answer in answers) == FREE_TRIES
    assert sum(isinstance(answer, TooManyTries) for answer in answers) == 30 - FREE_TRIES


async def test_no_password_badge_or_token_reaches_a_log(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = await staff_token(box)
    with pytest.raises(NotSignedIn):
        await box.sessions.sign_in("Chief", "my-typo-password", HERE)
    with pytest.raises(NotSignedIn):
        await box.sessions.sign_in_with_badge("WXYZ-2345", HERE)
    await box.sessions.sign_out(token)
    assert "sign_in_refused" in caplog.text
    for secret in (PASSWORD, token, "my-typo-password", "WXYZ-2345", "WXYZ2345"):
        assert secret not in caplog.text
