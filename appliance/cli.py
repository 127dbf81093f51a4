"""
The command line: `trackside`. Help that teaches, messages that say what to do, exit status 2 for a refusal.

Imports late: help is quick, and `trackside serve` stays a small process.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from appliance.cli_edges import edges
from appliance.cli_install import install, uninstall
from appliance.cli_strips import strips
from appliance.cli_tui import tui
from appliance.cli_user import data_option, user
from appliance.errors import ApplianceError

REFUSED = 2
"""Exit status when a command could not do what it was asked."""
PROBLEMS = 1
"""Exit status of `trackside doctor` that found something."""

F = TypeVar("F", bound=Callable[..., Any])


class Trackside(click.Group):
    """Turns refusals into a message and exit status 2, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ApplianceError as error:
            click.echo(f"{error.message}\n{error.remedy}", err=True)
            ctx.exit(REFUSED)


def strips_options(command: F) -> F:
    """The options of a recorder that the box starts itself."""
    for option in (
        click.option(
            "--script",
            "simulated_script",
            metavar="FILE",
            type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
            help="Simulated hits to play: at_ms line [hold_ms] [bounces], one per line.",
        ),
        click.option("--lines", "simulated_lines", metavar="17,27", help="Line numbers of the simulated strips."),
        click.option("--drem-kit-url", metavar="URL", help="WebSocket of the DREM timer kit: ws://192.168.1.20:8080."),
        click.option("--gpio-chip", metavar="LABEL", help="GPIO chip, when it is not the header of a Raspberry Pi."),
        click.option("--gpio-lines", metavar="17,27=Left", help="GPIO strips: BCM numbers, wiring and names."),
        click.option(
            "--strips",
            type=click.Choice(["gpio", "drem_kit", "simulated", "disabled"]),
            help="What to listen to. [default: simulated]",
        ),
    ):
        command = option(command)
    return command


@click.group(cls=Trackside, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="trackside", prog_name="trackside")
def main() -> None:
    """
    A whole DeepRacer event on one box at the track, with no internet.

    \b
    First time:     trackside serve      then open the address it prints, on any phone
    Just looking:   trackside demo       an event that runs by itself
    Keeping time:   trackside tui        in a terminal, by keys; --demo teaches it
    Not well:       trackside doctor     looks at everything and says what to do
    """


@main.command()
@data_option
@click.option("--host", metavar="H", help="Address to listen on. [default: 0.0.0.0, all of them]")
@click.option("--port", metavar="P", type=click.IntRange(1, 65_535), help="TCP port of the pages. [default: 8080]")
@click.option("--public-url", metavar="URL", help="Address that QR codes carry, when it is not the box's own.")
@click.option(
    "--timing-socket",
    metavar="PATH",
    type=click.Path(path_type=Path, resolve_path=True),
    help="Use the recorder that listens there instead of starting one.",
)
@strips_options
@click.option("--quiet/--no-quiet", default=None, help="Print no address, QR and set-up code.")
def serve(data_dir: Path, **overrides: object) -> None:
    """
    Run the box: pages, API and strips, until Ctrl-C.

    Prints the address, a QR for phones on the same network and, while there is no admin, a set-up code. Recorder and
    server are started anew whenever one of them ends; a race goes on where it was.

    \b
    trackside serve                              everything in your data directory, port 8080
    trackside serve --data ~/cup --port 8081     a second box beside it
    trackside serve --host 127.0.0.1             for this machine only
    trackside serve --timing-socket /run/trackside/timing.sock
                                                 with a recorder that runs already
    """
    from appliance.settings import load
    from appliance.supervisor import Supervisor

    sys.exit(Supervisor(load(data_dir, overrides)).run())


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: Sequence[str]) -> None:
    """
    Show an event that runs by itself: 24 racers, two tracks, simulated strips, and logins to try.

    \b
    trackside demo                 on port 8080, forgotten afterwards
    trackside demo --port 9000
    trackside demo --help          its other options
    """
    from appliance.demo import command

    command.main(list(arguments), prog_name="trackside demo")


@main.command()
@data_option
@click.option(
    "--socket",
    "socket_path",
    metavar="PATH",
    type=click.Path(path_type=Path, resolve_path=True),
    help="Where to listen. [default: DIR/timing.sock]",
)
@strips_options
def recorder(data_dir: Path, socket_path: Path | None, **overrides: object) -> None:
    """
    Run only the recorder: strips to edges.db, served on a Unix socket.

    `trackside serve` starts one itself; use this to run it as a service of its own, or on another machine.

    \b
    trackside recorder --socket /run/trackside/timing.sock
    trackside recorder --strips gpio --gpio-lines 17,27:active-high
    trackside recorder --strips simulated --script laps.txt
    """
    from appliance.settings import load
    from appliance.supervisor import recorder_arguments

    settings = load(data_dir, overrides)
    arguments = recorder_arguments(settings, socket_path or settings.recorder_socket)
    # In place of this process: nothing of the command line stays in the recorder's memory.
    os.execv(sys.executable, [sys.executable, "-m", "timing.recorder", *arguments])  # noqa: S606  our own command


