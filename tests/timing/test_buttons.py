"""The start and lap button."""

from dataclasses import replace

import pytest

from timing.buttons import BOUNCE_NS, is_new_press, meaning
from timing.crossings import EdgeSeen
from timing.journal import Kind
from timing.structs import RaceState

PRESS = EdgeSeen(recorder_id="pi", boot_id="a", seq=1, line=5, active=True, at_ns=1_000, wall_ns=0)


def later(ns: int, **fields: object) -> EdgeSeen:
    """A press some ns after the first."""
    stamp = {"at_ns": PRESS.at_ns + ns, "edge_ns": PRESS.edge_ns + ns, "seq": 2}
    return replace(PRESS, **(stamp | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (RaceState.READY, Kind.START),
        (RaceState.RUNNING, Kind.LAP),
        (RaceState.PAUSED, Kind.RESUME),
        (RaceState.OVER, None),
        (RaceState.SUBMITTED, None),
    ],
)
def test_what_a_press_means_depends_on_the_race(state: RaceState, kind: Kind | None) -> None:
    assert meaning(state) is kind


@pytest.mark.parametrize(("after_ns", "is_new"), [(0, False), (BOUNCE_NS - 1, False), (BOUNCE_NS, True)])
def test_a_press_that_chatters_is_one(after_ns: int, is_new: bool) -> None:
    assert is_new_press(PRESS, later(after_ns)) is is_new


@pytest.mark.parametrize(("open_ms", "is_new"), [(1, False), (49, False), (50, True)])
def test_a_contact_that_chatters_when_the_button_is_let_go_is_no_press(open_ms: int, is_new: bool) -> None:
    held_ms = 2_000
    let_go = later(held_ms * 1_000_000, active=False)
    assert is_new_press(PRESS, later((held_ms + open_ms) * 1_000_000), let_go) is is_new


def test_letting_go_is_no_press() -> None:
    assert not is_new_press(None, replace(PRESS, active=False))


def test_the_first_press_of_another_boot_counts() -> None:
    assert is_new_press(PRESS, later(1, recorder_boot_id="b", boot_id="b"))
