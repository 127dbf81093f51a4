"""
The vendored browser files: what they are, and that they are still what was fetched. `python -m web.vendor` checks.

Nothing is downloaded here; web/static/vendor/vendor.toml says how to update a package.
"""

import hashlib
import sys
import tomllib
from pathlib import Path

VENDOR = Path(__file__).parent / "static" / "vendor"


def wrong_files(folder: Path = VENDOR) -> list[str]:
    """Every vendored file that is missing, changed or not listed in vendor.toml; empty when all is well."""
    packages = tomllib.loads((folder / "vendor.toml").read_text())["package"]
    listed = {
        f"{package['folder']}/{name}": digest for package in packages for name, digest in package["sha256"].items()
    }
    present = {path.relative_to(folder).as_posix() for path in folder.glob("*/**/*") if path.is_file()}
    missing = [f"{name}: listed in vendor.toml, but missing" for name in sorted(listed.keys() - present)]
    unlisted = [f"{name}: not listed in vendor.toml" for name in sorted(present - listed.keys())]
    changed = [
        f"{name}: its sha256 is not the one in vendor.toml"
        for name in sorted(present & listed.keys())
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != listed[name]
    ]
    return missing + unlisted + changed


if __name__ == "__main__":
    problems = wrong_files()
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    sys.exit(1 if problems else 0)
