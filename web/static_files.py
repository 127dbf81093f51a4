"""
Scripts, styles and pictures: read once, kept in memory with their gzip form, served under an address that holds the
hash of the whole tree, so that browsers keep them for ever and an upgrade changes every address.

One hash for the tree, not one for each file: a style's relative `url(../img/…)` then stays right.
"""

import asyncio
import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from litestar import Litestar, Request, get
from litestar.params import FromPath
from litestar.response import Response

from appliance.errors import NotFound

STATIC_DIR = Path(__file__).parent / "static"
KEEP_FOR_EVER = "public, max-age=31536000, immutable"
CHECK_EACH_TIME = "no-cache"
"""For an address with another tree's hash: a page from before an upgrade still finds its files."""
TYPES = {  # Litestar adds the charset to text types
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".json": "application/json",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
}
"""Only these are served; licences and vendor notes stay on the disk."""
ALREADY_SMALL = frozenset({".png", ".woff2", ".mp3", ".ogg"})


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file's bytes; `gzipped` is None where it would not be smaller."""

    media_type: str
    body: bytes
    gzipped: bytes | None


@dataclass(frozen=True, slots=True)
class StaticTree:
    """Every file by its path ("css/app.css"), and the hash of them all."""

    version: str
    files: dict[str, StaticFile]


def read_tree(directory: Path) -> StaticTree:
    """Read and compress every file below `directory` that has a known type."""
    files: dict[str, StaticFile] = {}
    digest = sha256()
    for path in sorted(directory.rglob("*")):
        if path.suffix in TYPES and path.is_file():
            name, body = path.relative_to(directory).as_posix(), path.read_bytes()
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
            files[name] = _static_file(path.suffix, body)
    return StaticTree(version=digest.hexdigest()[:12], files=files)


@cache
def tree() -> StaticTree:
    """The project's own static files."""
    return read_tree(STATIC_DIR)


async def read_own_files(_: Litestar) -> None:
    """At start-up, off the event loop: the first page is not to wait until all files are compressed."""
    await asyncio.to_thread(tree)


def static_url(name: str) -> str:
    """
    The address of a file below web/static, e.g. `static_url("css/app.css")`.

    Raises:
        KeyError: no such file; a template names something that is not there.
    """
    if name not in tree().files:
        raise KeyError(f"web/static has no {name}")
    return f"/static/{tree().version}/{name}"


@get("/static/{version:str}/{name:path}", opt={"no_gzip": True}, include_in_schema=False, sync_to_thread=False)
def static_file(request: Request[Any, Any, Any], version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Serve one file, compressed when the browser takes it."""
    wanted = PurePosixPath(name).as_posix().lstrip("/")
    found = tree().files.get(wanted)
    if found is None:
        raise NotFound(f"There is no file {wanted}.", "Reload the page that asked for it.")
    headers = {
        "Cache-Control": KEEP_FOR_EVER if version == tree().version else CHECK_EACH_TIME,
        "Vary": "Accept-Encoding",
    }
    body = found.body
    if found.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = found.gzipped, "gzip"
    return Response(body, headers=headers, media_type=found.media_type)


def _static_file(suffix: str, body: bytes) -> StaticFile:
    gzipped = None if suffix in ALREADY_SMALL else gzip.compress(body, compresslevel=9, mtime=0)
    if gzipped is not None and len(gzipped) >= len(body):
        gzipped = None
    return StaticFile(media_type=TYPES[suffix], body=body, gzipped=gzipped)
