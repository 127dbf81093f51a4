"""`trackside user`: people from a shell."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from appliance.settings import default_data_dir

F = TypeVar("F", bound=Callable[..., Any])


def data_option(command: F) -> F:
    """`--data DIR`, absolute."""
    option = click.option(
        "--data",
        "data_dir",
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
        default=default_data_dir,
        show_default="TRACKSIDE_DATA, else ~/.local/share/trackside",
        help="Where everything of this box lives.",
    )
    decorated: F = option(command)
    return decorated


@click.group()
def user() -> None:
    """Add people, list them, set their passwords, before the box starts or while it is stopped."""


def password_option(command: F) -> F:
    """`--password-stdin`."""
    decorated: F = click.option(
        "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
    )(command)
    return decorated


@user.command("add")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    metavar="ROLE",
    type=click.Choice(["admin", "operator", "commentator", "registration", "racer"]),
    help="admin, operator, commentator, registration or racer; may be given more than once.",
)
@click.option("--country", metavar="DE", help="Two letters.")
@password_option
@data_option
def user_add(name: str, roles: Sequence[str], country: str | None, password_stdin: bool, data_dir: Path) -> None:
    """
    Add somebody; works before the first start and asks nothing.

    Staff need a password. A racer without one signs in by badge.

    \b
    echo "three odd words" | trackside user add Ada --role admin --password-stdin
    trackside user add Lin --role racer --country SE
    """
    from appliance.shell_people import add

    person = add(data_dir, name, roles, country, _password(password_stdin))
    click.echo(f"Added {person.username} ({', '.join(person.roles)}).")


@user.command("list")
@data_option
def user_list(data_dir: Path) -> None:
    """
    Show everybody: name, roles, country. Works while the box runs.

    \b
    trackside user list
    """
    from appliance.shell_people import everybody

    for person in everybody(data_dir):
        click.echo(f"{person.username:<20}  {' '.join(person.roles):<30}  {person.country or '--'}")


@user.command("password")
@click.argument("name")
@password_option
@data_option
def user_password(name: str, password_stdin: bool, data_dir: Path) -> None:
    """
    Set somebody's password, for example an admin's who forgot it; signs them out everywhere.

    \b
    echo "four other odd words" | trackside user password Ada --password-stdin
    """
    from appliance.shell_people import set_password

    set_password(data_dir, name, _password(password_stdin))
    click.echo(f"{name} has a new password and is signed out everywhere.")


def _password(from_stdin: bool) -> str | None:
    """One line without its end; None when it was not asked for."""
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else None
