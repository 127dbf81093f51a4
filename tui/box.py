"""
One box, by the names of its calls. The screens' only way to the server; no Textual here.

Every call raises what tui/connection.py says: BoxAway, SignedOut, Refused, or BoxError for an answer not understood.
Presses on a race go through tui/presses.py, which repeats them; all other calls are made once.
"""

import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from timing.crew_structs import ClockReading, Connections
from timing.journal import Kind
from timing.queue_structs import QueueEntry
from timing.strip_picture import StripCheckNow
from timing.structs import Action, Board, BoardFormat, Event, NewRace, RaceState, RaceView
from timing.trail import TrailLine
from tui.car_wire import CarList, CarModels, Command, ModelName, Told
from tui.connection import Connection
from tui.stream import Lines, check_of, message_of
from tui.wire import BoxIdentity, HealthReport, Racer, Session, StreamMessage, WhoAmI

SILENCE_S = 2.6
"""The box beats each second, so two beats are missing; with it the loss is told within 3 s of the last byte."""
LONG_S = 15.0
"""For lists: hundreds of races over bad Wi-Fi, while nobody waits for a lap."""

STOP_S = 2.0
"""For one try to stop the cars: whoever pressed is to know soon, and it is tried again."""
CAR_S = 30.0
"""For what a car itself has to answer, over its own Wi-Fi."""

CHECK = "/api/strips/check"


def new_id() -> str:
    """An id of our own for a race or an action, so that asking again changes nothing twice."""
    return str(uuid.uuid4())


