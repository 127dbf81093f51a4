"""From a person's request to a journal entry: which fields a kind needs, and what the first entry holds."""

from appliance import clock
from appliance.errors import InvalidInput
from timing.journal import Entry, Kind, Payload
from timing.races import RaceRecord
from timing.structs import Action, NewRace

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
    Kind.SET_CAR: ("car_id", "model_id"),
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
