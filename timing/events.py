"""
Events with their tracks and rules: the directory in memory, the truth in SQL.

Editing an event never changes a race: races carry their own copy of the rules.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from datetime import date as calendar_date

import msgspec

from appliance.clock import now_iso, today
from appliance.countries import COUNTRIES
from appliance.database import Database
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.facts import Facts
from appliance.ids import new_id
from timing.facts import EventChanged
from timing.rules import LAP_COUNTS, EventType, RaceRules, Ranking
from timing.structs import Event, EventPatch, NewEvent, NewTrack, StripLine, Track

FIRST_TRACK = NewTrack(name="Track 1")


class Events:
    """All events of this box. Reads are from memory and quick; writes are durable when they return."""

    def __init__(self, db: Database, facts: Facts) -> None:
        self._db = db
        self._facts = facts
        self._events: dict[str, Event] = {}
        self._changing = asyncio.Lock()
        """A change starts from what the one before it made of the event, so that two at once lose nothing."""

    async def load(self) -> None:
        """Read the directory; once, at start."""
        tracks: dict[str, list[Track]] = {}
        for row in await self._db.fetch_all("SELECT * FROM track ORDER BY event_id, position"):
            tracks.setdefault(row["event_id"], []).append(_track_of(row))
        for row in await self._db.fetch_all("SELECT * FROM event"):
            self._events[row["event_id"]] = _event_of(row, tracks.get(row["event_id"], []))

    def get(self, event_id: str) -> Event:
        """Raises NotFound."""
        try:
            return self._events[event_id]
        except KeyError:
            raise NotFound("There is no such event.", "Choose one from the list of events.") from None

    def has(self, event_id: str) -> bool:
        """Whether there is such an event."""
        return event_id in self._events

    def track(self, event_id: str, track_id: str) -> Track:
        """The track with exactly this id; raises NotFound."""
        event = self.get(event_id)
        for track in event.tracks:
            if track.track_id == track_id:
                return track
        raise NotFound(f"{event.name} has no such track.", "Choose one of the event's tracks.")

    def list(self) -> list[Event]:
        """Newest date first; events without a date after those with one, newest made first."""
        made = sorted(self._events.values(), key=lambda event: event.created_at, reverse=True)
        return sorted(made, key=lambda event: event.date or "", reverse=True)

    def current(self, day: str | None = None) -> Event | None:
        """
        The event people most likely mean: today's, else the next to come, else the latest made.

        Args:
            day: YYYY-MM-DD; the box's own today when left out.
        """
        day = day or today()
        dated = [event for event in self.list() if event.date]
        todays = [event for event in dated if event.date == day]
        coming = [event for event in dated if (event.date or "") > day]
        if todays:
            return max(todays, key=lambda event: event.created_at)
        undated = [event for event in self._events.values() if not event.date]
        if coming:
            return min(coming, key=lambda event: (event.date or "", event.created_at))
        return max([*dated, *undated], key=lambda event: event.created_at, default=None)

    async def create(self, new: NewEvent, actor: str) -> Event:
        """Make an event; without tracks it gets one. Raises InvalidInput."""
        _check_rules(new.rules)
        _check_country(new.country)
        _check_date(new.date)
        tracks, next_track = _numbered(new.tracks or [FIRST_TRACK], next_track=1)
        event = Event(
            event_id=new_id(),
            name=_trimmed(new.name),
            type=new.type,
            date=new.date,
            country=new.country,
            sponsor=new.sponsor,
            rules=new.rules,
            tracks=tracks,
            created_at=now_iso(),
        )

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO event (event_id, name, type, date, country, sponsor, rules, next_track, created_at,"
                " created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*_columns(event), next_track, event.created_at, actor),
            )
            _write_tracks(connection, event)

        await self._db.write(insert)
        return self._remember(event)

    async def patch(self, event_id: str, patch: EventPatch, actor: str) -> Event:
        """
        Change what is sent; `tracks` replaces the whole list, and a new track never gets a number used before.

        Raises:
            Conflict: a track that has races would go.
        """
        del actor  # who changed an event is not kept: rules are copied into each race
        async with self._changing:
            return await self._patch(event_id, patch)

    async def _patch(self, event_id: str, patch: EventPatch) -> Event:
        old = self.get(event_id)
        changes = {name: value for name, value in msgspec.structs.asdict(patch).items() if value is not msgspec.UNSET}
        new_tracks: Sequence[NewTrack] | None = changes.pop("tracks", None)
        event: Event = msgspec.structs.replace(old, **changes)
        event = msgspec.structs.replace(event, name=_trimmed(event.name))
        _check_rules(event.rules)
        _check_country(event.country)
        _check_date(event.date)

        def update(connection: sqlite3.Connection) -> Event:
            changed = event
            if new_tracks is not None:
                row = connection.execute("SELECT next_track FROM event WHERE event_id = ?", (event_id,)).fetchone()
                tracks, next_track = _numbered(new_tracks, next_track=row[0], known=[t.track_id for t in old.tracks])
                changed = msgspec.structs.replace(event, tracks=tracks)
                _refuse_lost_races(connection, old, changed)
                connection.execute("UPDATE event SET next_track = ? WHERE event_id = ?", (next_track, event_id))
                connection.execute("DELETE FROM track WHERE event_id = ?", (event_id,))
                _write_tracks(connection, changed)
            connection.execute(
                "UPDATE event SET name = ?, type = ?, date = ?, country = ?, sponsor = ?, rules = ?,"
                " board_version = board_version + 1 WHERE event_id = ?",
                (*_columns(changed)[1:], event_id),
            )
            return changed

        return self._remember(await self._db.write(update))

    async def delete(self, event_id: str, actor: str, *, force: bool = False) -> None:
        """
        Remove an event with everything in it.

        Raises:
            Conflict: it has races and `force` is not set, or one of them is live.
        """
        del actor
        async with self._changing:
            await self._delete(event_id, force=force)

    async def _delete(self, event_id: str, *, force: bool) -> None:
        event = self.get(event_id)

        def remove(connection: sqlite3.Connection) -> None:
            count, live = connection.execute(
                "SELECT count(*), sum(deleted = 0 AND state IN ('ready', 'running', 'paused', 'over'))"
                " FROM race WHERE event_id = ?",
                (event_id,),
            ).fetchone()
            if live:
                raise Conflict(f"{event.name} has a race that is not finished.", "Submit or discard it first.")
            if count and not force:
                raise Conflict(
                    f"{event.name} has {_races(count)}; deleting it would delete them.",
                    "Make a backup, then delete the event with all its races.",
                )
            connection.execute("INSERT OR IGNORE INTO event_removal (event_id) VALUES (?)", (event_id,))
            connection.execute(
                "DELETE FROM journal WHERE race_id IN (SELECT race_id FROM race WHERE event_id = ?)", (event_id,)
            )
            connection.execute("DELETE FROM race WHERE event_id = ?", (event_id,))
            connection.execute("DELETE FROM event WHERE event_id = ?", (event_id,))
            connection.execute("DELETE FROM event_removal WHERE event_id = ?", (event_id,))

        await self._db.write(remove)
        del self._events[event_id]
        self._facts.publish(EventChanged(event_id=event_id))

    def _remember(self, event: Event) -> Event:
        self._events[event.event_id] = event
        self._facts.publish(EventChanged(event_id=event.event_id))
        return event


def _columns(event: Event) -> tuple[str | None, ...]:
    rules = msgspec.json.encode(event.rules).decode()
    return (event.event_id, event.name, event.type, event.date, event.country, event.sponsor, rules)


def _write_tracks(connection: sqlite3.Connection, event: Event) -> None:
    connection.executemany(
        "INSERT INTO track (event_id, track_id, position, name, footer, fleet_id, lines) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (event.event_id, track.track_id, position, track.name, track.footer, track.fleet_id, _lines_json(track))
            for position, track in enumerate(event.tracks)
        ],
    )


def _lines_json(track: Track) -> str | None:
    return None if track.lines is None else msgspec.json.encode(track.lines).decode()


def _track_of(row: sqlite3.Row) -> Track:
    lines = None if row["lines"] is None else msgspec.json.decode(row["lines"], type=list[StripLine])
    return Track(
        track_id=row["track_id"], name=row["name"], footer=row["footer"], fleet_id=row["fleet_id"], lines=lines
    )


def _event_of(row: sqlite3.Row, tracks: list[Track]) -> Event:
    fields = {name: row[name] for name in ("event_id", "name", "type", "date", "country", "sponsor", "created_at")}
    fields["type"] = EventType(row["type"])
    return Event(**fields, rules=msgspec.json.decode(row["rules"], type=RaceRules), tracks=tracks)


def _numbered(tracks: Sequence[NewTrack], *, next_track: int, known: Sequence[str] = ()) -> tuple[list[Track], int]:
    """Give new tracks numbers never used in this event; known ids stay. Returns the next free number too."""
    numbered: list[Track] = []
    for new in tracks:
        track_id = new.track_id
        if track_id is None:
            while str(next_track) in known or any(track.track_id == str(next_track) for track in tracks):
                next_track += 1
            track_id = str(next_track)
            next_track += 1
        elif track_id.isdecimal() and len(track_id) < 10:
            next_track = max(next_track, int(track_id) + 1)
        if any(track.track_id == track_id for track in numbered):
            raise InvalidInput(f"Track {track_id} is there twice.", "Send each track once.", field="tracks")
        numbered.append(
            Track(track_id=track_id, name=_trimmed(new.name), footer=new.footer, fleet_id=new.fleet_id, lines=new.lines)
        )
    return numbered, next_track


def _refuse_lost_races(connection: sqlite3.Connection, old: Event, new: Event) -> None:
    kept = {track.track_id for track in new.tracks}
    for track in old.tracks:
        if track.track_id in kept:
            continue
        row = connection.execute(
            "SELECT count(*) FROM race WHERE event_id = ? AND track_id = ? AND deleted = 0 AND state <> 'discarded'",
            (old.event_id, track.track_id),
        ).fetchone()
        if row[0]:
            raise Conflict(
                f"{track.name} has {_races(row[0])} and cannot be removed.",
                "Move or delete its races first, or keep it.",
            )


def _races(count: int) -> str:
    return "1 race" if count == 1 else f"{count} races"


def _check_rules(rules: RaceRules) -> None:
    if rules.lap_count is None:
        return
    if rules.lap_count not in LAP_COUNTS:
        raise InvalidInput(
            f"A lap-count race of {rules.lap_count} laps does not exist.",
            "Choose 1, 2, 3, 4, 5 or 10.",
            field="lap_count",
        )
    if rules.ranking is not Ranking.BEST_LAP:
        raise InvalidInput(
            "A lap-count race is ranked by best lap.", "Choose best lap, or leave the lap count out.", field="ranking"
        )


def _check_country(country: str | None) -> None:
    if country is not None and country not in COUNTRIES:
        raise InvalidInput(f"{country} is not a country's code.", "Choose the country from the list.", field="country")


def _check_date(date: str | None) -> None:
    if date is None:
        return
    try:
        calendar_date.fromisoformat(date)
    except ValueError:
        raise InvalidInput(f"{date} is not a day.", "Write it as YYYY-MM-DD.", field="date") from None


def _trimmed(name: str) -> str:
    trimmed = " ".join(name.split())
    if not trimmed:
        raise InvalidInput("The name is empty.", "Type a name.", field="name")
    return trimmed
