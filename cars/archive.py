"""
The two files of a model, picked out of whatever archive a racer uploads.

Takes agent/model.pb and model_metadata.json, or both side by side, also inside of one folder more; says in words what
an archive is that has none. Streams: the network goes to the sink it is given, nothing else leaves the archive.
"""

import hashlib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from cars.inspection import DOWNLOAD_AGAIN, METADATA, NETWORK, Unfit, shown
from cars.metadata import MAX_METADATA_BYTES
from cars.model_words import NOT_A_CAR_MODEL
from cars.tar_members import Member, TarMembers
from cars.unpacking import MIB, Source, Unpacker

MAX_NETWORK_BYTES = 256 * MIB
"""Weights shrink by a tenth at most, and a car takes 200 MB packed."""
MAX_METADATA_FILES = 20

_CHECKPOINT = re.compile(r"\.ckpt|(^|/)\.?(coach_)?checkpoint$|deepracer_checkpoints\.json$|(^|/)model_\d+\.pb$")
_LOGS = re.compile(r"simtrace|(^|/)(training|evaluation)[_-]?(metrics|logs?|simtrace)?.*\.(csv|log)$|\.mp4$")
_ARCHIVE = re.compile(r"\.(tar\.gz|tgz|tar|zip)$")
_PREMADE = re.compile(r"\.(xml|bin)$")
_SAVED_MODEL = re.compile(r"(^|/)saved_model\.pb$|(^|/)variables/variables\.")


class NetworkSink(Protocol):
    """Where the bytes of model.pb go."""

    def write(self, data: bytes, /) -> object:
        """Take all of them."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What was in the archive; digests are lower-case hex."""

    pb_md5: str
    pb_sha256: str
    pb_bytes: int
    metadata: bytes
    has_premade: bool


@dataclass(slots=True)
class _Found:
    """What has come by so far."""

    paths: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    metadata: dict[str, bytes] = field(default_factory=dict)
    network: tuple[str, str, int] = ("", "", 0)


def unpack(source: Source, sink: NetworkSink) -> Contents:
    """
    Read an archive to its end.

    Raises:
        Unfit: It is none, is dangerous or damaged, or holds no model for a car.
    """
    content = Unpacker(source)
    found = _Found()
    members = TarMembers(content)
    for member in members:
        if member.is_file and not _is_litter(member.path):
            _look_at(member, members, found, sink)
    content.drain()
    _check_network(found)
    md5, sha256, size = found.network
    return Contents(
        pb_md5=md5,
        pb_sha256=sha256,
        pb_bytes=size,
        metadata=_metadata_of(found),
        has_premade=any(_PREMADE.search(path) for path in found.paths),
    )


def _is_litter(path: str) -> bool:
    """What macOS and Windows pack along."""
    parts = path.split("/")
    return parts[-1].startswith("._") or parts[-1] in (".DS_Store", "Thumbs.db") or "__MACOSX" in parts


def _look_at(member: Member, members: TarMembers, found: _Found, sink: NetworkSink) -> None:
    name = posixpath.basename(member.path)
    found.paths.append(member.path)
    if name == METADATA:
        _take_metadata(member, members, found)
    elif name.endswith(".pb"):
        found.networks.append(member.path)
        if name == NETWORK and len(found.networks) == 1:
            found.network = _take_network(member, members.chunks(), sink)


def _take_metadata(member: Member, members: TarMembers, found: _Found) -> None:
    if member.size_bytes > MAX_METADATA_BYTES:
        raise Unfit(f"{METADATA} is larger than {MAX_METADATA_BYTES // 1024} kB.", DOWNLOAD_AGAIN)
    if member.path in found.metadata:
        raise Unfit(f"This archive holds {shown(member.path)} twice.", DOWNLOAD_AGAIN)
    if len(found.metadata) == MAX_METADATA_FILES:
        raise Unfit(f"This archive holds many files called {METADATA}.", "Upload one model in one file.")
    found.metadata[member.path] = b"".join(members.chunks())


def _take_network(member: Member, chunks: Iterator[bytes], sink: NetworkSink) -> tuple[str, str, int]:
    if member.size_bytes > MAX_NETWORK_BYTES:
        raise Unfit(f"model.pb is larger than {MAX_NETWORK_BYTES // MIB} MB; one is about 23 MB.", DOWNLOAD_AGAIN)
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    for chunk in chunks:
        md5.update(chunk)
        sha256.update(chunk)
        sink.write(chunk)
    return md5.hexdigest(), sha256.hexdigest(), member.size_bytes


def _check_network(found: _Found) -> None:
    """Exactly one, by the name that training gives it: the loader of the cars asks for the same."""
    if [posixpath.basename(path) for path in found.networks] == [NETWORK]:
        return
    if any(_SAVED_MODEL.search(path) for path in found.paths):
        raise Unfit("This is a TensorFlow SavedModel, not a model for a car.", NOT_A_CAR_MODEL)
    if any(_CHECKPOINT.search(path) for path in found.paths):
        raise Unfit("This is the training checkpoint (the virtual model), not the one for a car.", NOT_A_CAR_MODEL)
    if len(found.networks) > 1:
        first, second = (shown(path) for path in found.networks[:2])
        if first == second:
            raise Unfit(f"This archive holds {first} twice.", DOWNLOAD_AGAIN)
        raise Unfit(
            f"This archive holds more than one network, {first} and {second}; a car takes one.",
            "Upload each model as a file of its own.",
        )
    if found.networks:
        raise Unfit(
            f"The network in this archive is called {shown(found.networks[0])}, not {NETWORK}.", NOT_A_CAR_MODEL
        )
    raise _without_network(found)


def _without_network(found: _Found) -> Unfit:
    if not found.paths:
        return Unfit("This archive is empty.", DOWNLOAD_AGAIN)
    inner = next((path for path in found.paths if _ARCHIVE.search(path)), None)
    if inner is not None:
        return Unfit(
            f"This archive holds no model, but another archive: {shown(inner)}.",
            "Unpack this one, and upload the .tar.gz of the physical car model that is inside.",
        )
    if any(_LOGS.search(path) for path in found.paths):
        return Unfit("These are the logs of a training or evaluation, not a model.", NOT_A_CAR_MODEL)
    return Unfit("This archive holds no agent/model.pb, which is the network that drives.", NOT_A_CAR_MODEL)


def _metadata_of(found: _Found) -> bytes:
    """The one above agent/, as cars take it, else the one beside the network, else the only one."""
    folder = posixpath.dirname(found.networks[0])
    above = [posixpath.dirname(folder)] if posixpath.basename(folder) == "agent" else []
    for place in (*above, folder):
        path = posixpath.join(place, METADATA)
        if path in found.metadata:
            return found.metadata[path]
    if len(found.metadata) == 1:
        return next(iter(found.metadata.values()))
    if found.metadata:
        raise Unfit(f"This archive holds several files called {METADATA}, none beside the network.", DOWNLOAD_AGAIN)
    raise Unfit(
        f"This archive holds no {METADATA}, so no car could know how to steer by the network.",
        f"Pack {METADATA} of the same training along, or download the physical car model again and upload that file.",
    )
