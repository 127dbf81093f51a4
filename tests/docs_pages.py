"""
The pages of docs/ that are drawn from the code: the command line, the settings, the addresses of the pages.

`python -m tests.docs_pages` writes them; tests/test_docs.py fails when what is written differs from the code.
"""

import ast
import inspect
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

import web.api
import web.pages.public
import web.pages.staff
from appliance.cli import main as trackside
from appliance.settings import DATA_VARIABLE, PREFIX, Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
WIDTH = 100


def command_line() -> str:
    """docs/command-line.md: what `--help` prints, of every command."""
    text = [
        "# The command line",
        "",
        "Drawn from the commands themselves: `trackside COMMAND --help` prints the same.",
        "",
    ]
    for path, command in commands(trackside, ["trackside"]):
        with click.Context(command, info_name=" ".join(path), terminal_width=WIDTH, max_content_width=WIDTH) as context:
            text += [f"## {' '.join(path)}", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(text)


def commands(command: click.Command, path: list[str]) -> Iterator[tuple[list[str], click.Command]]:
    """The command and everything below it, hidden ones left out."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(below, [*path, name])


def settings() -> str:
    """docs/settings.md: every setting with its variable, what it takes, its default and its sentence."""
    text = [
        "# Settings",
        "",
        "Drawn from `appliance/settings.py`. The later one of these wins: the default, `trackside.toml` in the data",
        "directory, the environment, the command line. `trackside doctor` prints each setting with where it came from.",
        "",
        "| in `trackside.toml` | in the environment | default | what it is |",
        "|---|---|---|---|",
    ]
    sentences = settings_sentences()
    for field in msgspec.structs.fields(Settings):
        if field.default is msgspec.NODEFAULT:  # the directory itself: --data, or the variable alone
            text.append(f"| | `{DATA_VARIABLE}` | the user's data directory | {sentences[field.name]} |")
            continue
        default = "" if field.default is None else f"`{toml(field.default)}`"
        text.append(f"| `{field.name}` | `{PREFIX}{field.name.upper()}` | {default} | {sentences[field.name]} |")
    return "\n".join([*text, ""])


def settings_sentences() -> dict[str, str]:
    """The sentence below each field of the struct, which Python itself forgets."""
    (body,) = [node.body for node in ast.parse(inspect.getsource(Settings)).body if isinstance(node, ast.ClassDef)]
    sentences = {}
    for field, sentence in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(sentence, ast.Expr):
            assert isinstance(sentence.value, ast.Constant)
            sentences[field.target.id] = " ".join(str(sentence.value.value).split()).replace("|", "or")
    return sentences


def toml(value: object) -> str:
    """A default as one writes it into the file."""
    if isinstance(value, tuple):
        return str(list(value))
    return json.dumps(value)


def page_routes() -> dict[tuple[str, str], str]:
    """Method and path of every page, with the first sentence of what it does."""
    return routes([*web.pages.public.ROUTES, *web.pages.staff.ROUTES])


def api_routes() -> dict[tuple[str, str], str]:
    """Method and path of every call of the API."""
    return routes(list(web.api.ROUTES))


def routes(handlers: list[object]) -> dict[tuple[str, str], str]:
    """Method and path with types left out, and the first sentence of the handler's docstring."""
    app = Litestar(route_handlers=handlers, openapi_config=None)  # type: ignore[arg-type]
    found = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - {"OPTIONS"}):
                    found[str(method), untyped(route.path_format)] = first_sentence(handler)
    return found


def untyped(path: str) -> str:
    """`/races/{race_id:str}` as `/races/{race_id}`."""
    return "/".join(part.split(":")[0] + "}" if ":" in part else part for part in path.split("/"))


def first_sentence(handler: HTTPRouteHandler) -> str:
    """What it does, in its own words."""
    return (inspect.getdoc(handler.fn) or "").split("\n")[0].split(";")[0].rstrip(".")


def pages() -> str:
    """docs/pages.md: every address of the box that people meet."""
    text = [
        "# The pages",
        "",
        "Drawn from the code. Forms post to the same addresses; what a program may use is in [api.md](api.md).",
        "",
        "| method | address | what it does |",
        "|---|---|---|",
        *(f"| {method} | `{path}` | {what} |" for (method, path), what in sorted(page_routes().items(), key=by_path)),
    ]
    return "\n".join([*text, ""])


def by_path(route: tuple[tuple[str, str], str]) -> tuple[str, str]:
    """Sort by address, then method."""
    (method, path), _ = route
    return path, method


PAGES = {"command-line.md": command_line, "settings.md": settings, "pages.md": pages}

if __name__ == "__main__":
    for name, drawn in PAGES.items():
        (DOCS / name).write_text(drawn())
