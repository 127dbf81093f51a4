"""
The demo: a box of its own with 24 racers on two tracks, races running by themselves on simulated strips, light cars.

Owns the demo's box: its data directory, its logins, its `trackside serve`. What happens on it is demo_show.py's and
demo_garage.py's, by way of the public API only: whatever the demo can do, a program outside can do.
"""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click

from appliance.demo_client import Api
from appliance.demo_data import CARS, LINES, MODELS, RACER_WITH_BADGE, RACER_WITH_LOGIN, STAFF, TRACKS
from appliance.demo_garage import Garage, Wanted
from appliance.demo_show import Show
from appliance.practice_box import end_with

STATE_FILE = "demo.json"
"""In the data directory, readable by its owner only: the logins, so that a second start shows the same ones."""
LOG_FILE = "demo.log"
"""The box's own: a line for each upload and push would bury the logins that are printed."""
LAST_WORDS = 10
"""Lines of it, when the box does not live."""
STOP_S = 10.0
"""A server that has not ended by then after SIGTERM is killed."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says. `races` on each track, None: for ever; `speed` 10: all times ten times shorter."""

    data: Path
    host: str
    port: int
    seed: int
    speed: float
    races: int | None
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, slots=True)
class Login:
    """One account that the demo prints."""

    username: str
    role: str
    password: str


@click.command("demo")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the demo here and go on with it next time. [default: a temporary directory]",
)
@click.option("--host", default="0.0.0.0", show_default=True, help="Address to serve on.")  # noqa: S104  phones in the hall
@click.option("--port", default=8080, show_default=True, help="TCP port to serve on.")
@click.option("--seed", default=1, show_default=True, help="The same seed races the same races.")
@click.option(
    "--speed", default=1.0, show_default=True, type=click.FloatRange(0.1, 50), help="10: laps of about a second."
)
@click.option(
    "--races", type=click.IntRange(min=0), help="Stop after so many races on each track. [default: go on until Ctrl-C]"
)
@click.option("--once", is_flag=True, help="Stop after one race on each track.")
@click.option(
    "--cars",
    default=len(CARS),
    show_default=True,
    type=click.IntRange(0, len(CARS)),
    help="So many light cars; 0: none, and no models.",
)
@click.option("--models", default=len(MODELS), hidden=True, type=click.IntRange(1, len(MODELS)), help="So many.")
@click.option("--model-kb", default=2_500, hidden=True, type=click.IntRange(8, 30_000), help="How large models are.")
def command(
    *,
    data: Path | None,
    host: str,
    port: int,
    seed: int,
    speed: float,
    races: int | None,
    once: bool,
    cars: int,
    models: int,
    model_kb: int,
) -> None:
    """
    Show Trackside with an event that runs by itself.

    24 racers from 24 countries, two tracks, finished races on the board, and new ones on simulated strips: laps,
    resets, pauses, cars that do not finish. Their models come in and are pushed to six light cars, programs on this
    machine that a box pairs, loads and commands as it does a car. Prints a login for every role and a badge. Ctrl-C
    stops it.
    """
    races = 1 if once else races
    with ExitStack() as stack:
        place = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trackside-demo-")))
        options = DemoOptions(place, host, port, seed, speed, races, Wanted(cars, models, model_kb))
        sys.exit(run(options))


def run(options: DemoOptions) -> int:
    """Make the box, start it, race on it until Ctrl-C or the last race; the exit status."""
    options.data.mkdir(parents=True, exist_ok=True)
    logins = demo_logins(options.data)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job begins with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        asyncio.run(_show(options, logins))
    except KeyboardInterrupt:
        click.echo("The demo has stopped.")
    return 0


def demo_logins(data: Path) -> list[Login]:
    """
    The accounts that are printed: made at the first start, read back later.

    Staff come from `trackside user add`; the racer's password goes with their registration (demo_show.py).
    """
    state = data / STATE_FILE
    if state.exists():
        return [Login(**login) for login in json.loads(state.read_text())]
    staff = [Login(account.username, account.role, secrets.token_urlsafe(6)) for account in STAFF]
    logins = [*staff, Login(RACER_WITH_LOGIN, "racer", secrets.token_urlsafe(6))]
    for login in staff:
        command = [*trackside(), "user", "add", login.username, "--role", login.role, "--password-stdin"]
        subprocess.run(  # noqa: S603  our own command
            [*command, "--data", str(data)], input=login.password, text=True, check=True, stdout=subprocess.DEVNULL
        )
    state.touch(mode=0o600)
    state.write_text(json.dumps([asdict(login) for login in logins]))
    return logins


