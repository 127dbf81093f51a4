"""What a seat knows, after what it heard."""

from dataclasses import asdict

import msgspec

from tests.race_samples import race
from tests.tui.crew_samples import crew_race, waiting
from tests.tui.snapshots import snapshot
from timing.crew_structs import Beat, BoardNow, ClockReading, QueueNow, RaceNow, StripsNow, TrackNow, TracksNow
from timing.structs import RaceState
from tui.picture import NO_STRIPS, Picture, after
from tui.wire import StreamMessage

CLOCK = ClockReading(mono_ns=7, wall_ns=0, boot_id="b")
RACE = crew_race(race())
LINE = waiting("bob", 1)
TRACK = TrackNow(track_id="1", name="Left", username="ada", state=RaceState.RUNNING)


def changed_by(message: StreamMessage) -> set[str]:
    """The fields that a message changes in a picture of a free track."""
    before = after(Picture(), snapshot(None))
    now = after(before, message)
    return {name for name in Picture.__dataclass_fields__ if getattr(before, name) != getattr(now, name)}


def test_each_message_changes_its_own_part_only() -> None:
    strips = msgspec.structs.replace(NO_STRIPS, connected=True)
    assert changed_by(RaceNow(clock=CLOCK, race=RACE)) == {"race", "at_ns", "boot_id"}
    assert changed_by(QueueNow(queue=[LINE], past=[LINE.entry])) == {"queue", "past"}
    assert changed_by(StripsNow(strips=strips, blind=[], loose_open=2)) == {"strips", "loose_open"}
    assert changed_by(TracksNow(tracks=[TRACK])) == {"tracks"}
    assert changed_by(BoardNow(board_version=9)) == {"board_version"}
    assert changed_by(Beat(clock=CLOCK)) == set()


def test_a_snapshot_replaces_everything() -> None:
    busy = Picture()
    for message in (snapshot(RACE), QueueNow(queue=[LINE], past=[LINE.entry]), TracksNow(tracks=[TRACK])):
        busy = after(busy, message)
    assert busy.race is not None
    assert asdict(after(busy, snapshot(None))) == asdict(after(Picture(), snapshot(None)))


def test_before_the_first_snapshot_nothing_is_known() -> None:
    assert not Picture().known
    assert not Picture().is_running
    assert after(Picture(), snapshot(RACE)).is_running
