"""
Backup while the box runs, and restore while it does not.

A backup is a directory: trackside.db, edges.db when there is one, the box's secret (so that printed badges go on
working), and manifest.json with sizes and SHA-256; when asked, the files that the rooms above name as their parts
(appliance/backup_parts.py). It holds names and password hashes: keep it as safe as the box.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from appliance import secret_key
from appliance.backup_parts import Part, copy_in, copy_out, needed_by
from appliance.clock import now_iso
from appliance.errors import InvalidInput, NotFound, NotReady
from appliance.file_lock import FileLock
from appliance.safe_copy import copy_database, integrity_faults, sync_directory

DATABASE = "trackside.db"
EDGES = "edges.db"
MANIFEST = "manifest.json"
FORMAT = 1
FORMAT_WITH_PARTS = 2
"""Older versions know no files besides the databases."""
TRIES = 5
"""How often the database is copied anew because what it needs went away meanwhile; that takes somebody who deletes."""


class BackedUpFile(Struct, frozen=True, kw_only=True):
    """One file of a backup."""

    size_bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """
    What a backup holds, by paths as in the data directory; `made_at` UTC.

    `missing`: what its database needs and the box did not have.
    """

    format: int
    made_at: str
    files: dict[str, BackedUpFile]
    missing: list[str] = []


class Restored(Struct, frozen=True, kw_only=True):
    """
    What `restore` did. `replaced`: where the files are that were there before, None when there were none.

    `parts`: how many files of each part are in the backup.
    """

    files: list[str]
    kept: list[str]
    parts: dict[str, int]
    replaced: Path | None


def back_up(data_dir: Path, folder: Path | None = None, parts: Sequence[Part] = ()) -> Path:
    """
    Copy everything that cannot be made again into a new directory under `folder` (default: DIR/backups).

    Args:
        parts: Files besides the databases; those that the copied database needs.

    Raises:
        NotFound: there is nothing to back up.
        NotReady: no space; nothing is left behind.
    """
    if not (data_dir / DATABASE).exists():
        raise NotFound(f"There is no {DATABASE} in {data_dir}.", "Give the right directory with --data DIR.")
    stamp = now_iso().replace(":", "").replace("-", "").replace(".", "")
    target = (folder or data_dir / "backups") / f"trackside-{stamp}"
    partial = target.with_name(f".{target.name}.part")
    try:
        partial.mkdir(mode=0o700, parents=True)
        missing = _copy_with_parts(data_dir, partial, parts)
        # The edges last: then they hold at least what the races were made of.
        if (data_dir / EDGES).exists():
            _copy_live(data_dir / EDGES, partial / EDGES)
        _copy_secret(data_dir, partial)
        _write_manifest(partial, missing)
        os.rename(partial, target)
        sync_directory(target.parent)
    except OSError as error:
        raise NotReady(
            f"Could not write {target}: {error.strerror}.", "Free some space, or choose another place with --to."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def restore(source: Path, data_dir: Path, parts: Sequence[Part] = ()) -> Restored:
    """
    Put a backup, or a single trackside.db of one, in the place of the box's files; everybody is signed out.

    edges.db is only restored where there is none: what the strips recorded since is never thrown away.

    Args:
        parts: What a backup may hold besides the databases.

    Raises:
        FileInUse: Trackside runs on this directory.
        InvalidInput: the backup is not whole.
        NotReady: no space; the box is as it was.
    """
    files = _checked_files(source, parts)
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    locks = [FileLock(data_dir / DATABASE)]
    try:
        locks.append(FileLock(data_dir / EDGES))
        # First, and beside what is there: a database never waits for its files.
        found = {part.name: [name for name in files if part.paths.fullmatch(name)] for part in parts}
        for names in found.values():
            copy_in(names, source, data_dir)
        restored = _restore_locked(files, data_dir)
        return msgspec.structs.replace(restored, parts={name: len(names) for name, names in found.items() if names})
    except OSError as error:
        raise NotReady(f"Could not restore: {error}.", "Free some space; the box is as it was.") from error
    finally:
        for lock in locks:
            lock.release()


def check_file(path: Path) -> list[str]:
    """Everything SQLite's full check finds wrong with a database file; reads only."""
    try:
        with closing(_read_only(path)) as connection:
            return integrity_faults(connection)
    except sqlite3.Error as error:
        return [str(error)]


def _restore_locked(files: dict[str, Path], data_dir: Path) -> Restored:
    # Edges go in before the races: a power cut between the two leaves a box that starts.
    kept = [name for name in files if name == EDGES and (data_dir / name).exists()]
    wanted = [name for name in (EDGES, secret_key.FILE_NAME, DATABASE) if name in files and name not in kept]
    fresh = {name: data_dir / f".{name}.{os.getpid()}.restore" for name in wanted}
    replaced = data_dir / "replaced" / now_iso().replace(":", "").replace("-", "").replace(".", "")
    try:
        for name in wanted:
            _prepare(files[name], fresh[name], name)
        has_replaced = [name for name in wanted if _set_aside(data_dir / name, replaced)]
        for name in wanted:
            os.replace(fresh[name], data_dir / name)
        sync_directory(data_dir)
    finally:
        for path in fresh.values():
            path.unlink(missing_ok=True)
    return Restored(files=wanted, kept=kept, parts={}, replaced=replaced if has_replaced else None)


