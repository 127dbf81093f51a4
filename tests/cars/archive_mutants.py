"""
Archives that are wrong in a way of their own: the mutants of tests/cars/fuzz_archives.py.

Each follows from a seed and its number. Some are tars with their blocks changed, mostly with sums that are right
again; some are whole archives around a network or metadata that is wrong inside.
"""

import gzip
import json
import random
import tarfile
from collections.abc import Callable

from tests.cars import model_samples

BLOCK = 512
TYPES = b"01234567gxLKSMVDNX\x00A"
INTERESTING = (0, 1, 2, 3, 4, 8, 10, 0x0A, 0x7F, 0x80, 0xFF, 0x20, 0x30, 0x39, 0x5C, 0x2F, 0x2E, 0x7B, 0x5B)
SIZES = (b"00000000000\0", b"77777777777\0", b"00000001000\0", b"\x80" + b"\0" * 10 + b"\x07", b"\xff" * 12, b" " * 12)
NAMES = (
    b"../x",
    b"/x",
    b"model.pb",
    b"agent/model.pb",
    b"model_metadata.json",
    b"agent/",
    b"a\\..\\..\\b",
    b"\xff\xfe",
    b"",
)
NOTES = (
    b"12 path=../x\n",
    b"11 size=10\n",
    b"0 a=b\n",
    b"30 GNU.sparse.name=model.pb\n",
    b"9 path=\n",
    b"99 a=b\n",
    b"x" * 40,
)


def seeds() -> list[bytes]:
    """Archives to begin with, as plain tars: small, so that a mutation hits something."""
    files = model_samples.model_files(pb_bytes=1_100)
    lidar = model_samples.model_files(pb_bytes=1_100, sensors=("STEREO_CAMERAS", "LIDAR"))
    smooth = model_samples.model_files(
        pb_bytes=1_100, algorithm="sac", action_space=model_samples.CONTINUOUS, action_space_type="continuous"
    )
    long = [("Größe " + "x" * 120 + "/" + path, data) for path, data in files]
    more = [*files, ("agent/model.xml", b"<net/>"), ("._agent", b"x"), ("model/5.ckpt.index", b"")]
    many = [files, lidar, smooth, long, more, files[:1], files[::-1]]
    forms = (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)
    return [model_samples.tar(one, form=form) for one in many for form in forms]


def mutant(seed: int, number: int, pool: list[bytes]) -> bytes:
    """The mutant of this number, the same each time."""
    dice = random.Random(f"{seed}:{number}")
    if dice.random() < 0.4:
        return _built(dice)
    data = bytearray(dice.choice(pool))
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        dice.choice(MUTATIONS)(data, dice, pool)
    if dice.random() < 0.8:
        _mend_sums(data)
    if dice.random() < 0.7:
        return bytes(data)
    packed = bytearray(gzip.compress(bytes(data), compresslevel=1, mtime=0))
    if dice.random() < 0.6:
        dice.choice((_flip, _cut, _double, _drop))(packed, dice, pool)
    return bytes(packed)


_WHOLE = [
    model_samples.model_files(pb_bytes=1_100),
    model_samples.model_files(pb_bytes=1_100, sensors=("STEREO_CAMERAS", "LIDAR"), is_flat=True),
    model_samples.model_files(pb_bytes=1_100, algorithm="sac"),
]
_PROTOBUF = (
    model_samples.node("v", "VariableV2"),
    model_samples.node("", "Placeholder"),
    model_samples.node("n", "Relu", ["n", "^n", ":0", ""]),
    model_samples.node("x" * 5_000, "Const"),
    model_samples.field(1, b"\xff\xff\xff"),
    model_samples.field(1, 5),
    model_samples.field(2, b"library"),
    model_samples.field(9, b"unknown"),
    model_samples.varint(1 << 69),
    b"\xff" * 12,
    b"\x08\x01",
    b"\x0b",
    b"\x0d\x00\x00\x00\x00",
    b"\x09" + bytes(8),
    b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"<html>",
    b"node {",
    b"\x00",
)
_VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1.5, 30, 1e308, -1e-308, 10**40, float("nan"), float("-inf")),
    *("", "LIDAR", "observation", "STEREO_CAMERAS", "sac", "clipped_ppo", "continuous", "discrete", "LLM", "ü\u202e"),
    *("\ud800", "x" * 300, [], {}, [[]], ["LIDAR"], ["LIDAR", "LIDAR"], ["FRONT_FACING_CAMERA"], [1]),
    {"low": 1, "high": 0},
    model_samples.CONTINUOUS,
)
_KEYS = ("steering_angle", "speed", "low", "high", "sensor", "")
_PATHS = (
    "model/1.ckpt.index",
    "saved_model.pb",
    "a.tar.gz",
    "sim-simtrace/1.csv",
    "x/model_metadata.json",
    "agent/b.pb",
)


Mutation = Callable[[bytearray, random.Random, list[bytes]], None]


def _built(dice: random.Random) -> bytes:
    """A whole archive around a network or metadata that is wrong inside: what is behind the tar is reached."""
    (network_path, network), (about_path, about) = dice.choice(_WHOLE)
    if dice.random() < 0.6:
        network = _odd_network(network, dice)
    else:
        about = _odd_metadata(dice)
    files = [(network_path, network), (about_path, about)]
    files += [(dice.choice(_PATHS), b"x")] if dice.random() < 0.1 else []
    files = files[1:] if dice.random() < 0.05 else files
    return model_samples.tar(files)


