"""docs/command-line.md, written from the help: python -m tests.appliance.command_line_docs > docs/command-line.md"""

import click

from appliance.cli import main
from appliance.demo import command as demo

HEAD = """# The command line

Every command says what it does and shows examples with `--help`; this page is made from those texts. A command that
cannot do what it was asked says why and what to do, and ends with status 2.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for path, command in sorted(commands(main)):
        if not isinstance(command, click.Group):
            parts.append(section(path, demo if path == ("demo",) else command))
    return "\n".join(parts)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Every command below `group` with the words that call it."""
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in group.commands.items():
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


def section(path: tuple[str, ...], command: click.Command) -> str:
    """One command's help as a code block."""
    name = " ".join(("trackside", *path))
    parent = click.Context(main, info_name="trackside", max_content_width=100, terminal_width=100)
    with click.Context(
        command, info_name=" ".join(path), parent=parent, max_content_width=100, terminal_width=100
    ) as context:
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"## `{name}`\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    print(page(), end="")
