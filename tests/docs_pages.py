"""
docs/pages.md, drawn from the code: every address of the box that people meet.

`python -m tests.docs_pages` writes it; tests/test_docs.py fails when what is written differs from the code.
"""

import inspect
from pathlib import Path
from unittest.mock import MagicMock

from litestar.routes import HTTPRoute

from web.app import create_app

PATH = Path(__file__).resolve().parent.parent / "docs/pages.md"
HEAD = """# The pages

Drawn from the code. Forms post to the same addresses; what a program may use is in [api.md](api.md).

| method | address | what it does |
|---|---|---|
"""


def drawn() -> str:
    """The whole page."""
    return HEAD + "".join(f"| {method} | `{path}` | {sentence} |\n" for path, method, sentence in sorted(routes()))


def routes() -> list[tuple[str, str, str]]:
    """Path with its types left out, method, and the first sentence of the docstring, of every page's handler."""
    app = create_app(MagicMock())  # nothing is served, so no house is needed
    return [
        (untyped(route.path), str(method), first_sentence(handler.fn))
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method != "OPTIONS" and handler.fn.__module__.startswith("web.pages")
    ]


def untyped(path: str) -> str:
    """`/races/{race_id:str}` as `/races/{race_id}`."""
    return "/".join(part.split(":")[0] + "}" if ":" in part else part for part in path.split("/"))


def first_sentence(function: object) -> str:
    """What it does, in its own words; `|` would end the cell."""
    return (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ").replace("|", "or")


if __name__ == "__main__":
    PATH.write_text(drawn())
