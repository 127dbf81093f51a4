"""From a person's request to a journal entry: which fields a kind needs, and what the first entry holds."""

from collections.abc import Sequence

from msgspec.structs import replace

from appliance import clock
from appliance.errors import Conflict, InvalidInput, named_in
from appliance.ids import new_id
from appliance.people import People
from appliance.people_structs import Person
from timing.crew_structs import ClockReading
from timing.crossing_entry import entry_of
from timing.crossings import EdgeSeen
from timing.events import Events
from timing.journal import Entry, Kind, Payload
from timing.press_moment import late_ms, moment_of
from timing.races import RaceRecord
from timing.structs import Action, NewRace
from timing.taken_back import crossings_by_edge

NEEDS: dict[Kind, tuple[str, ...]] = {
    Kind.SET_VALIDITY: ("lap", "valid"),
    Kind.SET_TIME: ("lap", "lap_ms"),
    Kind.SET_RESETS: ("lap", "resets"),
    Kind.DELETE_LAP: ("lap",),
    Kind.RESTORE_LAP: ("lap",),
    Kind.SET_PROXY: ("by_proxy",),
    Kind.SET_RACER: ("racer_id",),
    Kind.SET_TRACK: ("track_id",),
}
"""Fields an action must carry."""

MAY_HAVE: dict[Kind, tuple[str, ...]] = {
    Kind.SET_CAR: ("car_id", "model_id", "laps_so_far"),
    Kind.UNDO_LAP: ("lap",),
}
"""Fields it may carry. All others are left out of the journal."""


def payload_of(action: Action) -> Payload:
    """
    The fields that belong to the action's kind, and its reason.

    Raises:
        InvalidInput: one that the kind needs is missing; `field` names it.
    """
    fields: dict[str, object] = {}
    for name in NEEDS.get(action.kind, ()):
        value = getattr(action, name)
        if value is None:
            raise InvalidInput(f"{action.kind} needs {name}.", f"Send {name} with it.", field=name)
        fields[name] = value
    for name in MAY_HAVE.get(action.kind, ()):
        fields[name] = getattr(action, name)
    return Payload(reason=action.reason, **fields)  # type: ignore[arg-type]


def pressed_entry(action: Action, actor: str, race_entries: Sequence[Entry], now: ClockReading) -> Entry:
    """
    A person's action as an entry of the race, at the moment at which it counts.

    Raises:
        InvalidInput: A field is missing, or half a stamp is there.
        Conflict: The moment at which it was pressed cannot be told, or the race has outrun it.
    """
    moment = moment_of(action, now, race_entries)
    return Entry(
        race_id=race_entries[0].race_id,
        seq=len(race_entries),
        action_id=action.action_id,
        at_ns=moment.mono_ns,
        boot_id=moment.boot_id,
        wall_ns=moment.wall_ns,
        actor=actor,
        kind=action.kind,
        payload=replace(payload_of(action), late_ms=late_ms(moment, now)),
    )


def ready_entry(record: RaceRecord, new: NewRace, actor: str, *, over_limit: bool) -> Entry:
    """Entry 0 of a new race; says when staff went past the run limit."""
    return Entry(
        race_id=record.race_id,
        seq=0,
        action_id=record.race_id,
        at_ns=clock.mono_ns(),
        boot_id=clock.boot_id(),
        wall_ns=clock.wall_ns(),
        actor=actor,
        kind=Kind.READY,
        payload=Payload(
            racer_id=new.racer_id,
            track_id=new.track_id,
            by_proxy=new.by_proxy,
            car_id=new.car_id,
            model_id=new.model_id,
            override=True if over_limit else None,
        ),
    )


def added_crossing(entries: Sequence[Entry], edge: EdgeSeen, actor: str, reason: str | None) -> Entry:
    """A crossing that a person gives to the race; its action id is its edge, but when it comes back a second time."""
    entry = entry_of(entries[0].race_id, len(entries), edge, actor=actor, kind=Kind.ADD_CROSSING)
    if (edge.recorder_id, edge.seq) in crossings_by_edge(entries):
        entry = replace(entry, action_id=f"{entry.action_id}:{new_id()}")
    return replace(entry, payload=replace(entry.payload, reason=reason))


def check_targets(action: Action, event_id: str, people: People, events: Events) -> None:
    """Raises InvalidInput for a racer or a track that an action names and that is not there."""
    if action.kind is Kind.SET_RACER and action.racer_id is not None:
        with named_in("racer_id"):
            who_can_race(people, action.racer_id)
    if action.kind is Kind.SET_TRACK and action.track_id is not None:
        with named_in("track_id"):
            events.track(event_id, action.track_id)


def who_can_race(people: People, racer_id: str) -> Person:
    """Somebody who can race; Conflict for who was merged or forgotten, for whom a page was still open."""
    person = people.get(racer_id)
    if person.merged_into is not None:
        kept = people.get(person.merged_into).username
        raise Conflict(f"{person.username} was merged into {kept}.", f"Choose {kept}.", field="racer_id")
    if person.neutral:
        raise Conflict("This racer has been forgotten.", "Register them again if they are back.", field="racer_id")
    return person
