"""
`python -I -m cars.inspect_child NETWORK_FD METADATA_FD`: looks into one archive, then ends.

The archive is standard input, the answer one JSON report on standard output. It opens nothing: it reads and writes
the files that its parent (cars/inspector.py) has open for it, and closes itself in before it reads the first byte.
"""

import codecs
import contextlib
import errno
import hashlib
import mmap
import os
import sys
from typing import Protocol

import msgspec

from cars.archive import NetworkSink, unpack
from cars.frozen_graph import check_inputs, read_graph
from cars.inspection import BOX_IN_TROUBLE, Fit, Inspection, NotFit, Report, Unfit
from cars.metadata import read_metadata
from cars.model_cautions import MARKED, PREMADE
from cars.model_structs import ModelFacts
from cars.sandbox import close_in
from cars.unpacking import Source

TROUBLES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
NICENESS = 10
"""A lap comes first."""
FIRST_TO_GO = "1000"
"""When memory runs out, the kernel takes this process before anything else."""


class NetworkFile(NetworkSink, Protocol):
    """Where model.pb goes, and is read again from."""

    def view(self) -> memoryview:
        """All that was written."""


def look_into(archive: Source, network: NetworkFile) -> tuple[ModelFacts, bytes]:
    """
    Inspect an archive.

    Returns:
        What was found, and model_metadata.json as it goes to a car.

    Raises:
        Unfit: No car could drive it.
    """
    contents = unpack(archive, network)
    metadata = read_metadata(contents.metadata)
    check_inputs(read_graph(network.view()), metadata.sensors, metadata.algorithm)
    warnings = list(metadata.warnings)
    warnings += [PREMADE] if contents.has_premade else []
    warnings += [MARKED] if metadata.text != contents.metadata else []
    facts = ModelFacts(
        pb_md5=contents.pb_md5,
        pb_sha256=contents.pb_sha256,
        pb_bytes=contents.pb_bytes,
        metadata_md5=hashlib.md5(metadata.text, usedforsecurity=False).hexdigest(),
        metadata_sha256=hashlib.sha256(metadata.text).hexdigest(),
        metadata_bytes=len(metadata.text),
        sensors=metadata.sensors,
        action_space=metadata.action_space,
        actions=metadata.actions,
        algorithm=metadata.algorithm,
        has_premade=contents.has_premade,
        warnings=tuple(warnings),
    )
    return facts, metadata.text


class _OpenNetwork:
    """model.pb, open for writing and reading."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, data: bytes) -> None:
        write_all(self._fd, data)

    def view(self) -> memoryview:
        size = os.fstat(self._fd).st_size
        return memoryview(mmap.mmap(self._fd, size, access=mmap.ACCESS_READ) if size else b"")


class _OpenArchive:
    """Standard input, without a buffer of its own."""

    def read(self, size: int) -> bytes:
        return os.read(0, size)


def write_all(fd: int, data: bytes) -> None:
    """A file may take less than it is given."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def main() -> int:
    """Look into standard input; answers the exit status."""
    network_fd, metadata_fd = (int(argument) for argument in sys.argv[1:3])
    load_what_comes_late()
    _stand_back()
    held = close_in()
    try:
        inspection = _inspection(network_fd, metadata_fd)
    except OSError as error:
        if error.errno in TROUBLES:
            return BOX_IN_TROUBLE
        raise
    write_all(1, msgspec.json.encode(Report(inspection=inspection, held=held)))
    return 0


def _inspection(network_fd: int, metadata_fd: int) -> Inspection:
    try:
        facts, metadata = look_into(_OpenArchive(), _OpenNetwork(network_fd))
        write_all(metadata_fd, metadata)
        os.fsync(network_fd)
        os.fsync(metadata_fd)
    except Unfit as refused:
        return NotFit(reason=refused.message, remedy=refused.remedy)
    return Fit(facts=facts)


def _stand_back() -> None:
    """Others first, with the cores and when memory runs out; what a stricter unit forbids is no matter."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write(FIRST_TO_GO)


def load_what_comes_late() -> None:
    """Python opens some modules only when they are used; afterwards nothing can be opened."""
    for coding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        codecs.lookup(coding)
    msgspec.json.encode(Report(inspection=NotFit(reason="", remedy=""), held=()))


if __name__ == "__main__":
    # No tidying up at exit: it would close the mapping and ask for modules.
    os._exit(main())
