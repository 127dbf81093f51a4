"""The vendored browser files are the ones that were fetched."""

import shutil
from pathlib import Path

from web.vendor import VENDOR, wrong_files


def test_every_vendored_file_has_the_hash_in_vendor_toml() -> None:
    assert (VENDOR / "htmx-4.0.1" / "htmx.min.js").is_file()
    assert wrong_files() == []


def test_a_changed_a_missing_and_an_unlisted_file_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    shutil.copytree(VENDOR, folder)
    (folder / "htmx-4.0.1" / "htmx.min.js").write_text("changed")
    (folder / "htmx-4.0.1" / "LICENSE").unlink()
    (folder / "htmx-4.0.1" / "extra.js").write_text("")
    assert wrong_files(folder) == [
        "htmx-4.0.1/LICENSE: listed in vendor.toml, but missing",
        "htmx-4.0.1/extra.js: not listed in vendor.toml",
        "htmx-4.0.1/htmx.min.js: its sha256 is not the one in vendor.toml",
    ]
