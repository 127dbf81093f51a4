"""
A frozen TensorFlow graph, read from its bytes without TensorFlow. Pure.

Walks the protobuf wire format of a GraphDef (tensorflow/core/framework/graph.proto, node_def.proto) and keeps names,
operations and connections; the weights are stepped over. Tells a graph from everything else that is called model.pb.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cars.inspection import DOWNLOAD_AGAIN, Unfit, shown
from cars.model_words import NOT_A_CAR_MODEL, inputs_in_words

MAX_FIELDS = 200_000
"""The network of a training has about 300 nodes with 10 fields each; reading these takes a second on a Pi."""
MAX_NODES = 20_000
MAX_NAME_BYTES = 4_096

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp", "RestoreV2", "TemporaryVariable"})
_INPUT = "Placeholder"
_NO_OUTPUT = frozenset({_INPUT, "Const", "NoOp", "PlaceholderWithDefault"})

HEADS = {"clipped_ppo": "main", "sac": "policy"}
"""Where a training puts the network, by its algorithm (model_optimizer_pkg of the cars)."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation."""

    name: str
    operation: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of a frozen graph that has an input and an output."""

    nodes: tuple[Node, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what has to be fed."""
        return tuple(node.name for node in self.nodes if node.operation == _INPUT)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what is computed and used by no other node."""
        used = {name.lstrip("^").split(":", 1)[0] for node in self.nodes for name in node.inputs}
        return tuple(n.name for n in self.nodes if n.operation not in _NO_OUTPUT and n.name not in used)


class _Field(NamedTuple):
    number: int
    kind: int
    start: int
    end: int


class _CutOffError(Exception):
    """A field goes on after the last byte."""


class _NotProtobufError(Exception):
    """These bytes are something else."""


def read_graph(data: memoryview) -> Graph:
    """
    Read model.pb.

    Raises:
        Unfit: No car could drive it, with the reason.
    """
    _refuse_other_files(bytes(data[:512]))
    try:
        graph = Graph(nodes=tuple(_Walk(data).nodes()))
    except _CutOffError as error:
        raise Unfit("model.pb is cut off: its end is missing.", DOWNLOAD_AGAIN) from error
    except _NotProtobufError as error:
        raise Unfit("model.pb is no TensorFlow graph.", DOWNLOAD_AGAIN) from error
    _check_frozen(graph)
    return graph


def check_inputs(graph: Graph, sensors: Sequence[str], algorithm: str) -> None:
    """
    Whether the network has the inputs that a car will feed, by the very names that it uses.

    Raises:
        Unfit: model_metadata.json speaks of another training.
    """
    for sensor in sensors:
        head = HEADS[algorithm]
        if f"main_level/agent/{head}/online/network_0/{sensor}/{sensor}" not in graph.inputs:
            raise Unfit(
                f"model_metadata.json says {sensor} and {algorithm}, but the network in model.pb has no such input:"
                f" {inputs_in_words(graph.inputs)}.",
                "Both files must come from one training: download the physical car model again, and upload that file.",
            )


def _refuse_other_files(head: bytes) -> None:
    if not head:
        raise Unfit("model.pb is empty.", DOWNLOAD_AGAIN)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise Unfit("model.pb is a web page: some download gave an error page instead of the file.", DOWNLOAD_AGAIN)
    if start.startswith(b"version https://git-lfs"):
        raise Unfit("model.pb is only a pointer to a file in Git LFS.", "Fetch the real file with `git lfs pull`.")
    if start.startswith((b"node {", b"node{")):
        raise Unfit("model.pb is a graph written as text; cars read the binary form.", DOWNLOAD_AGAIN)
    if not any(head):
        raise Unfit("model.pb holds only zeros: its content got lost on the way.", DOWNLOAD_AGAIN)
    if head[0] == 0x08:  # Field 1 as a number: saved_model.proto, or ONNX.
        raise Unfit("model.pb is a SavedModel or ONNX file, not a frozen graph.", NOT_A_CAR_MODEL)


def _check_frozen(graph: Graph) -> None:
    variable = next((node for node in graph.nodes if node.operation in _VARIABLES), None)
    if variable is not None:
        raise Unfit(
            f"model.pb is not frozen: its weights are not in it, but in a checkpoint ({shown(variable.name)}).",
            NOT_A_CAR_MODEL,
        )
    if not graph.inputs:
        raise Unfit("The network in model.pb has no input, so no camera can reach it.", DOWNLOAD_AGAIN)
    if not graph.outputs:
        raise Unfit("The network in model.pb has no output, so it cannot steer.", DOWNLOAD_AGAIN)


class _Walk:
    """Goes through the fields of messages inside one buffer, and counts them."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._fields = 0

    def nodes(self) -> Iterator[Node]:
        """Field 1 of a GraphDef, repeated; its other fields are a library, versions and a number."""
        count = 0
        for field in self._message(0, len(self._data)):
            if field.number not in (1, 2, 3, 4, 5):
                raise _NotProtobufError
            if field.number == 1:
                count += 1
                if field.kind != _BYTES or count > MAX_NODES:
                    raise _NotProtobufError
                yield self._node(field)

    def _node(self, message: _Field) -> Node:
        name = operation = ""
        inputs: list[str] = []
        for field in self._message(message.start, message.end):
            if field.number in (1, 2, 3) and field.kind != _BYTES:
                raise _NotProtobufError
            if field.number == 1:
                name = self._text(field)
            elif field.number == 2:
                operation = self._text(field)
            elif field.number == 3:
                inputs.append(self._text(field))
        if not name or not operation:
            raise _NotProtobufError
        return Node(name=name, operation=operation, inputs=tuple(inputs))

    def _message(self, start: int, end: int) -> Iterator[_Field]:
        at = start
        while at < end:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise _NotProtobufError
            tag, at = self._varint(at, end)
            field = self._field(tag, at, end)
            yield field
            at = field.end

    def _field(self, tag: int, at: int, end: int) -> _Field:
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise _NotProtobufError
        if kind == _VARINT:
            stop = self._varint(at, end)[1]
        elif kind == _BYTES:
            size, at = self._varint(at, end)
            stop = at + size
        elif kind in (_FIXED32, _FIXED64):
            stop = at + (4 if kind == _FIXED32 else 8)
        else:
            raise _NotProtobufError
        if stop > end:
            # Past the end of the file something is missing; past the end of a message it was no message.
            raise _CutOffError if end == len(self._data) else _NotProtobufError
        return _Field(number, kind, at, stop)

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if at >= end:
                raise _CutOffError if end == len(self._data) else _NotProtobufError
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        raise _NotProtobufError

    def _text(self, field: _Field) -> str:
        if field.end - field.start > MAX_NAME_BYTES:
            raise _NotProtobufError
        try:
            return str(self._data[field.start : field.end], "utf-8")
        except UnicodeDecodeError as error:
            raise _NotProtobufError from error
