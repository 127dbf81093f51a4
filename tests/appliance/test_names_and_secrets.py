"""The pure parts of people: names, passwords, badges, permissions, limits."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.badges import ALPHABET, badge_code, code_from_bits, normal_code
from appliance.errors import InvalidInput, NotAllowed, TooManyTries
from appliance.limits import ADDRESS_BUDGET, FREE_TRIES, TRIES_ANYWHERE, TRIES_BEYOND, Budget, SignInLimits
from appliance.passwords import WAITING_LIMIT, Passwords, check_password
from appliance.permissions import Permission, Role, can, is_staff, require, with_racer
from appliance.usernames import clean_username, neutral_username, username_key

# Names


@pytest.mark.parametrize(
    "name",
    ["Bo", "Jürgen", "José-Luís", "山田太郎", "Владимир", "محمد", "Nguyễn_Văn.A", "हिन्दी", "a.b-c_d", "1234", "x" * 20],
)
def test_names_of_every_script_are_taken(name: str) -> None:
    assert clean_username(f" {name} ") == name


def test_an_accent_typed_in_two_ways_is_one_name() -> None:
    assert clean_username("Ju\u0308rgen") == "Jürgen"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "A name has 2 to 20 characters; this one has 0."),
        ("x", "A name has 2 to 20 characters; this one has 1."),
        ("x" * 21, "A name has 2 to 20 characters; this one has 21."),
        ("two words", "A name cannot contain a space."),
        ("a/b", "A name cannot contain “/”."),
        ("<b>", "A name cannot contain “<”."),
        ("smile😀", "A name cannot contain “😀”."),
        ("zero\u200bwidth", "A name cannot contain that sign."),
        ("right\u202eleft", "A name cannot contain that sign."),
        ("ㅤㅤ", "A name cannot contain “ㅤ”."),
        ("nul\0l", "A name cannot contain that sign."),
        (".dot", "A name cannot start or end with . _ - or have two of them in a row."),
        ("dot.", "A name cannot start or end with . _ - or have two of them in a row."),
        ("a.-b", "A name cannot start or end with . _ - or have two of them in a row."),
        ("a__b", "A name cannot start or end with . _ - or have two of them in a row."),
        ("za\u0321\u0322\u0324\u0325\u0326lgo", "A name cannot have that many marks on one letter."),
    ],
)
def test_a_name_that_is_none_says_why(name: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean_username(name)
    assert refused.value.message == message
    assert refused.value.field == "username"


@given(st.text(max_size=30))
def test_whatever_is_accepted_stays_the_same_and_is_safe_to_show(text: str) -> None:
    try:
        name = clean_username(text)
    except InvalidInput:
        return
    assert clean_username(name) == name
    assert username_key(name) == username_key(name.upper()) or name.upper() != name.casefold()
    assert not set(name) & set("<>&\"'/\\ \n\t\0")


def test_a_neutral_name_is_one_that_nobody_has() -> None:
    digits = iter(["1a2b", "3c4d"])
    assert neutral_username(lambda: next(digits), lambda key: key == "racer-1a2b") == "Racer-3c4d"


# Passwords


@pytest.mark.parametrize("password", ["", "seven77", "password", "PASSWORD123", "aaaaaaaaaa", "x" * 129, "adaadaada"])
def test_a_password_that_anybody_would_try_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_password(password, "ada")
    assert refused.value.field == "password"
    assert len(password) < 9 or password not in str(refused.value)


async def test_a_password_matches_its_hash_in_either_form_of_an_accent_and_no_other() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("grüner Igel")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.matches(hashed, "gru\u0308ner Igel")
    assert not await passwords.matches(hashed, "gruener Igel")
    assert not await passwords.matches("not a hash", "grüner Igel")


async def test_a_name_that_nobody_has_takes_as_long_as_one_that_somebody_has() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("grüner Igel")

    async def seconds(password_hash: str | None) -> float:
        begun_s = time.perf_counter()
        assert not await passwords.matches(password_hash, "wrong")
        return time.perf_counter() - begun_s

    both = [(await seconds(hashed), await seconds(None)) for _ in range(9)]
    assert 0.5 < sorted(without / with_hash for with_hash, without in both)[4] < 2


async def test_made_up_names_take_nobodys_turn() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("grüner Igel")
    strangers = [asyncio.ensure_future(passwords.matches(None, "wrong")) for _ in range(WAITING_LIMIT * 3)]
    assert await passwords.matches(hashed, "grüner Igel")
    assert not any(await asyncio.gather(*strangers))


async def test_hashes_are_made_one_at_a_time_and_a_crowd_is_told_to_wait() -> None:
    passwords = Passwords()
    answers = await asyncio.gather(
        *[passwords.hash("grüner Igel") for _ in range(WAITING_LIMIT + 3)], return_exceptions=True
    )
    assert [type(answer) for answer in answers].count(TooManyTries) == 3
    assert await passwords.hash("grüner Igel")


# Badges


@given(st.binary(min_size=32, max_size=32), st.uuids().map(str), st.integers(0, 1000))
def test_a_badge_is_eight_signs_that_nobody_mixes_up(secret: bytes, person_id: str, serial: int) -> None:
    code = badge_code(secret, person_id, serial)
    assert len(code) == 9
    assert code[4] == "-"
    assert set(code.replace("-", "")) <= set(ALPHABET)
    assert normal_code(code.lower().replace("-", "  ")) == code
    assert badge_code(secret, person_id, serial + 1) != code


def test_the_alphabet_has_32_signs_without_look_alikes() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("01IO") & set(ALPHABET)
    assert code_from_bits(0) == "2222-2222"
    assert code_from_bits(2**40 - 1) == "ZZZZ-ZZZZ"


# Permissions: the table of reference/drem.md 3

EVERYBODY = set(Role)
STAFF = {Role.ADMIN, Role.OPERATOR}


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        (Permission.MANAGE_EVENTS, STAFF),
        (Permission.SEE_EVENTS, {*STAFF, Role.COMMENTATOR, Role.REGISTRATION}),
        (Permission.RUN_RACES, STAFF),
        (Permission.EDIT_RACES, STAFF),
        (Permission.SEE_RACES, {*STAFF, Role.COMMENTATOR}),
        (Permission.COMMENTATE, {Role.ADMIN, Role.COMMENTATOR}),
        (Permission.REGISTER_RACERS, {Role.ADMIN, Role.REGISTRATION}),
        (Permission.LIST_RACERS, {*STAFF, Role.REGISTRATION}),
        (Permission.EDIT_RACERS, {*STAFF, Role.REGISTRATION}),
        (Permission.MERGE_RACERS, {Role.ADMIN}),
        (Permission.FORGET_RACERS, {Role.ADMIN}),
        (Permission.MANAGE_RACERS, {Role.ADMIN}),
        (Permission.MANAGE_STAFF, {Role.ADMIN}),
        (Permission.MANAGE_CARS, STAFF),
        (Permission.SEE_SYSTEM, STAFF),
        (Permission.OWN_PROFILE, EVERYBODY),
    ],
)
def test_a_permission_belongs_to_exactly_these_roles(permission: Permission, roles: set[Role]) -> None:
    assert {role for role in Role if can([role], permission)} == roles


def test_every_permission_is_in_the_table_and_nobody_has_none() -> None:
    for permission in Permission:
        assert can([Role.ADMIN], permission)
        assert not can([], permission)


def test_a_refusal_names_the_roles_that_may() -> None:
    require([Role.ADMIN], Permission.MANAGE_STAFF)
    with pytest.raises(NotAllowed, match="Ask an admin for the role admin or operator"):
        require([Role.RACER], Permission.RUN_RACES)


def test_everybody_is_a_racer_and_only_more_is_staff() -> None:
    assert with_racer([Role.REGISTRATION, Role.ADMIN]) == [Role.ADMIN, Role.REGISTRATION, Role.RACER]
    assert not is_staff(with_racer([]))
    assert is_staff([Role.COMMENTATOR])


# Limits


class Clock:
    """A clock that stands."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def wait_of(limits: SignInLimits, address: str, account: str, *, exists: bool = True) -> int:
    try:
        limits.start(address, account, exists=exists)
    except TooManyTries as refused:
        return refused.retry_after_s
    return 0