def _prepare(source: Path, fresh: Path, name: str) -> None:
    """A durable, checked copy beside its place."""
    if name == secret_key.FILE_NAME:
        _copy_file(source, fresh)
        return
    with closing(_read_only(source)) as connection:
        copy_database(connection, fresh)
    if name == DATABASE:
        with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA synchronous = FULL")
            # Sessions that ended since the backup must not come to life again.
            connection.execute("DELETE FROM person_session")


def _set_aside(path: Path, replaced: Path) -> bool:
    """Keep the file that is about to be replaced; a log left beside it would be read into the new one."""
    if not path.exists():
        return False
    replaced.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.suffix == ".db":
        if not check_file(path):
            _fold_log(path)
        # A damaged file is not opened for writing: that might throw its log away.
        for suffix in ("-wal", "-shm"):
            leftover = path.with_name(path.name + suffix)
            if leftover.exists():
                os.rename(leftover, replaced / leftover.name)
    os.link(path, replaced / path.name)
    sync_directory(replaced)
    return True


def _fold_log(path: Path) -> None:
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _checked_files(source: Path, parts: Sequence[Part]) -> dict[str, Path]:
    """The files of a backup that is whole."""
    if source.is_dir():
        files = _files_of_manifest(source, parts)
    elif source.is_file():
        files = {DATABASE: source}
    else:
        raise InvalidInput(f"There is no backup at {source}.", "Give a backup's directory, or a trackside.db.")
    for name, path in files.items():
        faults = check_file(path) if name in (DATABASE, EDGES) else []
        if faults:
            raise InvalidInput(f"{path} is not a sound database ({faults[0]}).", "Use another backup.")
    if not _is_ours(files[DATABASE]):
        raise InvalidInput(f"{files[DATABASE]} is not a Trackside database.", "Give a file named trackside.db.")
    return files


def manifest_of(source: Path) -> Manifest:
    """
    What a backup says that it holds.

    Raises:
        InvalidInput: it is no backup.
    """
    try:
        return msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"{source} is not a backup: its {MANIFEST} is missing or broken.", "Use another.") from error


def _files_of_manifest(source: Path, parts: Sequence[Part]) -> dict[str, Path]:
    manifest = manifest_of(source)
    ours = {DATABASE, EDGES, secret_key.FILE_NAME}
    others = [name for name in manifest.files if name not in ours]
    is_known = all(any(part.paths.fullmatch(name) for part in parts) for name in others)
    kind = FORMAT_WITH_PARTS if others else FORMAT
    if manifest.format != kind or DATABASE not in manifest.files or not is_known:
        raise InvalidInput(f"{source} was made by another version of Trackside.", "Restore it with that version.")
    for name, expected in manifest.files.items():
        path = source / name
        if not path.is_file() or _is_linked(path, source) or _described(path) != expected:
            raise InvalidInput(f"{path} is not what was backed up.", "Use another backup, or copy this one anew.")
    return {name: source / name for name in manifest.files}


def _is_linked(path: Path, source: Path) -> bool:
    """Whether it, or a folder on the way to it, is a link to somewhere else."""
    return path.is_symlink() or not path.resolve().is_relative_to(source.resolve())


def _is_ours(path: Path) -> bool:
    with closing(_read_only(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {"person", "person_session", "_sqlite_migrations"} <= names


def _copy_with_parts(data_dir: Path, partial: Path, parts: Sequence[Part]) -> list[str]:
    """
    The database and the files that it needs, as they were at one moment; answers those that are not there at all.

    A file may go while it is copied, with the row that needed it: then the database is copied anew. New rows need new
    files; those that are here need no second copy.
    """
    missing: list[str] = []
    for _ in range(TRIES):
        _copy_live(data_dir / DATABASE, partial / DATABASE)
        needed = needed_by(parts, partial / DATABASE, data_dir)
        missing = copy_out([path for paths in needed.values() for path in paths], data_dir, partial)
        if not missing:
            break
    return missing


def _copy_live(source: Path, target: Path) -> None:
    """The database as it is at one moment; its writer goes on."""
    try:
        with closing(_read_only(source)) as connection:
            copy_database(connection, target)
    except sqlite3.Error as error:
        raise NotReady(f"Cannot read {source}: {error}.", "Run trackside doctor.") from error


def _read_only(path: Path) -> sqlite3.Connection:
    """Reading only: it can neither write nor checkpoint, so it may stand beside the running writer."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0)


def _copy_secret(data_dir: Path, folder: Path) -> None:
    secret = data_dir / secret_key.FILE_NAME
    if secret.exists():
        _copy_file(secret, folder / secret_key.FILE_NAME)


def _copy_file(source: Path, target: Path) -> None:
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "wb") as out:
        out.write(source.read_bytes())
        out.flush()
        os.fsync(out.fileno())


def _write_manifest(folder: Path, missing: list[str]) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {str(path.relative_to(folder)): _described(path) for path in paths}
    kind = FORMAT_WITH_PARTS if any("/" in name for name in files) else FORMAT
    manifest = Manifest(format=kind, made_at=now_iso(), files=files, missing=missing)
    path = folder / MANIFEST
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    with path.open("rb") as written:
        os.fsync(written.fileno())
    sync_directory(folder)


def _described(path: Path) -> BackedUpFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BackedUpFile(size_bytes=path.stat().st_size, sha256=digest)
