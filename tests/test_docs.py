"""
Every page is in the docs, and the docs lead nowhere that is not there.

The API's page is held to the code by tests/web/test_api_docs.py, commands and settings by tests/appliance.
"""

import re
from pathlib import Path

import pytest

from tests import docs_pages, docs_terminal

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md"))


def test_the_list_of_pages_is_what_the_code_says() -> None:
    drawn = docs_pages.drawn()
    assert "| GET | `/events/{event_id}/board` |" in drawn
    assert docs_pages.PATH.read_text() == drawn, "run: .venv/bin/python -m tests.docs_pages"


def test_every_page_says_what_it_does() -> None:
    assert [line for line in docs_pages.drawn().splitlines() if line.endswith("|  |")] == []


def test_every_key_of_the_terminal_is_in_the_docs() -> None:
    drawn = docs_terminal.drawn()
    assert "| L, Enter | Take a lap by hand |" in drawn
    assert docs_terminal.PATH.read_text() == drawn, "run: .venv/bin/python -m tests.docs_terminal"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_make_target_in_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {name for page in WRITTEN for name in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)}
    assert {"run", "test", "demo"} <= named
    assert named - targets == set()
