"""
Models as racers upload them, of any size, made without TensorFlow: real GraphDef bytes in a real tar.gz.

Every sample is the same each time for the same arguments, and another one for another `seed`.
"""

import gzip
import io
import json
import random
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

CAMERA = ("FRONT_FACING_CAMERA",)
REAL_PB_BYTES = 23_000_000
"""What the default network of a training comes to."""
HEADS = {"clipped_ppo": "main", "sac": "policy"}

File = tuple[str, bytes]


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
    data = random.Random(seed).randbytes(weights_bytes // 4 * 4)
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


CONTINUOUS = {"steering_angle": {"high": 30, "low": -30}, "speed": {"high": 4, "low": 1}}


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


def write_model(path: Path, **arguments: object) -> Path:
    """The same as a file at `path`; answers `path`."""
    path.write_bytes(model_archive(**arguments))
    return path
