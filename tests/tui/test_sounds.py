"""The terminal's bell: what rings, how often, and when it keeps silent."""

from collections.abc import Callable

import pytest

from tests.race_samples import lap, race
from timing.structs import LapView, RaceState, RaceView
from tui.sounds import Sound, Sounds, lap_sound


class Bell:
    """Counts its rings; what comes later comes when `pass_time` is called."""

    def __init__(self) -> None:
        self.rings = 0
        self.later: list[tuple[float, Callable[[], None]]] = []

    def ring(self) -> None:
        """One ring."""
        self.rings += 1

    def after(self, delay_s: float, ring: Callable[[], None]) -> None:
        """To be rung after a while."""
        self.later.append((delay_s, ring))

    def pass_time(self) -> None:
        """All that was put off."""
        for _, ring in self.later:
            ring()
        self.later.clear()


def sounds(bell: Bell, *, muted: bool = False) -> Sounds:
    """Sounds at this bell."""
    return Sounds(bell.ring, muted=muted, later=bell.after)


def running(*laps: LapView) -> RaceView:
    """A running race with these laps."""
    return race(RaceState.RUNNING, *laps)


@pytest.mark.parametrize(
    ("laps", "sound"),
    [
        ([lap(1)], Sound.LAP),
        ([lap(1, 8_000), lap(2, 7_999)], Sound.BEST),
        ([lap(1, 8_000), lap(2, 8_000)], Sound.LAP),
        ([lap(1, 8_000), lap(2, 8_001)], Sound.LAP),
        ([lap(1, 7_000, valid=False), lap(2, 8_000)], Sound.LAP),
        ([lap(1, 8_000), lap(2, 7_000, valid=False)], Sound.INVALID),
    ],
)
def test_a_lap_sounds_like_what_it_is(laps: list[LapView], sound: Sound) -> None:
    assert lap_sound(laps) is sound


@pytest.mark.parametrize(
    ("sound", "at_once", "in_all"),
    [
        (Sound.LAP, 1, 1),
        (Sound.BEST, 1, 2),
        (Sound.INVALID, 1, 3),
        (Sound.LINK_LOST, 1, 1),
        (Sound.LINK_BACK, 1, 1),
    ],
)
def test_each_sound_has_its_number_of_bells(sound: Sound, at_once: int, in_all: int) -> None:
    bell = Bell()
    sounds(bell).play(sound)
    assert bell.rings == at_once
    bell.pass_time()
    assert bell.rings == in_all


def test_what_was_there_before_makes_no_sound() -> None:
    bell = Bell()
    assert sounds(bell).hear(running(lap(1)), is_live=True) is None
    assert bell.rings == 0


def test_a_new_lap_sounds_and_the_same_again_does_not() -> None:
    bell = Bell()
    heard = sounds(bell)
    heard.hear(running(), is_live=True)
    assert heard.hear(running(lap(1)), is_live=True) is Sound.LAP
    assert heard.hear(running(lap(1)), is_live=True) is None
    assert bell.rings == 1


def test_an_undone_lap_and_another_race_are_silent() -> None:
    heard = sounds(Bell())
    heard.hear(running(lap(1), lap(2)), is_live=True)
    assert heard.hear(running(lap(1)), is_live=True) is None
    other = race(RaceState.RUNNING, lap(1), lap(2), race_id="race-2")
    assert heard.hear(other, is_live=True) is None
    assert heard.hear(None, is_live=True) is None


def test_the_link_sounds_once_when_it_is_lost_and_once_when_it_is_back() -> None:
    heard = sounds(Bell())
    answers = [heard.hear(None, is_live=is_live) for is_live in (True, False, False, True, True)]
    assert answers == [None, Sound.LINK_LOST, None, Sound.LINK_BACK, None]


def test_laps_that_came_with_the_link_are_heard_as_a_lap() -> None:
    heard = sounds(Bell())
    heard.hear(running(), is_live=True)
    heard.hear(running(), is_live=False)
    assert heard.hear(running(lap(1), lap(2, 9_000)), is_live=True) is Sound.LAP


def test_muted_is_silent_also_for_bells_that_were_on_their_way() -> None:
    bell = Bell()
    heard = sounds(bell)
    heard.play(Sound.INVALID)
    assert heard.toggle() is True
    bell.pass_time()
    heard.play(Sound.LAP)
    assert bell.rings == 1


def test_sound_that_is_switched_on_is_heard_at_once() -> None:
    bell = Bell()
    heard = sounds(bell, muted=True)
    assert heard.toggle() is False
    assert bell.rings == 1
