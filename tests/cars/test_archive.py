"""Which two files of an archive are the model, and what is said of an archive that has none."""

import io

import pytest

from cars.archive import unpack
from cars.inspection import DOWNLOAD_AGAIN, Fit, NotFit
from cars.model_cautions import PREMADE
from cars.model_words import NOT_A_CAR_MODEL
from tests.cars.in_process import MemoryNetwork, look, reason, warnings
from tests.cars.model_samples import File, graph, metadata_bytes, model_archive, model_files, tar_gz
from tests.cars.tar_blocks import gzipped, header

NETWORK, ABOUT = model_files()
CHECKPOINT = [
    ("model/12.ckpt.data-00000-of-00001", b"weights"),
    ("model/12.ckpt.index", b"x"),
    ("model/.coach_checkpoint", b"12"),
    ("model/model_metadata.json", ABOUT[1]),
    ("ip/hyperparameters.json", b"{}"),
]


@pytest.mark.parametrize(
    "files",
    [
        [NETWORK, ABOUT],
        [ABOUT, NETWORK],
        [("./agent/model.pb", NETWORK[1]), ("./model_metadata.json", ABOUT[1])],
        [("model.pb", NETWORK[1]), ABOUT],
        [("agent/model.pb", NETWORK[1]), ("agent/model_metadata.json", ABOUT[1])],
        [("my model/agent/model.pb", NETWORK[1]), ("my model/model_metadata.json", ABOUT[1])],
        [NETWORK, ("docs/model_metadata.json", ABOUT[1])],
        [NETWORK, ABOUT, ("reward_function.py", b"def"), ("readme.txt", b"hello")],
        [
            ("._agent", b"x"),
            ("agent/._model.pb", b"x"),
            ("__MACOSX/model.pb", b"x"),
            NETWORK,
            ABOUT,
            (".DS_Store", b""),
        ],
        [*CHECKPOINT, NETWORK, ABOUT],
    ],
)
def test_the_two_files_are_found(files: list[File]) -> None:
    network = MemoryNetwork()
    contents = unpack(io.BytesIO(tar_gz(files)), network)
    assert (bytes(network.data), contents.metadata) == (NETWORK[1], ABOUT[1])


def test_the_metadata_above_agent_counts_as_for_a_car() -> None:
    other = metadata_bytes(version="4")
    files = [("agent/model_metadata.json", other), NETWORK, ABOUT]
    assert unpack(io.BytesIO(tar_gz(files)), MemoryNetwork()).metadata == ABOUT[1]


def test_files_for_one_openvino_are_noticed_and_stay_here() -> None:
    files = [NETWORK, ABOUT, ("agent/model.xml", b"<net/>"), ("agent/model.bin", b"x"), ("agent/model.mapping", b"")]
    inspection = look(tar_gz(files))
    assert isinstance(inspection, Fit)
    assert inspection.facts.has_premade
    assert inspection.facts.warnings == (PREMADE,)


def test_without_them_there_are_none() -> None:
    inspection = look(model_archive())
    assert isinstance(inspection, Fit)
    assert not inspection.facts.has_premade
    assert warnings(model_archive()) == ()


@pytest.mark.parametrize(
    "files",
    [
        CHECKPOINT,
        [*CHECKPOINT, ("model/model_1.pb", b"x"), ("model/model_2.pb", b"y")],
        [("agent/model_12.pb", NETWORK[1]), ABOUT],
        [("deepracer_checkpoints.json", b"{}")],
        [("checkpoint", b"")],
    ],
)
def test_the_training_checkpoint_is_told(files: list[File]) -> None:
    assert look(tar_gz(files)) == NotFit(
        reason="This is the training checkpoint (the virtual model), not the one for a car.", remedy=NOT_A_CAR_MODEL
    )


