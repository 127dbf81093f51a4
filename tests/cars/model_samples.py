"""
Models as racers upload them, for the tests: those of the demo (cars/standin/model_archives.py), and as files.

Every sample is the same each time for the same arguments, and another one for another `seed`.
"""

from pathlib import Path

from cars.standin.model_archives import (
    CAMERA,
    File,
    field,
    graph,
    metadata,
    metadata_bytes,
    model_archive,
    model_files,
    node,
    tar,
    tar_gz,
    varint,
    weights,
)

__all__ = [
    "CAMERA",
    "CONTINUOUS",
    "REAL_PB_BYTES",
    "File",
    "field",
    "graph",
    "metadata",
    "metadata_bytes",
    "model_archive",
    "model_files",
    "node",
    "tar",
    "tar_gz",
    "varint",
    "weights",
    "write_model",
]

REAL_PB_BYTES = 23_000_000
"""What the default network of a training comes to."""
CONTINUOUS = {"steering_angle": {"high": 30, "low": -30}, "speed": {"high": 4, "low": 1}}


def write_model(path: Path, **arguments: object) -> Path:
    """The same as a file at `path`; answers `path`."""
    path.write_bytes(model_archive(**arguments))
    return path
