"""From a last sign of life to the moment the lines are watched again."""

from hypothesis import given
from hypothesis import strategies as st

from timing.anchors import ClockReading
from timing.blindness import Sign, blind_since, blind_while_asleep
from timing.life_file import LifeFile
from timing.stream import Blind, BlindReason

AGAIN = ClockReading(10_000, 5_010_000)
ns = st.integers(0, 2**62)


def test_first_start_was_never_blind():
    assert blind_since(None, "boot", AGAIN) is None


def test_same_boot_is_measured_on_its_monotonic_clock():
    """The clock was set meanwhile: its old time means nothing."""
    sign = Sign(boot_id="boot", mono_ns=4_000, wall_ns=77)
    assert blind_since(sign, "boot", AGAIN) == Blind(
        boot_id="boot", from_ns=4_000, from_wall_ns=5_004_000, to_wall_ns=5_010_000, reason=BlindReason.KILLED
    )


def test_sleep_between_two_lives_is_time_too():
    sign = Sign(boot_id="boot", mono_ns=4_000, wall_ns=77)
    blind = blind_since(sign, "boot", ClockReading(10_000, 5_010_000, slept_ns=1_000_000))
    assert blind is not None
    assert blind.to_wall_ns - blind.from_wall_ns == 1_006_000


def test_sign_that_is_later_than_now_gives_no_blind_spot():
    assert blind_since(Sign(boot_id="boot", mono_ns=10_000, wall_ns=1), "boot", AGAIN) is None


def test_sleep_ends_where_it_was_noticed():
    blind = blind_while_asleep("boot", ClockReading(4_000, 9, 50), ClockReading(10_000, 900_000, 800_050))
    assert (blind.from_ns, blind.from_wall_ns, blind.to_wall_ns) == (4_000, 94_000, 900_000)


@given(ns, ns, ns, ns, st.booleans(), st.sampled_from(["boot", "other"]))
def test_blind_spot_never_ends_before_it_begins(mono_ns, wall_ns, again_ns, again_wall_ns, is_stop, boot):
    sign = Sign(boot_id=boot, mono_ns=mono_ns, wall_ns=wall_ns, is_stop=is_stop)
    blind = blind_since(sign, "boot", ClockReading(again_ns, again_wall_ns))
    if blind is None:
        assert (boot, again_ns <= mono_ns) == ("boot", True)
        return
    assert blind.to_wall_ns >= blind.from_wall_ns
    assert boot == "other" or blind.from_ns < again_ns
    assert (blind.reason is BlindReason.STOPPED) == is_stop


def test_sign_of_life_is_read_as_it_was_last_written(tmp_path):
    file = LifeFile(tmp_path / "timing.sock", "recorder")
    assert file.read() is None
    long = Sign(boot_id="b" * 36, mono_ns=2**63 - 1, wall_ns=2**63 - 1, slept_ns=2**62)
    short = Sign(boot_id="b", mono_ns=1, wall_ns=2)
    for sign in (short, long, short):
        file.write(sign)
        assert LifeFile(tmp_path / "timing.sock", "recorder").read() == sign
        assert LifeFile(tmp_path / "timing.sock", "another").read() is None
        assert file.path.stat().st_size == 512
    file.close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_costs_only_the_sign(tmp_path, caplog):
    file = LifeFile(tmp_path / "nowhere" / "timing.sock", "recorder")
    for _ in range(3):
        file.write(Sign(boot_id="b", mono_ns=1, wall_ns=2))
    assert file.read() is None
    assert [record.message.split()[0] for record in caplog.records] == ["no_sign_of_life"]
    file.close(remove=True)
