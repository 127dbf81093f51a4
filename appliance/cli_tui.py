"""`trackside tui`: the timekeeper's terminal."""

import sys
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from appliance.practice import PracticeBox


@click.command()
@click.argument("address", required=False)
@click.option("--demo", "is_demo", is_flag=True, help="Practise on a box of your own: no network, no login, no harm.")
def tui(address: str | None, is_demo: bool) -> None:
    """
    Time races in a terminal, by keys; also over ssh, also while the network comes and goes.

    Finds the box by itself, on the network or on this machine, and remembers it and who you are. ADDRESS is for where
    it cannot be found: a name or a number, with or without :port, http://…, or unix:/path for a box on this machine.
    Every key is at the foot of the screen; ? shows them all in words, Q leaves.

    \b
    trackside tui                      the box that is here, or the last one
    trackside tui --demo               learn it in five minutes
    trackside tui 192.168.1.10:8080
    trackside tui unix:/run/trackside-crew/api.sock
    ssh box trackside tui              from any laptop
    """
    if is_demo and address:
        raise click.UsageError("--demo brings its own box: leave the address out, or leave --demo out.")
    if is_demo:
        from tui.practice.host import run as practise

        sys.exit(practise(_practice_box))
    from tui.arrival import run

    sys.exit(run(address))


def _practice_box() -> "AbstractAsyncContextManager[PracticeBox]":
    """Imported when the terminal is on the screen already."""
    from appliance.practice import practice_box

    return practice_box()
