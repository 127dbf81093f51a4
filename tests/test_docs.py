"""Every command, setting and route is in the docs, and the docs tell of nothing that is not there."""

import re
from pathlib import Path

import pytest

from tests import docs_pages

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("name", docs_pages.PAGES)
def test_the_drawn_pages_are_what_the_code_says(name: str) -> None:
    drawn = docs_pages.PAGES[name]()
    assert (ROOT / "docs" / name).read_text() == drawn, "run: .venv/bin/python -m tests.docs_pages"


def test_every_call_of_the_api_is_in_its_page() -> None:
    calls = docs_pages.api_routes()
    assert ("POST", "/api/races/{race_id}/actions") in calls
    text = (ROOT / "docs/api.md").read_text()
    missing = [
        f"{method} {path}"
        for method, path in calls
        if not re.search(rf"{method}[^\n]*{re.escape(path)}(?![\w/{{])", text)
    ]
    assert missing == []


def test_every_command_has_a_help_that_teaches() -> None:
    for path, command in docs_pages.commands(docs_pages.trackside, ["trackside"]):
        assert command.help, path
        assert len(command.help.split()) >= 4, path
        for parameter in command.params:
            assert getattr(parameter, "help", "argument"), (path, parameter.name)


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_make_target_in_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {name for page in WRITTEN for name in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)}
    assert {"run", "test", "demo"} <= named
    assert named - targets == set()
