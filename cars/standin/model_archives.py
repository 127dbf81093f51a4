"""
Models as racers bring them, of any size, made without TensorFlow: real GraphDef bytes in a real .tar.gz.

For the demo and for tests. The same arguments make the same bytes, another `seed` others; no car would get far with
them. `python -m cars.standin.model_archives FOLDER ORDERS` writes some and says each when it is whole.
"""

import gzip
import io
import json
import os
import random
import sys
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

CAMERA = ("FRONT_FACING_CAMERA",)
HEADS = {"clipped_ppo": "main", "sac": "policy"}

File = tuple[str, bytes]


class ModelOrder(Struct, frozen=True, kw_only=True):
    """A model to be written; `is_checkpoint`: of the training, which no car can drive."""

    file_name: str
    pb_bytes: int
    seed: str
    sensors: tuple[str, ...] = CAMERA
    algorithm: str = "clipped_ppo"
    is_checkpoint: bool = False


def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: bytes | str | int) -> bytes:
    """One field of a message: a number, text, or a message inside."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def node(name: str, operation: str, inputs: Sequence[str] = (), attributes: Mapping[str, bytes] | None = None) -> bytes:
    """One field of a GraphDef: a NodeDef."""
    body = field(1, name) + field(2, operation) + b"".join(field(3, source) for source in inputs)
    for key, value in (attributes or {}).items():
        body += field(5, field(1, key) + field(2, value))
    return field(1, body)


def weights(data: bytes) -> dict[str, bytes]:
    """The attributes of a Const: type DT_FLOAT, and a tensor with these bytes."""
    dimension = field(2, field(1, len(data) // 4))
    tensor = field(1, 1) + field(2, dimension) + field(4, data)
    return {"dtype": field(6, 1), "value": field(8, tensor)}


def graph(
    *,
    sensors: Sequence[str] = CAMERA,
    algorithm: str = "clipped_ppo",
    weights_bytes: int = 4_096,
    seed: int | str = 0,
) -> bytes:
    """A frozen network as a training writes it: inputs by their real names, weights that do not shrink."""
    main = f"main_level/agent/{HEADS[algorithm]}/online"
    nodes = []
    layers = []
    for sensor in sensors:
        name = f"{main}/network_0/{sensor}/{sensor}"
        nodes.append(node(name, "Placeholder", attributes={"dtype": field(6, 1)}))
        nodes.append(node(f"{main}/network_1/{sensor}/Flatten", "Reshape", [name]))
        layers.append(f"{main}/network_1/{sensor}/Flatten")
    kernel = f"{main}/network_1/ppo_head_0/policy_fc/kernel"
    data = random.Random(seed).randbytes(weights_bytes // 4 * 4)  # noqa: S311  a show
    nodes.append(node(kernel, "Const", attributes=weights(data)))
    nodes.append(node(f"{main}/network_1/ppo_head_0/policy_fc/MatMul", "MatMul", [*layers, kernel]))
    head = f"{main}/network_1/ppo_head_0/policy"
    nodes.append(node(head, "Softmax", [f"{main}/network_1/ppo_head_0/policy_fc/MatMul"]))
    return b"".join(nodes) + field(4, field(1, 134))


def metadata(**changes: object) -> dict[str, object]:
    """model_metadata.json as a training writes it; a change to None takes the field away."""
    fields: dict[str, object] = {
        "action_space": [
            {"steering_angle": angle, "speed": speed, "index": index}
            for index, (angle, speed) in enumerate([(-30, 0.8), (-15, 1.2), (0, 2.5), (15, 1.2), (30, 0.8)])
        ],
        "sensor": list(CAMERA),
        "neural_network": "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW",
        "training_algorithm": "clipped_ppo",
        "action_space_type": "discrete",
        "version": "5",
    }
    fields |= changes
    return {key: value for key, value in fields.items() if value is not None}


def metadata_bytes(**changes: object) -> bytes:
    """The same as a file."""
    return json.dumps(metadata(**changes), indent=2).encode()


def tar(files: Iterable[File], *, form: int = tarfile.GNU_FORMAT) -> bytes:
    """A plain tar of these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for path, data in files:
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def tar_gz(files: Iterable[File], *, form: int = tarfile.GNU_FORMAT) -> bytes:
    """A .tar.gz of these files."""
    return gzip.compress(tar(files, form=form), compresslevel=1, mtime=0)


def model_files(
    *,
    pb_bytes: int = 8_192,
    seed: int | str = 0,
    sensors: Sequence[str] = CAMERA,
    algorithm: str = "clipped_ppo",
    is_flat: bool = False,
    **changes: object,
) -> list[File]:
    """The files of a good model; `changes` go to its metadata, whose sensors and algorithm are set already."""
    network = graph(sensors=sensors, algorithm=algorithm, weights_bytes=max(pb_bytes - 1_024, 4), seed=seed)
    about = metadata_bytes(**{"sensor": list(sensors), "training_algorithm": algorithm} | changes)
    return [("model.pb" if is_flat else "agent/model.pb", network), ("model_metadata.json", about)]


def model_archive(**arguments: object) -> bytes:
    """The same as a .tar.gz."""
    return tar_gz(model_files(**arguments))  # type: ignore[arg-type]


CHECKPOINT: list[File] = [
    ("model/.coach_checkpoint", b"12"),
    ("model/deepracer_checkpoints.json", b"{}"),
    ("model/model_metadata.json", b"{}"),
]
"""What comes of the wrong button: the virtual model."""


def write(folder: Path, order: ModelOrder) -> None:
    """Write one; it is there whole or not at all."""
    files = model_files(pb_bytes=order.pb_bytes, seed=order.seed, sensors=order.sensors, algorithm=order.algorithm)
    if order.is_checkpoint:
        files = [*CHECKPOINT, ("model/12_Step-7.ckpt.data", files[0][1])]
    partial = folder / f"{order.file_name}.part"
    partial.write_bytes(tar_gz(files))
    partial.rename(folder / order.file_name)


def main(arguments: list[str]) -> None:
    """`FOLDER ORDERS`: where they go, and a JSON list of ModelOrder; a line with its name for each that is there."""
    os.nice(10)
    for order in msgspec.json.decode(arguments[1], type=list[ModelOrder]):
        write(Path(arguments[0]), order)
        sys.stdout.write(f"{order.file_name}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
