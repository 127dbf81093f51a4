"""The whole face of a race: everything that matters stands on 80 columns, and 140 use their room."""

import pytest
from msgspec.structs import replace
from textual.app import App, ComposeResult
from textual.content import Content

from tests.race_samples import lap, race
from tests.tui.crew_samples import blind_spot, crew_race, picture, strip, strips, waiting
from timing.queue_structs import QueueState
from timing.structs import RaceState
from tui.picture import Picture
from tui.seat import Clocks
from tui.widgets.race_face import RaceFace, Shown, show_clocks

NAME = "abcdefghijklmnopqrst"
LAPS = [lap(1, 9_123), lap(2, 8_012, resets=1), lap(3, 10_123, valid=False, resets=4), lap(4, 8_700, source="hand")]
CLOCKS = Clocks(race_left_ms=83_400, race_elapsed_ms=36_600, lap_elapsed_ms=4_200)


def busy_track(people: int = 30) -> Picture:
    """A running race with a bit of everything."""
    view = race(RaceState.RUNNING, *LAPS, username=NAME, by_proxy=True, resets=2)
    line = [
        waiting(NAME, 1, state=QueueState.CALLED),
        *(waiting(f"racer-{place}", place) for place in range(2, people)),
    ]
    past = [replace(waiting("zoe", 1).entry, state=QueueState.DONE, position=None)]
    return picture(
        crew_race(view, trail=12),
        queue=tuple(line),
        past=tuple(past),
        strips=strips(strip(1, "Start"), strip(2, "Finish", silent=11)),
        loose_open=2,
        blind=(blind_spot(),),
    )


class FaceApp(App[None]):
    """A face and nothing else."""

    def compose(self) -> ComposeResult:
        yield RaceFace()

    def text(self, seen: Picture, shown: Shown) -> list[str]:
        """What stands on the screen."""
        face = self.query_one(RaceFace)
        face.show(seen, shown)
        if seen.race is not None:
            show_clocks(face, seen.race.view, CLOCKS)
        strips = self.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


SHOWN = Shown(pending=("Lap",), waiting=Content(" 2 presses wait for the box: Lap 14:03:22, Reset 14:03:25 "), chosen=2)


async def drawn(size: tuple[int, int], seen: Picture, shown: Shown = SHOWN) -> list[str]:
    app = FaceApp()
    async with app.run_test(size=size) as pilot:
        app.text(seen, shown)
        await pilot.pause()
        return app.text(seen, shown)


async def test_everything_that_matters_stands_on_80_columns() -> None:
    lines = await drawn((80, 21), busy_track())  # the status line and two rows of keys take three
    assert lines[0] == f"  ► Running   {NAME} (NL)  run 1 of 3  by proxy             ● Lap"
    assert lines[1:5] == [
        " TIME LEFT                              LAP 5",
        " █▀▀▀█     █ ▄ ▀▀▀▀█ ▀▀▀▀█   █   █      █▀▀▀█ █▀▀▀█ ▄ █▀▀▀█ █   █   ▀▀▀▀█",
        " █   █     █ ▄ █▀▀▀▀ ▀▀▀▀█   ▀▀▀▀█      █   █ █   █ ▄ █   █ ▀▀▀▀█   █▀▀▀▀",
        " ▀▀▀▀▀     ▀   ▀▀▀▀▀ ▀▀▀▀▀ ▀     ▀      ▀▀▀▀▀ ▀▀▀▀▀   ▀▀▀▀▀     ▀ ▀ ▀▀▀▀▀",
    ]
    assert " ".join(lines[6].split()) == "BEST 00:08.012 AVG 1–3 00:09.001 LAPS 3 valid, 1 not RESETS 2/3"
    assert [line[:48].rstrip() for line in lines[7:13]] == [
        "   LAP TIME      RESETS  BY     COUNTS",
        "     4 00:08.700      0  hand   √ valid",
        "     3 00:10.123      4  strip  × invalid",
        " ►   2 00:08.012      1  strip  √ valid   best",
        "     1 00:09.123      0  strip  √ valid",
        "",
    ]
    assert [line[50:].strip() for line in lines[7:11]] == [
        "NEXT               29 in line",
        f"1! {NAME}  1/3",
        "2  racer-2               1/3",
        "3  racer-3               1/3",
    ]
    assert lines[17:20] == [
        " STRIPS  √ Start, 3 s ago   × Finish: silent for 11 crossings",
        " Who was that? 2 crossings (web: Crossings) · Blind for 2 s: check the laps",
        "  2 presses wait for the box: Lap 14:03:22, Reset 14:03:25",
    ]
    assert lines[20].endswith("the-operator  Thing 11  (edit)")


async def test_140_columns_hold_the_line_the_strips_and_what_happened_too() -> None:
    lines = await drawn((140, 38), busy_track(24))
    text = "\n".join(lines)
    assert all(f"racer-{place} " in text for place in range(2, 24))
    assert all(f"Thing {number}" in text for number in range(4, 12))
    assert "BEFORE" in text
    assert " × Finish               silent, 11 crossings" in text
    assert "██████" in lines[3]  # digits of five rows


async def test_no_race_shows_who_is_next_instead_of_clocks() -> None:
    text = "\n".join(await drawn((80, 21), replace_race(busy_track())))
    assert "Left is free" in text
    assert "TIME LEFT" not in text
    assert "STRIPS" in text


@pytest.mark.parametrize("size", [(60, 15), (30, 8), (12, 4), (2, 2)])
async def test_a_terminal_that_is_far_too_small_breaks_nothing(size: tuple[int, int]) -> None:
    assert len(await drawn(size, busy_track())) == size[1]
    assert len(await drawn(size, replace_race(busy_track()))) == size[1]


def replace_race(seen: Picture) -> Picture:
    """The same track without its race."""
    return picture(None, queue=seen.queue, past=seen.past)