@main.command()
@data_option
@click.option("--quick", is_flag=True, help="Do not read the databases through.")
def doctor(data_dir: Path, quick: bool) -> None:
    """
    Look at everything and say what to do; changes nothing. Exit status 1 when something is wrong.

    Shows the versions, each setting and where it came from, disk, clock, the databases read through, whether a server
    and a recorder answer. Safe while the box runs.

    \b
    trackside doctor
    trackside doctor --data ~/cup --quick
    """
    from appliance.doctor import examine

    has_problem = False
    for finding in examine(data_dir, quick=quick):
        has_problem |= finding.ok is False
        mark = {True: "ok     ", False: "PROBLEM", None: "       "}[finding.ok]
        click.echo(f"{mark} {finding.name}: {finding.message}")
        if finding.remedy:
            click.echo(f"          {finding.remedy}")
    if has_problem:
        sys.exit(PROBLEMS)


@main.command()
@data_option
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    help="Where to make the backup, for example a stick. [default: backups/ in the data directory]",
)
@click.option("--with-models", is_flag=True, help="The racers' models too, some 45 MB each.")
@click.option("--with-logs", is_flag=True, help="The fetched logs of cars too.")
def backup(data_dir: Path, folder: Path | None, *, with_models: bool, with_logs: bool) -> None:
    """
    Copy the databases while the box runs; prints the new directory, and what was left out with its size.

    It holds names and password hashes: keep it as safe as the box.

    \b
    trackside backup
    trackside backup --to /media/stick --with-models
    """
    from appliance.backup import DATABASE, back_up, manifest_of
    from appliance.backup_parts import needed_by, size_of
    from cars.backup_parts import LOG_FILES, MODEL_FILES, PARTS

    wanted = [part for part, is_wanted in ((MODEL_FILES, with_models), (LOG_FILES, with_logs)) if is_wanted]
    made = back_up(data_dir, folder, wanted)
    click.echo(made)
    for part, paths in zip(PARTS, needed_by(PARTS, made / DATABASE, data_dir).values(), strict=True):
        what = f"{part.name}: {len(paths)} files, {size_of(paths, data_dir) / 1e6:,.1f} MB"
        if part in wanted:
            click.echo(f"With {what}.", err=True)
        elif paths:
            click.echo(f"Without {what}; --with-{part.name} takes them along.", err=True)
    for path in manifest_of(made).missing:
        click.echo(f"Not there to be copied: {path}", err=True)


@main.command()
@data_option
@click.argument("source", type=click.Path(path_type=Path, resolve_path=True))
def restore(data_dir: Path, source: Path) -> None:
    """
    Put a backup in the place of the box's data. Stop the box first.

    SOURCE is the directory that `trackside backup` printed, or a single trackside.db. What was there before is kept in
    replaced/. Everybody signs in again. Edges that the strips recorded are never replaced. Models and logs are put back
    where the backup has them; those that only the replaced database knows go at the next start.

    \b
    trackside restore ~/.local/share/trackside/backups/trackside-20261122T134500123Z
    trackside restore /media/stick/trackside-20261122T134500123Z --data ~/cup
    """
    from appliance.backup import restore as put_back
    from cars.backup_parts import PARTS

    done = put_back(source, data_dir, PARTS)
    click.echo(f"Restored {', '.join(done.files)} in {data_dir}.")
    for name, count in done.parts.items():
        click.echo(f"All {count} files of the {name} are there.")
    for name in done.kept:
        click.echo(f"Kept {name}, which is there already.")
    if done.replaced is not None:
        click.echo(f"What was there before is in {done.replaced}.")
    click.echo("Everybody signs in again. People forgotten since the backup are back: forget them again.")


@main.command()
@data_option
@click.option("--list", "only_list", is_flag=True, help="Only show what would be done.")
def migrate(data_dir: Path, only_list: bool) -> None:
    """
    Bring the database to this version's schema. `trackside serve` does it by itself.

    A backup is made first, in backups/. All steps succeed or none.

    \b
    trackside migrate --list
    trackside migrate
    """
    from appliance.upgrade import pending_steps, upgrade

    steps = pending_steps(data_dir)
    if not steps:
        click.echo("Nothing to do: the database is of this version.")
    for step in steps:
        click.echo(f"{'would apply' if only_list else 'applying'} {step}")
    if steps and not only_list:
        upgrade(data_dir)
        click.echo("Done.")


main.add_command(user)
main.add_command(tui)
main.add_command(strips)
main.add_command(edges)
main.add_command(install)
main.add_command(uninstall)

if __name__ == "__main__":
    main.main(prog_name="trackside")