def trackside() -> list[str]:
    """The command that runs Trackside with this Python."""
    return [sys.executable, "-m", "appliance.cli"]


@asynccontextmanager
async def _box(options: DemoOptions) -> AsyncIterator[None]:
    """A `trackside serve` of the demo's own, in a process group of its own so that Ctrl-C ends it in order."""
    environment = os.environ | {
        "TRACKSIDE_STRIPS": "simulated",
        "TRACKSIDE_SIMULATED_LINES": ",".join(map(str, LINES)),
        "TRACKSIDE_ANNOUNCE": "false",  # nobody at the track is to take it for the box
        "TRACKSIDE_STAND_IN_CARS": "true",
    }
    log = options.data / LOG_FILE
    with log.open("ab") as errors:
        serve = await asyncio.create_subprocess_exec(
            *trackside(),
            *("serve", "--data", str(options.data), "--host", options.host, "--port", str(options.port)),
            env=environment,
            stderr=errors,
            start_new_session=True,
            # Nothing of a demo that was killed keeps the port. Safe here: there is one thread.
            preexec_fn=partial(end_with, os.getpid()),
        )
    try:
        yield
    finally:
        if serve.returncode is not None:
            said = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-LAST_WORDS:])
            click.echo(f"The demo's box has ended by itself. Its last words:\n{said}", err=True)
        with suppress(ProcessLookupError):
            serve.terminate()
        try:
            await asyncio.wait_for(serve.wait(), STOP_S)
        except TimeoutError:
            serve.kill()


async def _show(options: DemoOptions, logins: list[Login]) -> None:
    """Serve, prepare, print, race."""
    by_role = {login.role: login for login in logins}
    async with _box(options), Api(f"http://127.0.0.1:{options.port}") as api:
        await api.sign_in(by_role["admin"].username, by_role["admin"].password)
        show = Show(api, options.seed, options.speed)
        garage = Garage(api, options.data, options.wanted, seed=options.seed, speed=options.speed)
        await show.prepare(by_role["racer"].password, await garage.fleets())
        _print(options, logins, show, await show.badge(), garage.password)
        racers = {racing.driver.username: racing.racer_id for racing in show.racers}
        async with _beside(garage.run(show.event_id, racers)), asyncio.TaskGroup() as tracks:
            for track in TRACKS:
                tracks.create_task(show.race_on(track, options.races))


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run it for as long as the block lasts, and wait for its own end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _print(options: DemoOptions, logins: list[Login], show: Show, badge: str, car_password: str | None) -> None:
    """What a person needs to look around."""
    address = f"http://localhost:{options.port}"
    click.echo("")
    click.echo(f"The demo is on {address}")
    click.echo(f"  board        {address}/events/{show.event_id}/board?track=combined")
    click.echo(f"  timekeeper   {address}/staff/events/{show.event_id}/tracks/{TRACKS[0].track_id}/timekeeper")
    if car_password is not None:
        click.echo(f"  cars         {address}/staff/cars")
        click.echo(f"  models       {address}/staff/models   (as {RACER_WITH_LOGIN}: {address}/me/models)")
        click.echo(f"  pushes       {address}/staff/pushes")
    click.echo("Sign in as")
    for login in logins:
        click.echo(f"  {login.role:<13} {login.username:<13} {login.password}")
    click.echo(f"  {'badge':<13} {RACER_WITH_BADGE:<13} {badge}   (type it on {address}/badge)")
    if car_password is not None:
        click.echo("Cars are paired and models come in during the first minute; a race has both from then on.")
        click.echo(f"To pair a car again after a release: its address and port, password for SSH {car_password}")
    click.echo(f"The box's log is {options.data / LOG_FILE}")
    click.echo("Ctrl-C stops the demo.")
