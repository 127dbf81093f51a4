"""An edge as a journal entry, and back: the one place that knows how a crossing is written down. Pure."""

from collections.abc import Sequence

from timing.crossings import Crossing, EdgeSeen
from timing.journal import ACTOR_STRIP, Entry, Kind, Payload


def action_id_of(recorder_id: str, edge_seq: int) -> str:
    """The action id of a crossing: its edge, so that reading the stream again changes nothing."""
    return f"{recorder_id}:{edge_seq}"


def entry_of(
    race_id: str,
    seq: int,
    edge: EdgeSeen,
    *,
    actor: str = ACTOR_STRIP,
    kind: Kind = Kind.CROSSING,
    target_seq: int | None = None,
) -> Entry:
    """
    The journal entry of an edge.

    Args:
        seq: Its place in the race's journal; accept() sets the final one.
        kind: CROSSING from the strips, ADD_CROSSING from a person, START, LAP or RESUME from a button.
        target_seq: The crossing of the same pass that this one stands in for.
    """
    return Entry(
        race_id=race_id,
        seq=seq,
        action_id=action_id_of(edge.recorder_id, edge.seq),
        at_ns=edge.at_ns,
        boot_id=edge.boot_id,
        wall_ns=edge.wall_ns,
        actor=actor,
        kind=kind,
        payload=Payload(
            target_seq=target_seq,
            recorder_id=edge.recorder_id,
            recorder_boot_id=edge.recorder_boot_id,
            edge_seq=edge.seq,
            edge_ns=edge.edge_ns,
            line=edge.line,
        ),
    )


def edge_of(entry: Entry) -> EdgeSeen | None:
    """The edge that an entry was made from; None when it was not made by one."""
    payload = entry.payload
    if payload.recorder_id is None or payload.edge_seq is None or payload.edge_ns is None or payload.line is None:
        return None
    return EdgeSeen(
        recorder_id=payload.recorder_id,
        boot_id=entry.boot_id,
        seq=payload.edge_seq,
        line=payload.line,
        active=True,
        at_ns=entry.at_ns,
        wall_ns=entry.wall_ns,
        recorder_boot_id=payload.recorder_boot_id or entry.boot_id,
        edge_ns=payload.edge_ns,
    )


def replaced_entry(entries: Sequence[Entry], crossing: Crossing) -> int | None:
    """The entry of the crossing of the same pass that this one stands in for, if the race has it."""
    if crossing.replaces is None:
        return None
    replaced = action_id_of(*crossing.replaces)
    return next((entry.seq for entry in entries if entry.action_id == replaced), None)
