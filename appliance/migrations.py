"""
Migrations: the named steps that make and change a room's tables, in order; a released one is never edited.

sqlite-utils does them and keeps which are done. It is loaded where one is due, and nowhere else: most starts of a box
need none of it. Pure but for that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils.db import Database as SchemaDatabase
    from sqlite_utils.migrations import Migrations as LoadedMigrations
else:
    SchemaDatabase = LoadedMigrations = Any

__all__ = ["LoadedMigrations", "Migrations", "SchemaDatabase"]

TABLE = "_sqlite_migrations"
"""Where sqlite-utils keeps which are done."""

Change = Callable[["SchemaDatabase"], None]


@dataclass(frozen=True, slots=True)
class Migration:
    """One of them."""

    name: str
    change: Change


class Migrations:
    """Those of one room; `name` is theirs among the rooms."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.all: list[Migration] = []

    def __call__(self, *, name: str) -> Callable[[Change], Change]:
        """Decorates the function that does the next one."""

        def added(change: Change) -> Change:
            self.all.append(Migration(name, change))
            return change

        return added

    def loaded(self) -> LoadedMigrations:
        """As sqlite-utils wants them."""
        from sqlite_utils.migrations import Migrations as Loaded

        group = Loaded(self.name)
        for migration in self.all:
            group(name=migration.name)(migration.change)
        return group