def test_the_wait_doubles_up_to_its_limit_and_ends_with_the_right_password() -> None:
    clock = Clock()
    limits = SignInLimits(clock)
    assert [wait_of(limits, "a", "ada") for _ in range(FREE_TRIES)] == [0] * FREE_TRIES
    waits = []
    for _ in range(8):
        waits.append(wait_of(limits, "a", "ada"))
        clock.now_s += waits[-1]
        assert wait_of(limits, "a", "ada") == 0
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    limits.succeeded("a", "ada")
    assert wait_of(limits, "a", "ada") == 0


def test_one_phone_cannot_lock_an_account_out_elsewhere_however_long_it_tries() -> None:
    clock = Clock()
    limits = SignInLimits(clock)
    for _ in range(4 * 3600):
        clock.now_s += 1
        wait_of(limits, "bad", "ada")
    assert wait_of(limits, "bad", "ada") > 0
    assert wait_of(limits, "good", "ada") == 0


def test_many_phones_together_are_slowed_down_too_but_not_where_the_account_is_at_home() -> None:
    limits = SignInLimits(Clock())
    limits.start("laptop", "ada")
    limits.succeeded("laptop", "ada")
    passed = sum(wait_of(limits, f"phone-{n}", "ada") == 0 for n in range(200))
    assert passed == TRIES_ANYWHERE
    assert wait_of(limits, "tablet", "ada") > 0
    assert wait_of(limits, "laptop", "ada") == 0


@pytest.mark.parametrize("exists", [False, True])
def test_a_guesser_does_not_keep_the_hall_behind_the_same_address_out(exists: bool) -> None:
    clock = Clock()
    limits = SignInLimits(clock)
    for n in range(20_000):
        wait_of(limits, "hall", "operator" if exists else f"made-up-{n}", exists=exists)
    assert [wait_of(limits, "hall", f"racer-{n}") for n in range(200)] == [0] * 200
    limits.start_badge("hall")


def test_made_up_names_do_not_push_out_the_count_of_an_account() -> None:
    limits = SignInLimits(Clock())
    while wait_of(limits, "bad", "ada") == 0:
        pass
    for n in range(20_000):
        wait_of(limits, "bad", f"made-up-{n}", exists=False)
    assert wait_of(limits, "bad", "ada") > 0


def test_without_budget_an_address_tries_each_name_only_twice() -> None:
    clock = Clock()
    limits = SignInLimits(clock)
    for n in range(ADDRESS_BUDGET):
        assert wait_of(limits, "hall", f"racer-{n}") == 0
    assert [wait_of(limits, "hall", "ada") for _ in range(4)] == [0] * TRIES_BEYOND + [2, 2]
    clock.now_s += 2
    assert wait_of(limits, "hall", "ada") == 0


def test_a_try_that_did_not_take_place_does_not_count() -> None:
    limits = SignInLimits(Clock())
    for _ in range(FREE_TRIES * 3):
        limits.start("a", "ada")
        limits.take_back("a", "ada")
    assert wait_of(limits, "a", "ada") == 0


def test_what_is_remembered_is_bounded() -> None:
    budget = Budget(3, 1.0, Clock())
    for n in range(20_000):
        budget.spend(n)
    assert len(budget._tokens) == 10_000
