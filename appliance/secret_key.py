"""The box's secret: 32 random bytes in DIR/secret.key, made at the first start, readable by its owner only."""

import contextlib
import os
import secrets
from pathlib import Path

from appliance.errors import NotReady
from appliance.safe_copy import sync_directory

FILE_NAME = "secret.key"
LENGTH_BYTES = 32


def load_secret(data_dir: Path) -> bytes:
    """
    Read the secret, or make it durable first.

    Raises:
        NotReady: the directory cannot be written, or the file is not a secret.
    """
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        secret = path.read_bytes()
    except OSError as error:
        raise NotReady(
            f"Cannot read {path}: {error.strerror}.", "Check that it belongs to you and that the disk is not full."
        ) from error
    if len(secret) != LENGTH_BYTES:
        raise NotReady(
            f"{path} is not a secret of {LENGTH_BYTES} bytes.",
            "Restore it from a backup, or delete it: badges printed before then stop working.",
        )
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(fd, secrets.token_bytes(LENGTH_BYTES))
        os.fsync(fd)
    finally:
        os.close(fd)
    with contextlib.suppress(FileExistsError):  # Another process was first: its secret is the one.
        os.link(partial, path)
    partial.unlink()
    sync_directory(path.parent)
