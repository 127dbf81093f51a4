"""How a GPIO line is written, and what it means."""

import pytest

from appliance.errors import InvalidInput
from appliance.gpio_lines import GpioLine, Pull, parse_gpio_line, parse_gpio_lines, refuse_shared


@pytest.mark.parametrize(
    ("text", "pull", "is_active_low"),
    [
        ("27", Pull.UP, True),
        ("27:pull-up", Pull.UP, True),
        ("27:active-low", Pull.UP, True),
        ("27:pull-down", Pull.DOWN, False),
        ("27:active-high", Pull.DOWN, False),
        ("27:pull-none", Pull.NONE, True),
        ("27:pull-none:active-high", Pull.NONE, False),
        ("27:pull-up:active-high", Pull.UP, False),
        ("27:pull-down:active-low", Pull.DOWN, True),
    ],
)
def test_pull_and_level_follow_from_each_other_unless_both_are_given(
    text: str, pull: Pull, is_active_low: bool
) -> None:
    expected = GpioLine(number=27, name="strip 1", pull=pull, is_active_low=is_active_low)
    assert parse_gpio_line(text, "strip 1") == expected


def test_a_name_may_have_spaces_and_any_letters() -> None:
    assert parse_gpio_line(" 17:pull-up=Línea de meta  ", "strip 1").name == "Línea de meta"
    assert parse_gpio_line("17= B", "strip 1").name == "B"


@pytest.mark.parametrize(
    "text",
    [
        "", "GPIO17", "-1", "1024", "99999", "17:up", "17:active-low:pull-up", "17=", "17= ", "17=a,b", "17=a:b",
        "17=" + "x" * 41, "17\n=x", "١٧",
    ],
)  # fmt: skip
def test_what_is_not_a_line_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a GPIO line") as refused:
        parse_gpio_line(text, "strip 1")
    assert "27:pull-up:active-low=Left strip" in refused.value.remedy


def test_strips_without_names_are_counted() -> None:
    assert [line.name for line in parse_gpio_lines(["5", "6=Finish", "7"])] == ["strip 1", "Finish", "strip 3"]


@pytest.mark.parametrize("count", [0, 65])
def test_there_is_at_least_one_strip_and_no_more_than_the_kernel_takes(count: int) -> None:
    with pytest.raises(InvalidInput, match=f"There are {count} GPIO strips"):
        parse_gpio_lines([str(number) for number in range(count)])


def test_a_line_is_for_one_thing() -> None:
    refuse_shared([("strip 1", 17), ("the lamp", 27)])
    with pytest.raises(InvalidInput, match=r"GPIO 17 is set twice: for strip 1 and for the lamp\."):
        refuse_shared([("strip 1", 17), ("strip 2", 27), ("the lamp", 17)])
