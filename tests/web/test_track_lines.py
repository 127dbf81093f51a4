"""Which lines time which track, in the event form: what is offered, what is kept, what is warned of."""

import pytest

from tests.web.conftest import Site
from tests.web.crew import Crew, words
from timing.stream import Line, LineRole
from timing.strip_health import RecorderState
from timing.structs import Event, NewTrack, StripLine
from web.pages.staff.track_lines import groups, line_of, warnings

OWN, OTHER = "0190a000-0000-7000-8000-00000000000a", "0190b000-0000-7000-8000-00000000000b"


def recorder(recorder_id: str, name: str, lines: tuple[int, ...], *, is_own: bool, connected: bool) -> RecorderState:
    return RecorderState(
        recorder_id=recorder_id,
        remote_id=None if is_own else "r1",
        name=name,
        is_own=is_own,
        connected=connected,
        caught_up=connected,
        problem=None,
        note=None,
        strips=None,
        lines=[Line(line=line, name=f"strip {line}") for line in lines],
        last_seq=0,
        offset_us=None,
        offset_error_us=None,
        clock_difference_ms=None,
    )


def own(*lines: int, connected: bool = True) -> RecorderState:
    return recorder(OWN, "this box", lines, is_own=True, connected=connected)


def other(*lines: int, connected: bool = True) -> RecorderState:
    return recorder(OTHER, "Pi Süd", lines, is_own=False, connected=connected)


def track(name: str, *lines: StripLine) -> NewTrack:
    return NewTrack(name=name, lines=list(lines))


def test_lines_of_all_recorders_are_offered_own_ones_first() -> None:
    found = groups([other(4), own(17, 27)], [])

    assert [(group.name, group.note) for group in found] == [("This box", ""), ("Pi Süd", "")]
    assert [[line.key for line in group.lines] for group in found] == [["17", "27"], [f"{OTHER}:4"]]


def test_configured_lines_of_a_recorder_that_is_away_are_still_offered() -> None:
    gone = "0190c000-0000-7000-8000-00000000000c"
    found = groups([own(17), other(4, connected=False)], [StripLine(line=5, recorder_id=gone), StripLine(line=22)])

    assert [(group.name, group.note) for group in found] == [
        ("This box", ""),
        ("Pi Süd", "not connected"),
        ("recorder 0190c000", "not connected"),
    ]
    assert [(line.key, line.note) for line in found[0].lines] == [("17", "line 17"), ("22", "not there now")]
    assert [line.key for line in found[2].lines] == [f"{gone}:5"]


def test_own_recorder_named_by_its_id_keeps_its_spelling_and_is_offered_once() -> None:
    (group,) = groups([own(17, 27)], [StripLine(line=17, recorder_id=OWN)])

    assert [line.key for line in group.lines] == [f"{OWN}:17", "27"]


def test_button_is_told_from_a_strip() -> None:
    box = own(17)
    box.lines.append(Line(line=22, name="lap button", role=LineRole.BUTTON))

    assert [(line.name, line.note) for line in groups([box], [])[0].lines] == [
        ("strip 17", "line 17"),
        ("lap button", "button"),
    ]


@pytest.mark.parametrize("word", ["left", "17a", "1024", "-1", "", f"{'x' * 65}:4"])
def test_word_that_names_no_line_is_none(word: str) -> None:
    assert line_of(word) is None


@pytest.mark.parametrize(
    ("tracks", "recorders", "said"),
    [
        ([NewTrack(name="Left")], [own(17)], []),
        ([track("Left", StripLine(line=17)), track("Right", StripLine(line=27))], [own(17, 27)], []),
        ([track("Left"), NewTrack(name="Right")], [own(17)], []),
        (
            [NewTrack(name="Left"), NewTrack(name="Right")],
            [own(17)],
            [
                "Left and Right are both timed by every line of this box: a crossing counts on both."
                " Give each track its own lines."
            ],
        ),
        (
            [track("Left", StripLine(line=17)), track("Right", StripLine(line=17, recorder_id=OWN))],
            [own(17)],
            ["Strip 17 of this box times Left and Right: a crossing of it counts on both."],
        ),
        (
            [NewTrack(name="Links"), track("Süd", StripLine(line=17), StripLine(line=4, recorder_id=OTHER))],
            [own(17), other(4)],
            ["Strip 17 of this box times Süd and Links: a crossing of it counts on both."],
        ),
        (
            [track("Left", StripLine(line=4, recorder_id=OTHER)), track("Right", StripLine(line=4))],
            [own(4), other(4)],
            [],
        ),
        (
            [NewTrack(name="Left")],
            [own()],
            ["Left has no line: this box has none. Connect strips, or choose “By hand only”."],
        ),
        ([NewTrack(name="Left")], [own(connected=False)], []),
        (
            [track("Left", StripLine(line=5, recorder_id=OTHER))],
            [own(17), other(4)],
            ["Left: line 5 of Pi Süd is not there. Choose another line."],
        ),
        ([track("Left", StripLine(line=5, recorder_id=OTHER))], [own(17), other(connected=False)], []),
    ],
)
def test_what_is_odd_is_said(tracks: list[NewTrack], recorders: list[RecorderState], said: list[str]) -> None:
    assert warnings(tracks, recorders) == said


async def test_ticked_lines_are_saved_shown_again_and_kept_without_any_recorder(site: Site, event: Event) -> None:
    fields = {
        "name": "Rehearsal",
        "track__0__id": "1",
        "track__0__name": "Left",
        "track__0__timing": "some",
        "track__0__line__17": "1",
        "track__0__lines": f"27, 17 {OTHER}:4",
        "track__1__id": "2",
        "track__1__name": "Right",
        "track__1__timing": "none",
    }
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/events/{event.event_id}")
        answer = await crew.send(f"/staff/events/{event.event_id}", **fields, do="save")
        saved = site.house.events.get(event.event_id).tracks[0].lines
        again = await crew.send(f"/staff/events/{event.event_id}", **fields, do="add_track")

    assert saved == [StripLine(line=17), StripLine(line=27), StripLine(line=4, recorder_id=OTHER)]
    for key in ("17", "27", f"{OTHER}:4"):
        assert f'name="track-0-line-{key}" value="1" checked' in answer.text
        assert f'name="track-1-line-{key}" value="1">' in answer.text
    assert 'name="track-0-line-17" value="1" checked' in again.text


async def test_choosing_some_lines_and_ticking_none_is_refused(site: Site, event: Event) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/events/{event.event_id}")
        answer = await crew.send(
            f"/staff/events/{event.event_id}", name="Rehearsal", track__0__name="Left", track__0__timing="some"
        )

    assert answer.status_code == 400
    assert "Tick this track's lines, or choose “By hand only”." in words(answer)
