"""`trackside strips`: the strip check in a terminal."""

import os
import sys
from pathlib import Path

import click

from appliance.cli_user import data_option


@click.command()
@data_option
@click.option(
    "--socket",
    "socket_path",
    metavar="PATH",
    type=click.Path(path_type=Path, resolve_path=True),
    help="Where the recorder listens. [default: DIR/timing.sock]",
)
@click.option(
    "--test", "only_test", is_flag=True, help="Tap each strip three times when asked, see a verdict for each."
)
def strips(data_dir: Path, socket_path: Path | None, only_test: bool) -> None:
    """
    Watch the strips while you tape them, and test them by taps.

    Shows each line: pressed or silent since when, hits, how long the last one stayed on it, bounces; the bell rings at
    each hit. Asks the recorder itself, so it works while the server is down, and over ssh. Writes plain lines when it
    is not on a terminal. With --test the exit status is 0 when every strip is good, else 1.

    \b
    trackside strips
    trackside strips --test
    trackside strips --socket /run/trackside/timing.sock
    ssh pi@left-track trackside strips --test
    """
    from appliance.settings import load

    path = socket_path or load(data_dir, {}).recorder_socket
    arguments = ["--socket", str(path), *(["--test"] if only_test else [])]
    # In place of this process: the rooms are not imported for a command line.
    os.execv(sys.executable, [sys.executable, "-m", "timing.strip_terminal", *arguments])  # noqa: S606  our own command
