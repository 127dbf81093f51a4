"""Small C libraries that change what a program asks of its system: preloaded into it (ld.so(8), LD_PRELOAD)."""

import shutil
import subprocess
from pathlib import Path


def built(source: Path, folder: Path) -> Path | None:
    """The library of a C file, made in `folder`; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / f"{source.stem}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library