def _odd_network(network: bytes, dice: random.Random) -> bytes:
    odd = bytearray(network)
    for _ in range(dice.choice((1, 1, 2, 5))):
        at = dice.randrange(len(odd)) if odd else 0
        which = dice.randrange(5)
        if which == 0 and odd:
            odd[at] = dice.choice((dice.randrange(256), *INTERESTING))
        elif which == 1:
            odd[at:at] = dice.choice(_PROTOBUF)
        elif which == 2:
            odd += dice.choice(_PROTOBUF)
        elif which == 3:
            odd[0:0] = dice.choice(_PROTOBUF)
        else:
            del odd[at : at + dice.choice((1, 2, 9, 400))]
    return bytes(odd)


def _odd_metadata(dice: random.Random) -> bytes:
    fields = model_samples.metadata()
    for _ in range(dice.choice((1, 1, 2))):
        fields[dice.choice(list(fields))] = _odd_value(dice, 0)
    if dice.random() < 0.1:
        return json.dumps(_odd_value(dice, 0)).encode()
    return json.dumps(fields, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")


def _odd_value(dice: random.Random, depth: int) -> object:
    which = dice.randrange(10 if depth < 20 else 7)
    if which < 7:
        return dice.choice(_VALUES)
    if which == 7:
        return [_odd_value(dice, depth + 1) for _ in range(dice.choice((0, 1, 1, 3)))]
    if which == 8:
        return {dice.choice(_KEYS): _odd_value(dice, depth + 1) for _ in range(dice.choice((0, 1, 2)))}
    return [{"steering_angle": dice.choice(_VALUES), "speed": dice.choice(_VALUES)} for _ in range(3)]


def _flip(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    for _ in range(dice.choice((1, 1, 4, 16))):
        if data:
            data[dice.randrange(len(data))] = dice.choice((dice.randrange(256), *INTERESTING))


def _flip_content(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    """In the first bytes of a member, where a graph has its tags and JSON its brackets."""
    block = dice.randrange(max(len(data) // BLOCK, 1)) * BLOCK
    for _ in range(dice.choice((1, 2, 6))):
        at = block + dice.randrange(BLOCK)
        if at < len(data):
            data[at] = dice.choice((dice.randrange(256), *INTERESTING))


def _cut(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    del data[dice.randrange(len(data) + 1) :]


def _drop(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    at = dice.randrange(len(data) + 1)
    del data[at : at + dice.choice((1, 7, BLOCK, 3 * BLOCK))]


def _double(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    at = dice.randrange(len(data) // BLOCK + 1) * BLOCK
    piece = data[at : at + dice.choice((1, 3)) * BLOCK]
    to = dice.randrange(len(data) // BLOCK + 1) * BLOCK
    data[to:to] = piece


def _splice(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    other = dice.choice(pool)
    at = dice.randrange(len(data) // BLOCK + 1) * BLOCK
    data[at:] = other[dice.randrange(len(other) // BLOCK) * BLOCK :]


def _headers(data: bytearray) -> list[int]:
    return [at for at in range(0, len(data) - BLOCK + 1, BLOCK) if data[at + 257 : at + 262] == b"ustar"]


def _header_field(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    headers = _headers(data)
    if not headers:
        return
    at = dice.choice(headers)
    which = dice.randrange(4)
    if which == 0:
        data[at + 156] = dice.choice(TYPES)
    elif which == 1:
        data[at + 124 : at + 136] = dice.choice((*SIZES, b"%011o\0" % dice.randrange(5_000)))
    elif which == 2:
        data[at : at + 100] = dice.choice(NAMES).ljust(100, b"\0")
    else:
        data[at + 257 : at + 265] = dice.choice((b"ustar\x0000", b"ustar  \0", bytes(8)))


def _insert_note(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    headers = _headers(data)
    if not headers:
        return
    at = dice.choice(headers)
    note = b"".join(dice.choice(NOTES) for _ in range(dice.choice((1, 1, 2, 40))))
    header = bytearray(data[at : at + BLOCK])
    header[156] = dice.choice(b"xgLKX")
    header[124:136] = b"%011o\0" % (len(note) + dice.choice((0, 0, 0, -1, 1, 600)))
    data[at:at] = header + note.ljust(-(-len(note) // BLOCK) * BLOCK, b"\0")


def _swap_text(data: bytearray, dice: random.Random, pool: list[bytes]) -> None:
    """Something of the metadata for something else, of the same length or not."""
    old, new = dice.choice(
        (
            (b"-30", b"NaN"),
            (b"0.8", b"1e999"),
            (b"0.8", b"9" * 40),
            (b"[", b"[[[[[[[[[[[[[[[[["),
            (b'"sensor"', b'"sensox"'),
            (b'"LIDAR"', b'"lidar"'),
            (b"{", b"\xef\xbb\xbf{"),
            (b"discrete", b"continuous"),
            (b"30", b"true"),
            (b"Placeholder", b"VariableV2"),
            (b"Softmax", b"NoOp"),
            (b"main_level", b"main_lev\xffl"),
        )
    )
    at = data.find(old)
    if at >= 0:
        data[at : at + len(old)] = new
        if dice.random() < 0.7:  # Kept in line, so that what follows is still read.
            rest = at + len(new)
            del data[rest : rest + max(len(new) - len(old), 0)]
            data[rest:rest] = b" " * max(len(old) - len(new), 0)


MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _flip_content,
    _flip_content,
    _cut,
    _drop,
    _double,
    _splice,
    _header_field,
    _header_field,
    _insert_note,
    _swap_text,
    _swap_text,
)


def _mend_sums(data: bytearray) -> None:
    """Most mutants are to get past the sum of their headers."""
    for at in _headers(data):
        data[at + 148 : at + 156] = b" " * 8
        data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + BLOCK])
