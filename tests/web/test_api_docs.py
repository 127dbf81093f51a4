"""docs/api.md has every call, with its method, and none that does not exist."""

import re
from pathlib import Path

from web.api import ROUTES

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_every_call_is_in_the_docs_and_no_other() -> None:
    real = {
        f"{method} {re.sub(r':[a-z]+}', '}', path)}"
        for handler in ROUTES
        for path in handler.paths
        for method in handler.http_methods
    }
    written = set(re.findall(r"^\| `((?:GET|POST|PATCH|PUT|DELETE) /api/[^`?]*)` \|", PAGE.read_text(), re.MULTILINE))
    assert len(real) > 30
    assert written == real
