"""
The newest stops, in memory: a stop goes out before the disk has it, and is found again without the disk.

Owns nothing that lasts: after a restart of the box a stop that comes again is simply asked again.
"""

from collections.abc import Sequence

from cars.command_structs import CommandView

KEPT = 200
"""Stops that are found again: a program tries again for seconds, and so many take a crew an hour."""


class LatestStops:
    """By their id, each with what became of it on its cars."""

    def __init__(self) -> None:
        self._views: dict[str, dict[str, CommandView]] = {}

    def of(self, command_id: str) -> list[CommandView]:
        """What became of one; empty when it is not known, or not any more."""
        return list(self._views.get(command_id, {}).values())

    def begun(self, views: Sequence[CommandView]) -> None:
        """One is about to be asked; the oldest is forgotten for it."""
        while len(self._views) >= KEPT:
            del self._views[next(iter(self._views))]
        self._views[views[0].command_id] = {view.car_id: view for view in views}

    def ended(self, view: CommandView) -> None:
        """A car has answered one of them, or had its time; of other commands nothing is kept."""
        kept = self._views.get(view.command_id, {})
        if view.car_id in kept:
            kept[view.car_id] = view
