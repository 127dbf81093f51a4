"""
What the crew sees of a track, as the shapes that its live stream sends (timing/crew_structs.py).

Reads only. Everything but the number of loose crossings is in memory, so that a lap never waits for the disk.
"""

from timing.box_clock import box_clock
from timing.crew_structs import (
    BoardNow,
    CarsNow,
    CrewRace,
    CrewSnapshot,
    InLine,
    QueueNow,
    RaceNow,
    StripsNow,
    TrackNow,
    TracksNow,
)
from timing.journal import Kind
from timing.loose_list import LooseList
from timing.queue_structs import QueueState
from timing.structs import RaceState, RaceView
from web.driven_names import names_of_journal
from web.house import House

TRAIL_SHOWN = 12
"""The newest entries of a race, for a glance; `GET /api/races/{race_id}/trail` has all."""


async def snapshot(house: House, event_id: str, track_id: str, *, you: str, may_run: bool) -> CrewSnapshot:
    """Everything, for one device. Raises NotFound."""
    event, track = house.events.get(event_id), house.events.track(event_id, track_id)
    strips = await strips_now(house, event_id, track_id)  # First: the rest is in memory, and stays as new as it was.
    line = await queue_now(house, event_id, track_id)
    board = await board_now(house, event_id)
    racing = await race_now(house, event_id, track_id)
    return CrewSnapshot(
        clock=racing.clock,
        event_id=event_id,
        event_name=event.name,
        track_id=track_id,
        track_name=track.name,
        tracks=tracks_now(house, event_id).tracks,
        race=racing.race,
        queue=line.queue,
        past=line.past,
        strips=strips.strips,
        blind=strips.blind,
        loose_open=strips.loose_open,
        board_version=board.board_version,
        you=you,
        may_run=may_run,
    )


async def race_now(house: House, event_id: str, track_id: str) -> RaceNow:
    """The race on the track, its clocks at this moment."""
    view, clock = house.control.live(event_id, track_id), box_clock()
    if view is None:
        return RaceNow(clock=clock, race=None)
    names = await names_of_journal(house, await house.control.journal(view.race_id))
    race = CrewRace(
        view=view,
        allowed=sorted(await house.control.allowed(view.race_id)),
        power_cut=await power_cut(house, view),
        trail=(await house.control.trail(view.race_id, names.words))[-TRAIL_SHOWN:],
    )
    return RaceNow(clock=clock, race=race)


async def queue_now(house: House, event_id: str, track_id: str) -> QueueNow:
    """The line with each racer's runs, and who has left it. Raises NotFound."""
    most = house.events.get(event_id).rules.max_runs
    board = await house.boards.board(event_id, track_id)
    runs = {row.racer_id: row.runs for row in board.rows}
    return QueueNow(
        queue=[
            InLine(entry=entry, runs_done=runs.get(entry.racer_id, 0), max_runs=most)
            for entry in house.queue.list(event_id, track_id)
            if entry.state is not QueueState.RACING
        ],
        past=house.queue.past(event_id, track_id),
    )


async def strips_now(house: House, event_id: str, track_id: str) -> StripsNow:
    """The strips, what they missed, and how many crossings no race took. Raises NotFound."""
    loose_open = await LooseList(house.db, house.people, house.control).open_count(event_id, track_id)
    return StripsNow(
        strips=house.strips.health(event_id, track_id),
        blind=house.strips.blind_spots(event_id, track_id),
        loose_open=loose_open,
    )


def tracks_now(house: House, event_id: str) -> TracksNow:
    """Every track of the event with who races on it. Raises NotFound."""
    races = [(track, house.control.live(event_id, track.track_id)) for track in house.events.get(event_id).tracks]
    return TracksNow(
        tracks=[
            TrackNow(
                track_id=track.track_id,
                name=track.name,
                username=None if race is None else race.username,
                state=None if race is None else race.state,
            )
            for track, race in races
        ]
    )


async def board_now(house: House, event_id: str) -> BoardNow:
    """The version of the event's board. Raises NotFound."""
    return BoardNow(board_version=await house.boards.version(event_id))


def cars_now(house: House) -> CarsNow:
    """How many cars there are, and how many of them answer."""
    cars = house.cars.all()
    return CarsNow(paired=len(cars), online=sum(car.is_online for car in cars))


async def power_cut(house: House, race: RaceView) -> bool:
    """Whether the box itself paused the race when it came back after a power cut."""
    if race.state is not RaceState.PAUSED:
        return False
    stops = [entry for entry in await house.control.journal(race.race_id) if entry.kind in (Kind.PAUSE, Kind.DNF)]
    return bool(stops) and stops[-1].payload.reason == "power_cut"
