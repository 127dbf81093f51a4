"""
The console's models: what it lists, takes in and loads, with its traps.

A leftover model.xml is loaded instead of a newer model.pb where the optimizer keeps its cache; the folder is named as
the upload, raw; the loader wants one .pb anywhere and the metadata at the archive's root.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from cars.standin.machine import Machine

if TYPE_CHECKING:
    from cars.standin.console_calls import Reply, Request

SENSORS = {"observation", "LIDAR", "SECTOR_LIDAR", "LEFT_CAMERA", "FRONT_FACING_CAMERA", "STEREO_CAMERAS"}
FITTED = {"observation", "FRONT_FACING_CAMERA"}
"""A car with one camera."""
FAILED = {"success": False, "message": "Failed to upload & optimize the model"}


def sha224(text: str) -> str:
    """As password.txt has it."""
    return hashlib.sha224(text.encode()).hexdigest()


def selectable(machine: Machine, _: Request) -> Reply:
    """Folders with a .pb and metadata it can read; the others are silently missing."""
    models = []
    for folder in sorted(_artifacts(machine).iterdir()):
        sensors = _sensors(folder)
        if sensors is not None and list(folder.glob("*.pb")):
            fits = set(sensors) <= FITTED
            entry = {"model_folder_name": folder.name, "model_sensors": sensors, "is_select_disabled": not fits}
            models.append(entry)
    return {"success": True, "models": models}


def uploaded(machine: Machine, _: Request) -> Reply:
    """Every folder, model or not."""
    folders = sorted(_artifacts(machine).iterdir())
    return [
        {"name": path.name, "size": f"{_bytes(path) // 1024}K", "creation_time": path.stat().st_mtime}
        for path in folders
    ]


def is_installed(machine: Machine, request: Request) -> Reply:
    """Only whether there is such a folder: yes as soon as an upload begins."""
    name = request.query.get("filename", [""])[0]
    if name in {path.name for path in _artifacts(machine).iterdir()}:
        return {"success": True, "message": "Model is installed"}
    return {"success": False, "message": "Model is not installed"}


def is_loading(machine: Machine, _: Request) -> Reply:
    return {"success": True, "isModelLoading": machine.loading}


def load(machine: Machine, request: Request) -> Reply:
    """Load a model into the inference; `machine.drives` is then the md5 of what drives."""
    folder = _artifacts(machine) / request.path.split("/")[-2]
    try:
        is_ready = bool((folder / "checksum.txt").read_text())
        frozen = (folder / "model.pb").read_bytes()
    except OSError:
        is_ready, frozen = False, b""
    sensors = _sensors(folder)
    if not is_ready or sensors is None or not set(sensors) <= FITTED:
        machine.loading = "error"
        return {"success": False, "reason": "Model load failed! Please check the ROS logs"}
    cache = folder / ("model.tflite" if machine.profile.inference == "tflite" else "model.xml")
    if not (machine.profile.is_community and cache.exists()):
        cache.write_text(hashlib.md5(frozen, usedforsecurity=False).hexdigest())
    machine.drives, machine.loading, machine.folder = cache.read_text(), "loaded", folder.name
    return {"success": True}


def upload(machine: Machine, request: Request) -> Reply:
    """The file is there, unpacked or not, before anybody knows whether it is a model."""
    name, content = _file_of(request)
    if not name.endswith(".tar.gz"):
        return {"success": False, "message": "Failed to upload the model. Not a .tar.gz file"}
    folder = _artifacts(machine) / name.removesuffix(".tar.gz")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    unpacked = _unpacked(content)
    if unpacked is None:
        return FAILED
    frozen, metadata = unpacked
    shutil.rmtree(folder)
    target = folder.with_name(name.split(".", 1)[0].replace(" ", "_"))
    target.mkdir(exist_ok=True)
    (target / "model.pb").write_bytes(frozen)
    (target / "model_metadata.json").write_bytes(metadata)
    (target / "checksum.txt").write_text(hashlib.md5(frozen, usedforsecurity=False).hexdigest())
    return {"success": True, "message": "Model uploaded successfully to your vehicle"}


def delete(machine: Machine, request: Request) -> Reply:
    names = request.json.get("filenames") or []
    folders = [_artifacts(machine) / str(name) for name in names]
    if not all(folder.is_dir() for folder in folders):
        return {"success": False, "message": "Failed to delete the selected models"}
    for folder in folders:
        shutil.rmtree(folder)
    return {"success": True, "message": "Models deleted successfully from your vehicle"}


def _unpacked(content: bytes) -> tuple[bytes, bytes] | None:
    """One .pb anywhere, the metadata at the root; else nothing."""
    try:
        with gzip.open(io.BytesIO(content)) as plain, tarfile.open(fileobj=plain, mode="r:") as archive:
            files = {
                member.name.removeprefix("./"): archive.extractfile(member) for member in archive if member.isfile()
            }
            frozen = [file for name, file in files.items() if name.endswith(".pb")]
            metadata = files.get("model_metadata.json")
            if len(frozen) != 1 or frozen[0] is None or metadata is None:
                return None
            return frozen[0].read(), metadata.read()
    except (tarfile.TarError, OSError, EOFError):
        return None


def _file_of(request: Request) -> tuple[str, bytes]:
    """The multipart field `file` (RFC 7578)."""
    boundary = re.search(r'boundary="?([^";]+)', request.content_type)
    for part in request.body.split(f"--{boundary[1]}".encode()) if boundary else []:
        head, _, content = part.partition(b"\r\n\r\n")
        if match := re.search(rb'filename="([^"]*)"', head):
            return match[1].decode(), content.removesuffix(b"\r\n")
    return "", b""


def _sensors(folder: Path) -> list[str] | None:
    try:
        metadata = json.loads((folder / "model_metadata.json").read_text())
    except (OSError, ValueError):
        return None
    sensors = metadata.get("sensor", ["observation"])
    return sensors if set(sensors) <= SENSORS else None


def _artifacts(machine: Machine) -> Path:
    return machine.root / "opt/aws/deepracer/artifacts"


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
