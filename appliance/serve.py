"""
The server process: builds the house, serves it on sockets that its supervisor opened, and takes it down in order.

Started by appliance/supervisor.py as `python -m appliance.serve --data DIR --fd N --socket PATH --api-fd N`.
"""

import argparse
import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType

import uvicorn
import uvloop
from litestar import Litestar

from appliance import local_login, people_schema
from appliance.announce import Announcer
from appliance.clock import today
from appliance.database import Database
from appliance.errors import ApplianceError, NotReady
from appliance.facts import Facts
from appliance.health import Check, Health, Probe
from appliance.identity import identity_of
from appliance.notify import READY, WATCHDOG, Notifier
from appliance.people import People
from appliance.secret_key import load_secret
from appliance.sessions import Sessions
from appliance.settings import Settings, load
from appliance.welcome import welcome_text
from cars import cars_schema, command_schema, fleets_schema, log_schema, models_schema, push_schema
from cars.room import opened_cars
from timing import loose_schema, queue_schema, remote_schema, schema, strips_schema
from timing.boards import Boards
from timing.control import RaceControl
from timing.events import Events
from timing.facts import EventChanged
from timing.intake import StripIntake
from timing.loose import LooseCrossings
from timing.queue import Queue
from timing.remotes import RemoteRecorders
from timing.rescoring import Rescoring
from timing.strip_check import StripCheck
from web.app import create_app, end_streams
from web.car_follow import follow_races
from web.car_logs import fetch_logs
from web.house import House
from web.local_peer import Door, serve_locally
from web.patience import PatientProtocol
from web.render import warm

DATABASE = "trackside.db"
MIGRATIONS = (
    people_schema.MIGRATIONS,
    schema.MIGRATIONS,
    loose_schema.MIGRATIONS,
    queue_schema.MIGRATIONS,
    strips_schema.MIGRATIONS,
    remote_schema.MIGRATIONS,
    models_schema.MIGRATIONS,
    cars_schema.MIGRATIONS,
    push_schema.MIGRATIONS,
    fleets_schema.MIGRATIONS,
    command_schema.MIGRATIONS,
    log_schema.MIGRATIONS,
)
"""Every room's tables, in the order of their dependence."""
GRACE_S = 2
"""How long open requests may take once the box is told to stop; streams are ended at once."""
GC_THRESHOLD = (20_000, 20, 100)
"""What is there at the start stays; a full collection over 1,000 screens' objects would hold a lap up for 50 ms."""
BACKLOG = 2048
"""Connections that may wait while the server restarts: every phone of a hall."""
WELL_S = 5.0
"""Between two words to systemd that the event loop goes round; its patience is 30 s (systemd/trackside.service)."""


@contextlib.asynccontextmanager
async def opened_house(settings: Settings, socket_path: Path) -> AsyncIterator[House]:
    """The house of a data directory, with its recorder's socket; everything is durable and closed at the end."""
    facts = Facts()
    db = await Database.open(settings.data_dir / DATABASE, MIGRATIONS)
    try:
        secret = load_secret(settings.data_dir)
        people = People(db, facts, secret)
        await people.load()
        sessions = Sessions(db, facts, people)
        await sessions.load()
        events = Events(db, facts)
        await events.load()
        control = RaceControl(db, facts, people, events)
        await control.start()
        boards = Boards(db, facts, people, events)
        queue = Queue(db, facts, people, events)
        await queue.load(control.live_races())
        strips = StripIntake(db, facts, events, control, socket_path)
        await strips.load()
        remotes = RemoteRecorders(db, facts, settings.data_dir)
        await remotes.load()
        strips.follow(remotes)
        loose = LooseCrossings(db, facts, people, events, control)
        rescoring = Rescoring(db, facts, events, control, strips)
        strip_check = StripCheck(facts, strips.recorders)
        strips.start()
        remotes.start()
        health = Health(settings.data_dir, db)
        try:
            async with opened_cars(
                db, facts, people, settings, is_racing=control.is_racing, has_begun=control.has_begun
            ) as room:
                for name, probe in (probes(strips) | room.probes).items():
                    health.register(name, probe)
                house = House(
                    settings=settings,
                    box=identity_of(settings, secret),
                    db=db,
                    facts=facts,
                    people=people,
                    sessions=sessions,
                    events=events,
                    control=control,
                    strips=strips,
                    remotes=remotes,
                    strip_check=strip_check,
                    loose=loose,
                    rescoring=rescoring,
                    boards=boards,
                    queue=queue,
                    models=room.models,
                    uploads=room.uploads,
                    cars=room.cars,
                    finder=room.finder,
                    clocks=room.clocks,
                    fleets=room.fleets,
                    pairings=room.pairings,
                    commands=room.commands,
                    logs=room.logs,
                    pushes=room.pushes,
                    health=health,
                )
                follow_races(house)
                fetch_logs(house)
                yield house
        finally:
            strip_check.stop()
            await strips.stop()
            await remotes.stop()
            await control.stop()
            await boards.stop()
            await queue.settle()
            await sessions.settle()
            await people.settle()
    finally:
        await db.close()


