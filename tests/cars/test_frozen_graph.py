"""model.pb: a frozen graph is told from everything else of that name, byte by byte."""

import random
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cars.frozen_graph import Node, check_inputs, read_graph
from cars.inspection import Unfit
from tests.cars.model_samples import field, graph, node, varint, weights

NAME = "main_level/agent/main/online/network_0/FRONT_FACING_CAMERA/FRONT_FACING_CAMERA"
NO_GRAPH = "model.pb is no TensorFlow graph."
CUT_OFF = "model.pb is cut off: its end is missing."


def told(data: bytes) -> str:
    """Why it is refused."""
    with pytest.raises(Unfit) as refused:
        read_graph(memoryview(data))
    return refused.value.message


def test_names_operations_and_connections_are_read() -> None:
    data = node("in", "Placeholder") + node("w", "Const", attributes=weights(b"1234")) + node("out", "Add", ["in", "w"])
    assert read_graph(memoryview(data)).nodes == (
        Node(name="in", operation="Placeholder", inputs=()),
        Node(name="w", operation="Const", inputs=()),
        Node(name="out", operation="Add", inputs=("in", "w")),
    )


def test_the_inputs_and_outputs_of_a_training_are_found() -> None:
    network = read_graph(memoryview(graph(sensors=("STEREO_CAMERAS", "LIDAR"))))
    assert [name.rsplit("/", 1)[-1] for name in network.inputs] == ["STEREO_CAMERAS", "LIDAR"]
    assert network.outputs == ("main_level/agent/main/online/network_1/ppo_head_0/policy",)


def test_an_output_that_is_used_by_its_port_or_as_a_condition_is_none() -> None:
    data = node("in", "Placeholder") + node("split", "Split", ["in"]) + node("first", "Relu", ["in"])
    data += node("out", "Softmax", ["split:1", "^first"])
    assert read_graph(memoryview(data)).outputs == ("out",)


def test_the_versions_and_the_library_of_a_graph_are_stepped_over() -> None:
    assert read_graph(memoryview(graph() + field(2, b"") + field(3, 24)))


def test_the_input_goes_by_its_full_name() -> None:
    network = read_graph(memoryview(node(f"import/{NAME}", "Placeholder") + node("out", "Softmax", [f"import/{NAME}"])))
    with pytest.raises(Unfit):
        check_inputs(network, ["FRONT_FACING_CAMERA"], "clipped_ppo")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "model.pb is empty."),
        (bytes(5_000), "model.pb holds only zeros: its content got lost on the way."),
        (b"\n <!DOCTYPE html>", "model.pb is a web page: some download gave an error page instead of the file."),
        (b"version https://git-lfs.github.com/spec/v1\n", "model.pb is only a pointer to a file in Git LFS."),
        (b'node {\n  name: "x"\n}', "model.pb is a graph written as text; cars read the binary form."),
        (b"\x08\x01" + field(2, b"meta graph"), "model.pb is a SavedModel or ONNX file, not a frozen graph."),
        (random.Random(1).randbytes(60_000), NO_GRAPH),
        (graph() + field(9, b"x"), NO_GRAPH),
        (graph() + b"\x0b\x0c", NO_GRAPH),
        (graph() + varint(1 << 70), NO_GRAPH),
        (node("", "Placeholder"), NO_GRAPH),
        (node("x", ""), NO_GRAPH),
        (node("x" * 4_097, "Placeholder"), NO_GRAPH),
        (field(1, field(1, b"\xff\xfe") + field(2, "Const")), NO_GRAPH),
        (field(1, field(1, 5)), NO_GRAPH),
        (graph() + field(1, 5), NO_GRAPH),
        (
            graph() + node("main/weights", "VariableV2"),
            "model.pb is not frozen: its weights are not in it, but in a checkpoint (main/weights).",
        ),
        (
            node("w", "Const") + node("out", "Softmax", ["w"]),
            "The network in model.pb has no input, so no camera can reach it.",
        ),
        (node(NAME, "Placeholder") + node("w", "Const"), "The network in model.pb has no output, so it cannot steer."),
    ],
    ids=count(),
)
def test_what_is_no_frozen_graph_is_told(data: bytes, reason: str) -> None:
    assert told(data) == reason


@pytest.mark.parametrize(
    "data", [b"\x18\x01" * 200_001, field(1, b"\x18\x01" * 200_001), node("a", "B") * 20_001], ids=count()
)
def test_more_than_any_network_has_is_given_up(data: bytes) -> None:
    assert told(data) == NO_GRAPH


@given(st.data())
def test_a_graph_cut_anywhere_is_refused_or_ends_between_two_nodes(data: st.DataObject) -> None:
    whole = graph(weights_bytes=400)
    kept = data.draw(st.integers(min_value=1, max_value=len(whole) - 1))
    try:
        network = read_graph(memoryview(whole[:kept]))
    except Unfit as refused:
        assert refused.message == CUT_OFF or refused.message.startswith("The network in model.pb has no")  # noqa: PT017
    else:
        assert network.nodes == read_graph(memoryview(whole)).nodes[: len(network.nodes)]


def test_a_graph_cut_in_its_weights_is_cut_off() -> None:
    whole = graph(weights_bytes=40_000)
    assert [told(whole[:kept]) for kept in (1_000, 20_000, len(whole) - 1)] == [CUT_OFF] * 3


@given(st.binary(max_size=300))
def test_any_bytes_are_a_graph_or_refused(data: bytes) -> None:
    try:
        read_graph(memoryview(data))
    except Unfit as refused:
        assert refused.message.startswith(("model.pb ", "The network in model.pb "))  # noqa: PT017


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
            st.sampled_from(["Placeholder", "Softmax", "Const", "Relu"]),
            st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=3),
        ),
        max_size=8,
    )
)
def test_what_was_written_is_read(nodes: list[tuple[str, str, list[str]]]) -> None:
    data = node("in", "Placeholder") + node("very last", "Softmax") + b"".join(node(*one) for one in nodes)
    try:
        read = read_graph(memoryview(data)).nodes
    except Unfit as refused:
        assert "output" in refused.message  # noqa: PT017
    else:
        assert [(one.name, one.operation, list(one.inputs)) for one in read[2:]] == nodes
