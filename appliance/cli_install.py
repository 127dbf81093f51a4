"""`trackside install` and `trackside uninstall`: the box as services of this machine."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from appliance.errors import ApplianceError, InvalidInput
from appliance.settings import StripsKind

if TYPE_CHECKING:
    from appliance.install import Step

root_option = click.option(
    "--root",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    default=Path("/"),
    show_default=True,
    help="The machine's file system, when it is an image and not this machine.",
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what would be done.")


@click.command()
@click.option("--recorder-only", is_flag=True, help="Only the recorder: the server is another box.")
@click.option(
    "--strips",
    type=click.Choice(get_args(StripsKind)),
    help="What to listen to. [default: as trackside.toml has it, gpio on a new box]",
)
@click.option("--drem-kit-url", metavar="URL", help="WebSocket of a DREM timer kit, for --strips drem_kit.")
@click.option("--port", metavar="P", type=click.IntRange(1, 65_535), help="TCP port of the pages; 80 works too.")
@click.option("--no-start", is_flag=True, help="Start nothing now: inside the chroot of an image.")
@root_option
@dry_run_option
def install(recorder_only: bool, no_start: bool, root: Path, dry_run: bool, **settings: str | int | None) -> None:
    """
    Run the box as services of this machine, from every boot on.

    For Raspberry Pi OS and Debian, as root, without internet. Copies the program to /opt/trackside, makes the users and
    /var/lib/trackside, starts recorder and server, and waits until they answer. Type it again after an upgrade, but not
    while cars are racing: it does what is left to do, and starts anew what has changed.

    \b
    sudo .venv/bin/trackside install                      a box on a Raspberry Pi, strips on its GPIO lines
    sudo .venv/bin/trackside install --dry-run            only show what would be done
    sudo .venv/bin/trackside install --strips simulated   on a machine without strips
    sudo trackside install --recorder-only                a Pi at a second track, for the server of another box
    """
    from appliance.install import Wish, check_machine, plan, planned_settings

    asked = {name: value for name, value in settings.items() if value is not None}
    wish = Wish(root=root, recorder_only=recorder_only, settings=asked, user=_invoking_user(), no_start=no_start)
    if not dry_run:
        check_machine(wish)
    os.umask(0o022)
    steps = plan(wish)
    _take(steps, dry_run=dry_run)
    if dry_run:
        return
    if not wish.is_this_machine:
        click.echo(f"Installed in {root}; it starts at the next boot.")
        return
    from appliance.install_check import check

    running = check(planned_settings(wish), recorder_only=recorder_only)
    click.echo(f"Recorder: {running.strips}")
    for address in running.addresses:
        click.echo(f"Pages: {address}")
    if running.setup_code is not None:
        click.echo(f"Make the first admin: {running.addresses[0]}/setup with the set-up code {running.setup_code}")
    click.echo("Not well? sudo trackside doctor, or journalctl -u trackside -u trackside-recorder")


@click.command()
@click.option("--purge", is_flag=True, help="Delete the data and the users too.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@root_option
@dry_run_option
def uninstall(purge: bool, yes: bool, root: Path, dry_run: bool) -> None:
    """
    Take the services away again; races and settings stay in /var/lib/trackside.

    \b
    sudo trackside uninstall
    sudo trackside uninstall --purge         the data too; asks first
    sudo trackside uninstall --purge --yes
    """
    from appliance.install import require_root, require_systemd
    from appliance.install_files import DATA, below
    from appliance.uninstall import plan

    if not dry_run:
        require_root("uninstall")
        require_systemd(is_running=root == Path("/"))
    steps = plan(root, purge=purge)
    if purge and not (yes or dry_run) and below(root, DATA).exists():
        _ask(f"Delete {DATA} with all its races, edges and people?")
    _take(steps, dry_run=dry_run)
    if not purge and below(root, DATA).exists():
        click.echo(f"The data stays in {DATA}.")


def _take(steps: "Sequence[Step]", *, dry_run: bool) -> None:
    for step in steps:
        click.echo(f"would do: {step.says}" if dry_run else step.says)
        if dry_run:
            continue
        try:
            step.do()
        except OSError as error:
            raise ApplianceError(f"That failed: {error}.", "Mend it and type the same command again.") from error
    if not steps:
        click.echo("Nothing to do.")


def _ask(question: str) -> None:
    try:
        agreed = click.confirm(question)
    except click.Abort:
        agreed = False
    if not agreed:
        raise InvalidInput("Nothing was removed.", "To delete the data without being asked: --purge --yes.")


def _invoking_user() -> str | None:
    """Who typed sudo: they may look at the recorder without it."""
    user = os.environ.get("SUDO_USER", "")
    return user if user not in ("", "root") else None
