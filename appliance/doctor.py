"""`trackside doctor`: looks at everything from outside, changes nothing, and says what to do."""

import importlib.metadata
import json
import os
import platform
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from appliance import local_login
from appliance.backup import DATABASE, EDGES, check_file
from appliance.doctor_strips import examine_strips
from appliance.errors import ApplianceError
from appliance.finding import Finding
from appliance.health import Check, ClockProbe, check_disk
from appliance.settings import Settings, load_with_origins
from appliance.supervisor import listening_pid

ANSWER_TIMEOUT_S = 3.0


def examine(data_dir: Path, *, quick: bool) -> Iterator[Finding]:
    """Every finding, as soon as it is known; `quick` leaves out reading the databases through."""
    yield from _versions()
    try:
        settings, origins = load_with_origins(data_dir)
    except ApplianceError as error:
        yield Finding(False, "settings", error.message, error.remedy)
        return
    for origin in origins:
        yield Finding(None, f"setting {origin.name}", f"{origin.value or '(none)'}   from {origin.origin}")
    yield from examine_strips(settings)
    if not data_dir.is_dir():
        yield Finding(None, "data", f"{data_dir} does not exist yet; the first start makes it.")
        return
    yield _data_directory(data_dir)
    yield _of_check("disk", check_disk(data_dir))
    yield _of_check("clock", ClockProbe()())
    for name in () if quick else (DATABASE, EDGES):
        yield _database(data_dir / name)
    yield _newest_backup(data_dir / "backups")
    yield _recorder(settings)
    yield _server(settings)
    yield _local_login(settings)


def _versions() -> Iterator[Finding]:
    yield Finding(None, "trackside", importlib.metadata.version("trackside"))
    yield Finding(None, "python", f"{platform.python_version()} on {platform.machine()}")
    # 3.7.0 to 3.51.2 can corrupt a log when two connections write; here only one ever does.
    yield Finding(None, "sqlite", sqlite3.sqlite_version)


def _data_directory(data_dir: Path) -> Finding:
    if not os.access(data_dir, os.W_OK | os.X_OK):
        return Finding(False, "data", f"{data_dir} cannot be written.", "Run as its owner, or correct its rights.")
    if data_dir.stat().st_mode & 0o007:
        remedy = f"Other users of this machine can look into it: chmod o-rwx {data_dir}"
        return Finding(True, "data", f"{data_dir} can be written.", remedy)
    return Finding(True, "data", f"{data_dir} can be written, and is closed to others.")


def _database(path: Path) -> Finding:
    if not path.exists():
        return Finding(None, path.name, "not there yet.")
    faults = check_file(path)
    if faults:
        return Finding(
            False,
            path.name,
            f"damaged: {faults[0]}",
            "Stop Trackside, copy the file away, and restore the newest backup: trackside restore DIRECTORY.",
        )
    return Finding(True, path.name, f"sound, {path.stat().st_size // 1000} kB.")


def _newest_backup(folder: Path) -> Finding:
    names = sorted(path.name for path in folder.glob("trackside-2*") if path.is_dir()) if folder.is_dir() else []
    if not names:
        return Finding(None, "backup", "none in the data directory.", "Make one on a stick: trackside backup --to DIR")
    return Finding(None, "backup", f"the newest is {folder / names[-1]}.")


def _recorder(settings: Settings) -> Finding:
    pid = listening_pid(settings.recorder_socket)
    if pid is None:
        message = f"nobody listens at {settings.recorder_socket}."
        if settings.timing_socket is not None:
            return Finding(False, "recorder", message, "Start it: trackside recorder --socket PATH")
        return Finding(None, "recorder", message)
    return Finding(True, "recorder", f"process {pid} listens at {settings.recorder_socket}.")


def _server(settings: Settings) -> Finding:
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104  compared, not bound
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/api/health"
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_TIMEOUT_S) as answer:
            status = json.load(answer)["status"]
        return Finding(True, "server", f"answers at {url}: {status}.")
    except urllib.error.HTTPError as error:
        remedy = "Sign in and look at the dashboard: it says which part, and what to do."
        return Finding(False, "server", f"{url} says {error.code}: something needs a hand.", remedy)
    except (OSError, ValueError, KeyError) as error:
        return Finding(None, "server", f"does not answer at {url} ({error}).")


def _local_login(settings: Settings) -> Finding:
    path, name = settings.local_socket, "local login"
    try:
        who = local_login.who_may(local_login.group_of(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(ANSWER_TIMEOUT_S)
            probe.connect(str(path))
    except PermissionError:
        return Finding(None, name, f"{path} is not for you: join its group, or sign in with an account.")
    except OSError as error:
        reason = "nobody listens" if isinstance(error, FileNotFoundError | ConnectionRefusedError) else str(error)
        return Finding(None, name, f"off: {reason} at {path}.")
    return Finding(True, name, f"without a password at {path}: {who}.")


def _of_check(name: str, check: Check) -> Finding:
    return Finding(check.ok, name, check.message, check.remedy)