def probes(strips: StripIntake) -> dict[str, Probe]:
    """What the racing adds to the health of the box."""

    def recorder() -> Check:
        if strips.problem is None:
            return Check(ok=True, message="The recorder is connected.")
        return Check(
            ok=False, message=strips.problem, remedy="It is started again by itself; take laps by hand meanwhile."
        )

    def lines() -> Check:
        silent = strips.silent_lines()
        if not silent:
            return Check(ok=True, message="No strip has fallen silent.")
        return Check(ok=False, message=f"Silent: {', '.join(silent)}.", remedy="Look at its cable and the tape.")

    def absent(what: str) -> Probe:
        return lambda: Check(ok=True, message=f"This version does not {what} yet.")

    return {"recorder": recorder, "strips": lines, "sync": absent("sync results")}


def announcer_of(house: House) -> Announcer:
    """The box on the air, with the events that people are likely to mean."""

    def names() -> list[str]:
        day, current = today(), house.events.current()
        todays = [event.name for event in house.events.list() if event.date == day]
        return todays or ([current.name] if current else [])

    announcer = Announcer(house.settings, house.box, names)
    house.facts.subscribe(EventChanged, lambda _: announcer.refresh())
    house.health.register("network", announcer.check)
    return announcer


def local_check(local: socket.socket | ApplianceError) -> Check:
    """Who may come over the box's own Unix socket, or why nobody can: the box runs all the same."""
    if isinstance(local, ApplianceError):
        return Check(ok=True, message=f"The login on the box itself is off: {local.message}", remedy=local.remedy)
    path = Path(local.getsockname())
    try:
        who = local_login.who_may(local_login.group_of(path))
    except OSError:
        return Check(ok=True, message=f"{path} was deleted.", remedy="Restart Trackside when no race is running.")
    return Check(ok=True, message=f"Without a password at {path}: {who}.")


class BoxServer(uvicorn.Server):
    """uvicorn, with streams ended before it waits for its connections, and the welcome printed once it answers."""

    def __init__(self, app: Litestar, house: House, announcer: Announcer) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_S,
                timeout_keep_alive=30,
                backlog=BACKLOG,
            )
        )
        self._app = app
        self._house = house
        self._announcer = announcer
        self._loop = asyncio.get_running_loop()
        self._notifier = Notifier()
        self.local: socket.socket | None = None
        """The box's own Unix socket, to be given before the start."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say where."""
        await super().startup(sockets)
        if self.started and self.local is not None:
            with contextlib.suppress(FileNotFoundError):  # It was deleted: nobody can connect.
                group = local_login.group_of(Path(self.local.getsockname()))
                await serve_locally(self, self.local, Door(os.geteuid(), group))
        self._settling = asyncio.create_task(self._settle_down())
        self._saying = asyncio.create_task(self._say_well())
        self._announcing = asyncio.create_task(self._announce())
        self._finding = asyncio.create_task(self._find())
        if self.started and not self._house.settings.quiet:
            sys.stdout.write(welcome_text(self._house.settings, self._house.people.setup_code()))
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the requests; the word that all is well ends first, and good-bye is said meanwhile."""
        self._saying.cancel()
        self._announcing.cancel()
        self._finding.cancel()
        await super().shutdown(sockets)
        await asyncio.wait([self._announcing, self._finding])

    async def _say_well(self) -> None:
        """To systemd, where it is the one that started us."""
        self._notifier.say(READY)
        while True:
            self._notifier.say(WATCHDOG)
            await asyncio.sleep(WELL_S)

    async def _announce(self) -> None:
        """After the first page: what this loads is not needed for it."""
        await asyncio.shield(self._settling)
        await self._announcer.run()

    async def _find(self) -> None:
        """Cars too, and keep their clocks: after the first page."""
        await asyncio.shield(self._settling)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._house.finder.run())
            tasks.create_task(self._house.clocks.run())

    async def _settle_down(self) -> None:
        """Off the way of the first page: compile all templates, and leave what is there now to itself."""
        await asyncio.to_thread(warm)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)
        if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:  # glibc's; what starting left over
            trim(0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """
        SIGTERM or Ctrl-C: open streams would be waited for until the grace is over.

        Not uvicorn's own: it raises the signal again at its end, before the house is closed.
        """
        self._loop.call_soon_threadsafe(end_streams, self._app)
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


async def run(
    settings: Settings, listener: socket.socket, socket_path: Path, local: socket.socket | ApplianceError
) -> None:
    """Serve until told to stop."""
    async with opened_house(settings, socket_path) as house:
        check = local_check(local)
        house.health.register("local_login", lambda: check)
        server = BoxServer(create_app(house), house, announcer_of(house))
        server.local = local if isinstance(local, socket.socket) else None
        await server.serve(sockets=[listener])


def main(arguments: list[str] | None = None) -> int:
    """The child process of the supervisor."""
    parser = argparse.ArgumentParser(prog="appliance.serve", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fd", type=int, required=True, help="the listening socket, inherited")
    parser.add_argument("--socket", type=Path, required=True, help="the recorder's socket")
    locally = parser.add_mutually_exclusive_group(required=True)
    locally.add_argument("--api-fd", type=int, help="the box's own Unix socket, inherited")
    locally.add_argument("--api-off", nargs=2, metavar=("MESSAGE", "REMEDY"), help="why there is none")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("zeroconf").setLevel(logging.ERROR)  # a pulled cable is no news; the health check has it
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        local = NotReady(*options.api_off) if options.api_off else socket.socket(fileno=options.api_fd)
        uvloop.run(run(load(options.data), socket.socket(fileno=options.fd), options.socket, local))
    except ApplianceError as error:
        sys.stderr.write(f"{error.message} {error.remedy}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
