"""What a model is called: by its file, by a person, and beside others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InvalidInput
from cars.model_names import LONGEST, NAME, check_kind, check_name, free_name, model_name


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("fast.tar.gz", "fast"),
        ("Fast_2-b.TAR.GZ", "Fast_2-b"),
        ("fast.tar", "fast"),
        ("fast.tgz", "fast"),
        ("fast.gz", "fast"),
        ("fast (1).tar.gz", "fast-1"),
        ("fast.tar(1).gz", "fast-1"),
        ("fast.tar-1.gz", "fast-1"),
        ("Größter Übermut.tar.gz", "Groesster-Uebermut"),
        ("Élan café.tar.gz", "Elan-cafe"),
        ("v1.2.tar.gz", "v1-2"),
        ("C:\\Users\\Anna\\fast.tar.gz", "fast"),
        ("../../etc/passwd", "passwd"),
        ("速い.tar.gz", "model"),
        (".tar.gz", "model"),
        ("x" * 200 + ".tar.gz", "x" * LONGEST),
    ],
)
def test_a_file_gives_its_model_a_name(file_name: str, name: str) -> None:
    assert model_name(file_name) == name


@given(st.text(max_size=300))
def test_every_file_gives_a_name_that_may_be_typed_too(file_name: str) -> None:
    assert check_name(model_name(file_name)) == model_name(file_name)


@given(st.text("ab-_1", min_size=1, max_size=LONGEST), st.sets(st.text("ab-_1", min_size=1, max_size=LONGEST)))
def test_a_free_name_is_free_and_a_name(name: str, others: set[str]) -> None:
    taken = {other.lower() for other in others} | {name.lower()}
    found = free_name(name, taken)
    assert found.lower() not in taken
    assert NAME.fullmatch(found)


def test_a_name_that_another_model_has_gets_a_number() -> None:
    assert free_name("Fast", {"slow"}) == "Fast"
    assert free_name("Fast", {"fast"}) == "Fast-2"
    assert free_name("Fast", {"fast", "fast-2"}) == "Fast-3"


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ä", "a/b", "x" * 61, "a\n"])
def test_a_typed_name_is_letters_digits_hyphen_and_underscore(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_name(name)
    assert refusal.value.field == "name"
    assert refusal.value.remedy == (f"Use 1 to 60 letters, digits, - and _, for example {model_name(name)}.")


@pytest.mark.parametrize("file_name", ["fast.tar.gz", "fast.tar", "fast", "fast.tar.gz.download", "a/fast.tar.gz"])
def test_what_may_be_a_model_is_let_in(file_name: str) -> None:
    assert check_kind(file_name) == file_name.rpartition("/")[2]


@pytest.mark.parametrize(
    ("file_name", "kind"), [("a.zip", "a zip file"), ("IMG_1.HEIC", "a photo"), ("model.pb", "a bare model.pb")]
)
def test_what_is_plainly_no_model_is_not(file_name: str, kind: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_kind(file_name)
    assert refusal.value.message == f"{file_name} is {kind}, not a model."


@pytest.mark.parametrize("file_name", ["", "/", "a\x00b.tar.gz", "a\nb.tar.gz"])
def test_a_name_that_cannot_be_shown_is_refused(file_name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_kind(file_name)
    assert refusal.value.message == "The file has no name that can be shown."
