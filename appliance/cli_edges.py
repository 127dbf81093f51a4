"""`trackside edges`: everything the strips ever made, for a spreadsheet or a dispute."""

import os
import sys
from pathlib import Path

import click

from appliance.cli_user import data_option


@click.command()
@data_option
@click.option("--after", metavar="N", type=click.IntRange(0), default=0, help="Only what came after this number.")
def edges(data_dir: Path, after: int) -> None:
    """
    Print every edge of the strips as CSV, oldest first.

    One line for each press, release, gap (edges known to be lost) and blind (nobody watched). `utc` is corrected: a
    clock that was set later corrects what came before it in that boot. `at_ns` is the kernel's stamp; lap times are
    differences of these. Reads only, also while the box is running.

    \b
    trackside edges > edges.csv
    trackside edges --after 1200 | grep press
    """
    # In place of this process: the rooms are not imported for a command line.
    arguments = ["--data", str(data_dir), "--after", str(after)]
    os.execv(sys.executable, [sys.executable, "-m", "timing.edge_list", *arguments])  # noqa: S606  our own command