class Box:
    """One box. `token` is set by signing in; over the Unix socket nobody needs one."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self._connection = Connection(address, token)

    @property
    def address(self) -> str:
        """Where it is: "http://host:8080" or "unix:/path/api.sock"."""
        return self._connection.address

    @property
    def token(self) -> str | None:
        """What we show to be let in."""
        return self._connection.token

    @token.setter
    def token(self, token: str | None) -> None:
        self._connection.token = token

    def move_to(self, address: str) -> None:
        """The same box at another address."""
        self._connection.move_to(address)

    def forget_connections(self) -> None:
        """Begin with new connections: the old ones may lead nowhere."""
        self._connection.forget()

    async def close(self) -> None:
        """Leave; the token stays good."""
        await self._connection.close()

    # who we are

    async def sign_in(self, username: str, password: str) -> Session:
        """Sign in with an account; the token is used from now on."""
        return await self._signed_in({"username": username, "password": password})

    async def sign_in_with_badge(self, code: str) -> Session:
        """Sign in with a badge."""
        return await self._signed_in({"badge": code})

    async def who(self) -> WhoAmI:
        """Whom the box takes us for."""
        return await self._connection.send("GET", "/api/session", WhoAmI)

    async def sign_out(self) -> None:
        """End the session; its token is worth nothing from now on."""
        await self._connection.send("DELETE", "/api/session", type(None))
        self.token = None

    # the clock and the box

    async def clock(self) -> ClockReading:
        """Its clocks now."""
        return await self._connection.send("GET", "/api/clock", ClockReading)

    async def identity(self) -> BoxIdentity:
        """Which box it is, and its version; anybody may ask."""
        return await self._connection.send("GET", "/api/box", BoxIdentity)

    async def health(self) -> HealthReport:
        """How it is."""
        return await self._connection.send("GET", "/api/health", HealthReport, also=frozenset({503}))

    async def connections(self) -> Connections:
        """Who is connected."""
        return await self._connection.send("GET", "/api/connections", Connections)

    # events and races

    async def events(self) -> list[Event]:
        """All events, the newest day first."""
        return await self._connection.send("GET", "/api/events", list[Event], patience_s=LONG_S)

    async def races(
        self,
        *,
        event_id: str,
        track_id: str | None = None,
        racer_id: str | None = None,
        state: RaceState | None = None,
        only_deleted: bool = False,
        before: str | None = None,
        limit: int = 200,
    ) -> list[RaceView]:
        """Races that fit all that is asked, newest first; `before` goes on after the last id of a page."""
        query = _query(event_id=event_id, track_id=track_id, racer_id=racer_id, state=state, before=before, limit=limit)
        query |= {"only_deleted": "true"} if only_deleted else {}
        return await self._connection.send("GET", "/api/races", list[RaceView], query=query, patience_s=LONG_S)

    async def race(self, race_id: str, *, deleted_laps: bool = False) -> RaceView:
        """One race, its clocks at this moment; its deleted laps too when they are asked for."""
        query = {"deleted_laps": "true"} if deleted_laps else None
        return await self._connection.send("GET", _path("/api/races", race_id), RaceView, query=query)

    async def trail(self, race_id: str) -> list[TrailLine]:
        """Who did what and when, oldest first."""
        return await self._connection.send("GET", _path("/api/races", race_id, "trail"), list[TrailLine])

    async def allowed(self, race_id: str) -> list[Kind]:
        """What may be done with the race now."""
        return await self._connection.send("GET", _path("/api/races", race_id, "actions"), list[Kind])

    async def create_race(self, new: NewRace) -> RaceView:
        """Make a racer ready; with a `race_id` of ours, asking again finds the same race."""
        return await self._connection.send("POST", "/api/races", RaceView, body=new)

    async def act(self, race_id: str, action: Action) -> RaceView:
        """Do one action; the same `action_id` again changes nothing. Its answer means that it is on the disk."""
        return await self._connection.send("POST", _path("/api/races", race_id, "actions"), RaceView, body=action)

    # racers and their line

    async def racers(self, text: str, limit: int = 50) -> list[Racer]:
        """Racers with `text` in their name."""
        return await self._connection.send("GET", "/api/racers", list[Racer], query=_query(text=text, limit=limit))

    async def queue(self, event_id: str, track_id: str) -> list[QueueEntry]:
        """Who is racing, then the line, next one first."""
        return await self._connection.send("GET", _line(event_id, track_id), list[QueueEntry])

    async def join_queue(self, event_id: str, track_id: str, racer_id: str) -> QueueEntry:
        """Put a racer at the end of the line."""
        return await self._connection.send("POST", _line(event_id, track_id), QueueEntry, body={"racer_id": racer_id})

    async def call(self, queue_id: str) -> QueueEntry:
        """Come to the track now."""
        return await self._connection.send("POST", _path("/api/queue", queue_id, "call"), QueueEntry)

    async def skip(self, queue_id: str, expected: int | None = None) -> QueueEntry:
        """Let the next one go first; `expected` is the position that was seen."""
        path = _path("/api/queue", queue_id, "skip")
        return await self._connection.send("POST", path, QueueEntry, query=_query(expected=expected))

    async def move(self, queue_id: str, position: int, expected: int | None = None) -> QueueEntry:
        """Put the racer at `position`, from 1."""
        body = {"position": position, "expected": expected}
        return await self._connection.send("POST", _path("/api/queue", queue_id, "move"), QueueEntry, body=body)

    async def no_show(self, queue_id: str) -> QueueEntry:
        """Did not come."""
        return await self._connection.send("POST", _path("/api/queue", queue_id, "no-show"), QueueEntry)

    async def back(self, queue_id: str) -> QueueEntry:
        """In line again, at the end."""
        return await self._connection.send("POST", _path("/api/queue", queue_id, "back"), QueueEntry)

    async def leave_queue(self, queue_id: str) -> None:
        """Out of the line."""
        await self._connection.send("DELETE", _path("/api/queue", queue_id), type(None))

    # board and strips

    async def board(self, event_id: str, track: str, format: BoardFormat | None = None) -> Board:
        """The standings of a track, or of "combined"."""
        path = _path("/api/events", event_id, "board")
        query = _query(track=track, format=format)
        return await self._connection.send("GET", path, Board, query=query, patience_s=LONG_S)

    async def hit_strip(self, line: int, *, bounces: int = 0) -> None:
        """Press a simulated strip, whose contact bounces so often."""
        body = {"bounces": bounces}
        await self._connection.send("POST", _path("/api/strips", str(line), "hit"), type(None), body=body)

    async def start_strip_test(self, recorder_id: str) -> None:
        """Begin the guided test of a recorder's strips."""
        await self._connection.send("POST", _path(CHECK, recorder_id), Any)

    async def skip_strip(self, recorder_id: str, line: int | None = None) -> None:
        """Go on with the next strip; `line` is the one that was asked for, so that a second press skips no other."""
        body = {} if line is None else {"line": line}
        await self._connection.send("POST", _path(CHECK, recorder_id, "skip"), Any, body=body)

    async def cancel_strip_test(self, recorder_id: str) -> None:
        """End it without a result."""
        await self._connection.send("DELETE", _path(CHECK, recorder_id), Any)

    # cars

    async def cars(self, event_id: str) -> CarList:
        """Every car, and which tracks of the event have which fleet."""
        return await self._connection.send("GET", "/api/cars/now", CarList, query=_query(event_id=event_id))

    async def stop_cars(self, event_id: str, track_id: str, command_id: str) -> list[Command]:
        """Stop the cars of a track; answers as soon as they are asked."""
        body = {"event_id": event_id, "track_id": track_id, "command_id": command_id}
        return await self._connection.send("POST", "/api/cars/stop", list[Command], body=body, patience_s=STOP_S)

    async def tell_cars(self, told: Told) -> list[Command]:
        """Tell them something; answers when it is written down."""
        return await self._connection.send("POST", "/api/cars/commands", list[Command], body=told)

    async def command(self, command_id: str) -> list[Command]:
        """What each car answered so far."""
        return await self._connection.send("GET", _path("/api/cars/commands", command_id), list[Command])

    async def car_models(self, car_id: str) -> CarModels:
        """What a car holds, read from its disk now."""
        path = _path("/api/cars", car_id, "models")
        return await self._connection.send("GET", path, CarModels, patience_s=CAR_S)

    async def model(self, model_id: str) -> ModelName:
        """What a model is called."""
        return await self._connection.send("GET", _path("/api/models", model_id), ModelName)

    # streams

    async def strip_check(self) -> AsyncIterator[StripCheckNow]:
        """All strips as they are, at once and whenever something is different; ends as `crew_stream` does."""
        lines = Lines()
        async for piece in self._connection.pieces(CHECK, SILENCE_S):
            for event in lines.feed(piece):
                check = check_of(event)
                if check is not None:
                    yield check

    async def crew_stream(self, event_id: str, track_id: str) -> AsyncIterator[StreamMessage]:
        """
        What happens on a track, a snapshot first.

        Ends plainly when the box ends it; raises BoxAway after `SILENCE_S` of silence.
        """
        path = _path("/api/events", event_id, "tracks", track_id, "live")
        lines = Lines()
        async for piece in self._connection.pieces(path, SILENCE_S):
            for event in lines.feed(piece):
                message = message_of(event)
                if message is not None:
                    yield message

    async def _signed_in(self, body: object) -> Session:
        session = await self._connection.send("POST", "/api/session", Session, body=body)
        self.token = session.token
        return session


def _path(*parts: str) -> str:
    first, *rest = parts
    return "/".join([first, *(quote(part, safe="") for part in rest)])


def _line(event_id: str, track_id: str) -> str:
    return _path("/api/events", event_id, "tracks", track_id, "queue")


def _query(**values: str | int | None) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value is not None}