@pytest.mark.parametrize(
    "files", [[("m/saved_model.pb", b"\x08\x01"), ("m/variables/variables.index", b"")], [("saved_model.pb", b"")]]
)
def test_a_saved_model_is_told(files: list[File]) -> None:
    assert look(tar_gz(files)) == NotFit(
        reason="This is a TensorFlow SavedModel, not a model for a car.", remedy=NOT_A_CAR_MODEL
    )


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "This archive is empty."),
        ([("._x", b"")], "This archive is empty."),
        ([("readme.txt", b"")], "This archive holds no agent/model.pb, which is the network that drives."),
        ([ABOUT], "This archive holds no agent/model.pb, which is the network that drives."),
        (
            [("physicalmodel-größe.tar.gz", model_archive())],
            "This archive holds no model, but another archive: physicalmodel-größe.tar.gz.",
        ),
        (
            [("sim-trace/training-simtrace/0-iteration.csv", b"")],
            "These are the logs of a training or evaluation, not a model.",
        ),
        (
            [("agent/racer.pb", NETWORK[1]), ABOUT],
            "The network in this archive is called agent/racer.pb, not model.pb.",
        ),
        (
            [NETWORK, ABOUT, ("model.pb", NETWORK[1])],
            "This archive holds more than one network, agent/model.pb and model.pb; a car takes one.",
        ),
        (
            [("agent/frozen.pb", b"x"), NETWORK, ABOUT],
            "This archive holds more than one network, agent/frozen.pb and agent/model.pb; a car takes one.",
        ),
        ([NETWORK, ABOUT, NETWORK], "This archive holds agent/model.pb twice."),
        ([NETWORK, ABOUT, ABOUT], "This archive holds model_metadata.json twice."),
        (
            [NETWORK],
            "This archive holds no model_metadata.json, so no car could know how to steer by the network.",
        ),
        (
            [NETWORK, ("a/model_metadata.json", ABOUT[1]), ("b/model_metadata.json", ABOUT[1])],
            "This archive holds several files called model_metadata.json, none beside the network.",
        ),
        (
            [(f"{number}/model_metadata.json", b"{}") for number in range(21)],
            "This archive holds many files called model_metadata.json.",
        ),
        ([NETWORK, ("model_metadata.json", bytes(256 * 1024 + 1))], "model_metadata.json is larger than 256 kB."),
    ],
)
def test_what_is_missing_or_too_much_is_told(files: list[File], told: str) -> None:
    assert reason(tar_gz(files)) == told


def test_a_network_larger_than_any_is_refused_before_it_is_read() -> None:
    assert look(gzipped(header(b"agent/model.pb", (256 << 20) + 1))) == NotFit(
        reason="model.pb is larger than 256 MB; one is about 23 MB.", remedy=DOWNLOAD_AGAIN
    )


@pytest.mark.parametrize(
    "sensors", [("FRONT_FACING_CAMERA",), ("STEREO_CAMERAS", "LIDAR"), ("observation",), ("LEFT_CAMERA",)]
)
@pytest.mark.parametrize("algorithm", ["clipped_ppo", "sac"])
def test_models_of_every_kind_of_car_are_fit(sensors: tuple[str, ...], algorithm: str) -> None:
    inspection = look(model_archive(sensors=sensors, algorithm=algorithm))
    assert isinstance(inspection, Fit)
    assert (inspection.facts.sensors, inspection.facts.algorithm) == (sensors, algorithm)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"sensor": ["FRONT_FACING_CAMERA", "LIDAR"]},
            "model_metadata.json says LIDAR and clipped_ppo, but the network in model.pb has no such input:"
            " it has FRONT_FACING_CAMERA.",
        ),
        (
            {"training_algorithm": "sac"},
            "model_metadata.json says FRONT_FACING_CAMERA and sac, but the network in model.pb has no such input:"
            " it has FRONT_FACING_CAMERA.",
        ),
    ],
)
def test_a_network_and_metadata_of_two_trainings_are_told(changes: dict[str, object], told: str) -> None:
    archive = tar_gz([("agent/model.pb", graph()), ("model_metadata.json", metadata_bytes(**changes))])
    assert look(archive) == NotFit(
        reason=told,
        remedy="Both files must come from one training: download the physical car model again, and upload that file.",
    )
