"""
What the queue does when something else happens: a race is made or ends, a track goes, racers are merged or forgotten.

Owns no state. Every follow-up is a change of the store like any other, made by "box".
"""

from dataclasses import replace

from appliance.clock import now_iso
from appliance.errors import NotFound
from appliance.facts import Facts
from appliance.people import People, PersonChanged, RacerForgotten, RacersMerged
from timing.events import Events
from timing.facts import EventChanged, RaceChanged
from timing.journal import ACTOR_BOX, Kind
from timing.line import STANDING, joined
from timing.queue_schema import QueueRow
from timing.queue_store import QueueStore, marked
from timing.queue_structs import QueueState
from timing.structs import LIVE_STATES, RaceView


class Follower:
    """Listens for as long as the house stands."""

    def __init__(self, store: QueueStore, facts: Facts, events: Events) -> None:
        self._store = store
        self._events = events
        facts.subscribe(RaceChanged, self._race_changed)
        facts.subscribe(EventChanged, self._event_changed)
        facts.subscribe(RacersMerged, self._racers_merged)
        facts.subscribe(RacerForgotten, self._racer_forgotten)
        facts.subscribe(PersonChanged, self._person_changed)

    def reconciled(self, live: dict[str, RaceView]) -> list[QueueRow]:
        """What a start finds changed: races that ended unseen, and one made in the moment the server died."""
        ended = [
            marked(row, QueueState.DONE, ACTOR_BOX)
            for row in self._store.rows()
            if row.state is QueueState.RACING and row.race_id not in live
        ]
        started = [
            row for view in live.values() if self._store.racing(view.race_id) is None for row in self._taken(view)
        ]
        return ended + [row for row in started if row.added_at <= live[row.race_id or ""].created_at]

    def left_behind(self, people: People) -> list[QueueRow]:
        """What a start finds not followed: somebody was merged or forgotten, or a track went, as the server died."""
        standing = [row for row in self._store.rows() if row.state in STANDING]
        places = {(row.racer_id, row.event_id, row.track_id) for row in standing}
        changed = []
        for row in standing:
            person = people.get(row.racer_id)
            if person.neutral or row.track_id not in self._tracks(row.event_id):
                changed.append(marked(row, QueueState.REMOVED, ACTOR_BOX))
            elif person.merged_into is not None:
                keep_id = person.merged_into
                changed.append(_merged(row, keep_id, {place[1:] for place in places if place[0] == keep_id}))
                places.add((keep_id, row.event_id, row.track_id))
        return changed

    def _race_changed(self, fact: RaceChanged) -> None:
        view = fact.view
        if view.state not in LIVE_STATES or view.deleted:
            self._store.spawn(lambda: self._closed(view.race_id))
        elif fact.kind in (Kind.READY, Kind.SET_RACER):
            self._store.spawn(lambda: self._raced(view))

    def _raced(self, view: RaceView) -> list[QueueRow]:
        held = self._store.racing(view.race_id)
        if held is None:
            return self._taken(view)
        if held.racer_id == view.racer_id:
            return []
        taken = self._taken(view)
        gone = {row.queue_id for row in taken}
        return [row for row in self._given_back(held) if row.queue_id not in gone] + taken

    def _taken(self, view: RaceView) -> list[QueueRow]:
        """The standing entry of this race's racer, as racing."""
        mine = [row for row in self._store.line(view.event_id, view.track_id) if row.racer_id == view.racer_id]
        return [marked(row, QueueState.RACING, ACTOR_BOX, race_id=view.race_id) for row in mine[:1]]

    def _given_back(self, held: QueueRow) -> list[QueueRow]:
        """The race got another racer: the one it had stands first in line again."""
        line = self._store.line(held.event_id, held.track_id)
        if held.racer_id in {row.racer_id for row in line}:
            return [marked(held, QueueState.REMOVED, ACTOR_BOX)]
        called_at = held.called_at or now_iso()
        return joined(line, marked(held, QueueState.CALLED, ACTOR_BOX, called_at=called_at, race_id=None), 1)

    def _closed(self, race_id: str) -> list[QueueRow]:
        row = self._store.racing(race_id)
        return [] if row is None else [marked(row, QueueState.DONE, ACTOR_BOX)]

    def _event_changed(self, fact: EventChanged) -> None:
        def decide() -> list[QueueRow]:
            tracks = self._tracks(fact.event_id)
            gone = [row for row in self._store.rows() if row.event_id == fact.event_id and row.track_id not in tracks]
            return [marked(row, QueueState.REMOVED, ACTOR_BOX) for row in gone]

        self._store.spawn(decide)

    def _tracks(self, event_id: str) -> set[str]:
        try:
            return {track.track_id for track in self._events.get(event_id).tracks}
        except NotFound:
            return set()

    def _racers_merged(self, fact: RacersMerged) -> None:
        def decide() -> list[QueueRow]:
            rows = self._store.rows()
            kept = {(row.event_id, row.track_id) for row in rows if _stands(row, fact.keep_id)}
            return [_merged(row, fact.keep_id, kept) for row in rows if row.racer_id == fact.duplicate_id]

        self._store.spawn(decide)

    def _racer_forgotten(self, fact: RacerForgotten) -> None:
        def decide() -> list[QueueRow]:
            mine = [row for row in self._store.rows() if _stands(row, fact.person_id)]
            return [marked(row, QueueState.REMOVED, ACTOR_BOX) for row in mine]

        self._store.spawn(decide)

    def _person_changed(self, fact: PersonChanged) -> None:
        """A new name or colour shows in the lines too."""
        lines = {(row.event_id, row.track_id) for row in self._store.rows() if _stands(row, fact.person_id)}
        for event_id, track_id in sorted(lines):
            self._store.tell(event_id, track_id)


def _stands(row: QueueRow, racer_id: str) -> bool:
    return row.racer_id == racer_id and row.state in STANDING


def _merged(row: QueueRow, keep_id: str, kept: set[tuple[str, str]]) -> QueueRow:
    """The duplicate's row as the kept racer's; out of the line where that one stands already."""
    mine = replace(row, racer_id=keep_id)
    if row.state in STANDING and (row.event_id, row.track_id) in kept:
        return marked(mine, QueueState.REMOVED, ACTOR_BOX)
    return mine
