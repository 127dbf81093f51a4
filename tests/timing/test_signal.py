"""When the strips saw nothing: which races a gap touches."""

from dataclasses import replace

import pytest

from timing.journal import Entry, Kind, Payload
from timing.rules import RaceRules
from timing.signal import Span, StripGap, blind_spot, is_touched, running_spans

NS_PER_MS = 1_000_000
RULES = RaceRules(race_ms=None)


def entries(*steps: tuple[Kind, int], boot: str = "a", first_seq: int = 0) -> list[Entry]:
    """A journal of (kind, ms) pairs; the first is `ready`."""
    return [
        Entry(
            race_id="r",
            seq=seq,
            action_id=f"{boot}{seq}",
            at_ns=at_ms * NS_PER_MS,
            boot_id=boot,
            wall_ns=at_ms * NS_PER_MS,
            actor="x",
            kind=kind,
            payload=Payload(racer_id="p", track_id="1") if kind is Kind.READY else Payload(),
        )
        for seq, (kind, at_ms) in enumerate(steps, start=first_seq)
    ]


def blind(from_ms: int, to_ms: int, *, from_boot: str = "a", to_boot: str = "a") -> StripGap:
    return StripGap(
        recorder_id="pi",
        seq=1,
        line=None,
        lost=0,
        reason="killed",
        from_boot_id=from_boot,
        from_ns=from_ms * NS_PER_MS,
        to_boot_id=to_boot,
        to_ns=to_ms * NS_PER_MS,
        from_wall_ns=from_ms * NS_PER_MS,
        to_wall_ns=to_ms * NS_PER_MS,
    )


RACED = entries((Kind.READY, 0), (Kind.START, 1_000), (Kind.PAUSE, 4_000), (Kind.RESUME, 6_000), (Kind.END, 9_000))


def test_a_race_runs_from_start_to_pause_and_from_resume_to_its_end() -> None:
    assert running_spans(RACED, RULES) == [
        Span("a", 1_000 * NS_PER_MS, 4_000 * NS_PER_MS),
        Span("a", 6_000 * NS_PER_MS, 9_000 * NS_PER_MS),
    ]


def test_a_race_that_runs_now_has_no_end() -> None:
    assert running_spans(RACED[:2], RULES) == [Span("a", 1_000 * NS_PER_MS, None)]


def test_a_race_that_a_power_cut_stopped_ran_to_the_end_of_that_boot() -> None:
    cut = [*RACED[:2], *entries((Kind.PAUSE, 50), (Kind.RESUME, 90), boot="b", first_seq=2)]
    assert running_spans(cut, RULES) == [Span("a", 1_000 * NS_PER_MS, None), Span("b", 90 * NS_PER_MS, None)]


def test_an_undone_start_of_a_lap_makes_no_span_of_its_own() -> None:
    lap = [*RACED[:2], *entries((Kind.LAP, 2_000), first_seq=2)]
    undone = [*lap, replace_kind(lap[2], Kind.UNDO_LAP, seq=3, target_seq=2)]
    assert running_spans(undone, RULES) == running_spans(RACED[:2], RULES)


def replace_kind(entry: Entry, kind: Kind, *, seq: int, target_seq: int) -> Entry:
    return Entry(
        race_id="r", seq=seq, action_id=f"u{seq}", at_ns=entry.at_ns + 1, boot_id=entry.boot_id, wall_ns=entry.wall_ns,
        actor="x", kind=kind, payload=Payload(target_seq=target_seq),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "touched"),
    [
        (0, 999, False),
        (500, 1_000, True),
        (2_000, 3_000, True),
        (4_001, 5_999, False),
        (3_999, 7_000, True),
        (9_001, 12_000, False),
        (0, 12_000, True),
    ],
)
def test_a_gap_touches_a_race_that_ran_meanwhile(from_ms: int, to_ms: int, touched: bool) -> None:
    assert is_touched(running_spans(RACED, RULES), blind(from_ms, to_ms)) is touched


def test_a_gap_of_another_boot_touches_nothing() -> None:
    gap = blind(2_000, 3_000, from_boot="z", to_boot="z")
    assert not is_touched(running_spans(RACED, RULES), gap)


@pytest.mark.parametrize(("off_ms", "touched"), [(3_000, True), (9_001, False)])
def test_a_machine_that_went_off_saw_nothing_of_what_came_after_in_that_boot(off_ms: int, touched: bool) -> None:
    assert is_touched(running_spans(RACED, RULES), blind(off_ms, 5, to_boot="b")) is touched


@pytest.mark.parametrize(("back_ms", "touched"), [(999, False), (1_001, True)])
def test_a_machine_that_came_back_late_missed_what_ran_before(back_ms: int, touched: bool) -> None:
    assert is_touched(running_spans(RACED, RULES), blind(7, back_ms, from_boot="z")) is touched


def test_people_read_how_long_it_lasted_where_anybody_knows() -> None:
    spot = blind_spot(blind(1_500, 3_400), "Pi of track 2")
    assert (spot.from_at, spot.to_at) == ("1970-01-01T00:00:01.500Z", "1970-01-01T00:00:03.400Z")
    assert (spot.missing_ms, spot.reason, spot.recorder_name) == (1_900, "killed", "Pi of track 2")
    assert blind_spot(replace(blind(1, 2), to_boot_id="b"), "x").missing_ms is None


def test_a_machine_that_slept_was_blind_as_long_as_the_time_of_day_says() -> None:
    slept = replace(blind(1_000, 1_001), reason="power", to_wall_ns=61_000 * NS_PER_MS)
    assert blind_spot(slept, "x").missing_ms == 60_000
