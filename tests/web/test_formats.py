"""Times and names as people read them."""

import pytest

from web import formats
from web.countries import COUNTRIES, country_name, flag


@pytest.mark.parametrize(
    ("ms", "text"),
    [(None, "–"), (0, "00:00.000"), (9_123, "00:09.123"), (62_045, "01:02.045"), (3_723_004, "62:03.004")],
)
def test_a_lap_is_written_as_minutes_seconds_and_milliseconds(ms: int | None, text: str) -> None:
    assert formats.lap(ms) == text


@pytest.mark.parametrize(("ms", "text"), [(None, "–"), (0, "00:00.0"), (118_399, "01:58.3"), (120_000, "02:00.0")])
def test_a_countdown_is_rounded_down_to_tenths(ms: int | None, text: str) -> None:
    assert formats.countdown(ms) == text


@pytest.mark.parametrize(("ms", "text"), [(None, ""), (0, "+0.000"), (1_234, "+1.234"), (62_345, "+1:02.345")])
def test_a_gap_carries_its_sign(ms: int | None, text: str) -> None:
    assert formats.gap(ms) == text


@pytest.mark.parametrize(
    ("size_bytes", "of_bytes", "text"),
    [
        (0, None, "0 kB"),
        (1, None, "1 kB"),
        (48_211, None, "48 kB"),
        (99_999, None, "100 kB"),
        (100_000, None, "0.1 MB"),
        (21_349_000, None, "21.3 MB"),
        (209_715_200, None, "209.7 MB"),
        (9_999_900_000, None, "9999.9 MB"),
        (79_300_200_000, None, "79.3 GB"),
        (0, 21_349_000, "0.0 MB"),
    ],
)
def test_a_size_is_written_in_megabytes_of_a_million(size_bytes: int, of_bytes: int | None, text: str) -> None:
    assert formats.megabytes(size_bytes, of_bytes) == text


@pytest.mark.parametrize(
    ("username", "letters"),
    [
        ("anna.lee", "AL"),
        ("Łukasz", "Ł"),
        ("山田太郎", "山"),
        ("x_y_z", "XY"),
        ("speedy", "S"),
        ("...", "?"),
        ("", "?"),
    ],
)
def test_initials_come_from_the_first_two_words(username: str, letters: str) -> None:
    assert formats.initials(username) == letters


def test_days_and_moments_are_short() -> None:
    assert formats.day("2026-11-22") == "22 Nov 2026"
    assert formats.day(None) == ""
    assert formats.at(None) == ""


def test_flags_are_made_of_the_two_letters() -> None:
    assert flag("DE") == "\U0001f1e9\U0001f1ea"
    assert flag(None) == flag("??") == ""


def test_countries_have_unique_two_letter_codes_and_names_in_order() -> None:
    assert len(COUNTRIES) == 249
    assert all(len(code) == 2 and code.isupper() for code in COUNTRIES)
    assert country_name("DE") == "Germany"
    assert country_name("ZZ") == "ZZ"
    assert country_name(None) == ""
