"""The question with two answers: which key is which answer, and that a name in it is only text."""

import pytest
from textual.app import App
from textual.widgets import Button

from tests.tui.keys import ended, press
from tui.screens.ask import Ask


class Asking(App[bool | None]):
    """Asks one question as soon as it is up, and ends with the answer."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self.ask = ask

    def on_mount(self) -> None:
        """Ask."""
        self.push_screen(self.ask, self.exit)


async def answer_to(ask: Ask, *keys: str) -> bool | None:
    """What the question answers to these keys."""
    app = Asking(ask)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.return_value is None
        await press(pilot, *keys)
        await ended(pilot)
    return app.return_value


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["y"], True),
        (["n"], False),
        (["enter"], True),
        (["escape"], False),
        (["right", "enter"], False),
        (["right", "left", "enter"], True),
        (["tab", "enter"], False),
    ],
)
async def test_a_key_is_an_answer(keys: list[str], answer: bool) -> None:
    assert await answer_to(Ask("Take ann out of the line?"), *keys) is answer


async def test_what_cannot_be_taken_back_needs_more_than_enter() -> None:
    assert await answer_to(Ask("Discard this race?", careful=True), "enter") is False
    assert await answer_to(Ask("Discard this race?", careful=True), "y") is True


async def test_the_marked_answer_is_seen_without_colour() -> None:
    ask = Ask("Go on?")
    async with Asking(ask).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert [str(one.label) for one in ask.query(Button)] == ["► Y  Yes  ", "  N  No  "]
        await press(pilot, "right")
        assert [str(one.label) for one in ask.query(Button)] == ["  Y  Yes  ", "► N  No  "]
        await press(pilot, "n")


async def test_a_name_is_shown_as_it_is_and_never_read_as_markup() -> None:
    ask = Ask("Take [red]ann[/] out?", "[b", yes="[Out]", no="Keep")
    app = Asking(ask)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        shown = [str(one.render()) for one in ask.query("Vertical > Static")]
        assert shown == ["Take [red]ann[/] out?", "[b"]
        assert [str(one.label) for one in ask.query(Button)] == ["► Y  [Out]  ", "  N  Keep  "]
        await press(pilot, "n")


async def test_a_long_question_fits_into_a_small_terminal() -> None:
    ask = Ask("Allow one more run for " + "山田太郎" * 10 + "?", "All 3 runs are used. It is recorded. " * 6)
    app = Asking(ask)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        button = ask.query_one("#yes").region
        assert 0 <= button.y < button.bottom <= 24
        assert 0 <= button.x < button.right <= 80
        await press(pilot, "y")
