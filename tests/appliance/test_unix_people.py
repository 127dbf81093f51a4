"""Users of the machine itself: nobody with an account can be mistaken for one, nor the other way round."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InvalidInput
from appliance.unix_people import ROLES, id_of, shown_name, user_name
from appliance.usernames import clean_username


def test_a_user_of_the_machine_reads_as_one() -> None:
    assert shown_name(id_of("anna")) == "anna (on the box)"


@pytest.mark.parametrize("actor", ["", "strip", "box", "anna", "0190a000-0000-7000-8000-000000000000", "Unix:anna"])
def test_everybody_else_is_none(actor: str) -> None:
    assert shown_name(actor) is None


@given(st.text(min_size=1, max_size=30))
def test_no_account_can_have_the_name_of_a_user_of_the_machine(user: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert clean_username(shown_name(id_of(user)) or "") == "never"
    with pytest.raises(InvalidInput):
        clean_username(shown_name(id_of("anna")) or "")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("anna", "anna"),
        ("EXAMPLE\\anna", "EXAMPLE\\anna"),
        (None, "#1000"),
        ("", "#1000"),
        ("anna\nroot", "#1000"),
        ("a\x1b[2J", "#1000"),
        ("a" * 65, "#1000"),
    ],
    ids=str,
)
def test_a_name_that_nobody_can_read_is_the_number(name: str | None, written: str) -> None:
    assert user_name(1000, name) == written


def test_the_group_is_worth_an_operator_and_no_more() -> None:
    assert [role.value for role in ROLES] == ["operator"]
