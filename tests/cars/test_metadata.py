"""model_metadata.json: what cars take, what they stop at, and what a racer should know."""

import codecs
import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cars.inspection import DOWNLOAD_AGAIN, Unfit
from cars.metadata import read_metadata
from cars.model_cautions import MARKED
from cars.model_structs import ActionSpace
from tests.cars.in_process import look, warnings
from tests.cars.model_samples import CONTINUOUS, metadata, metadata_bytes, model_files, tar_gz

PLAIN = json.dumps(metadata(), ensure_ascii=False)
NO_NUMBER = "model_metadata.json holds a number that no car could use."


def told(data: bytes) -> str:
    """Why it is refused."""
    with pytest.raises(Unfit) as refused:
        read_metadata(data)
    assert refused.value.remedy.endswith(".")
    return refused.value.message


def warned(**changes: object) -> list[str]:
    """What a racer is told."""
    return list(read_metadata(metadata_bytes(**changes)).warnings)


def test_a_discrete_space_has_a_number_of_actions() -> None:
    read = read_metadata(metadata_bytes())
    assert (read.sensors, read.algorithm) == (("FRONT_FACING_CAMERA",), "clipped_ppo")
    assert (read.action_space, read.actions) == (ActionSpace.DISCRETE, 5)
    assert read.warnings == ()


def test_a_continuous_space_has_none() -> None:
    read = read_metadata(metadata_bytes(action_space=CONTINUOUS, action_space_type="continuous"))
    assert (read.action_space, read.actions, read.warnings) == (ActionSpace.CONTINUOUS, None, ())


def test_what_is_missing_is_what_a_car_takes_then() -> None:
    """The defaults of the cars: model_metadata.json of 2019 had actions and nothing else."""
    read = read_metadata(json.dumps({"action_space": metadata()["action_space"]}).encode())
    assert (read.sensors, read.algorithm, read.action_space) == (("observation",), "clipped_ppo", "discrete")
    assert read.warnings == ("Its model_metadata.json names no sensor; cars take one camera then, as in 2019.",)


def test_it_goes_to_the_car_as_it_came() -> None:
    data = metadata_bytes() + b"\r\n "
    assert read_metadata(data).text is data


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + PLAIN.encode(),
        codecs.BOM_UTF16_LE + PLAIN.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
    ],
    ids=count(),
)
def test_a_byte_order_mark_is_taken_away(data: bytes) -> None:
    """The cars read it with open() and json.load(), which stops at the mark."""
    assert read_metadata(data).text == PLAIN.encode()
    network, _ = model_files()
    assert warnings(tar_gz([network, ("model_metadata.json", data)])) == (MARKED,)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "model_metadata.json is empty."),
        (b" \n", "model_metadata.json is empty."),
        ("ü".encode("latin-1"), "model_metadata.json is no text in UTF-8."),
        (b"\xff\xfe\x00", "model_metadata.json is no text in UTF-8."),
        (b"<html></html>", "model_metadata.json is a web page: some download gave an error page instead."),
        (b"{'sensor': 1}", "model_metadata.json is no valid JSON."),
        (PLAIN.encode()[:-1], "model_metadata.json is no valid JSON."),
        (b"[]", "model_metadata.json holds no fields with names."),
        (b"null", "model_metadata.json holds no fields with names."),
        (b"[" * 100_000, "model_metadata.json is nested deeper than any that a training writes."),
        (b'{"a":' * 50_000, "model_metadata.json is nested deeper than any that a training writes."),
        (b'{"version": ' + b"9" * 200_000 + b"}", NO_NUMBER),
        (b'{"version": ' + b"9" * 31 + b"}", NO_NUMBER),
        (b'{"version": 1e999}', NO_NUMBER),
        (b'{"version": -1e999}', NO_NUMBER),
        (b'{"version": NaN}', "model_metadata.json holds NaN where a number belongs."),
        (b'{"version": -Infinity}', "model_metadata.json holds -Infinity where a number belongs."),
    ],
    ids=count(),
)
def test_what_no_car_could_read_is_told(data: bytes, reason: str) -> None:
    assert told(data) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sensor": []}, "model_metadata.json names no sensor that the model looks through."),
        ({"sensor": "LIDAR"}, "model_metadata.json has no list of sensors."),
        ({"sensor": ["front camera"]}, "model_metadata.json names the sensor front camera, which no car knows."),
        ({"sensor": ["lidar"]}, "model_metadata.json names the sensor lidar, which no car knows."),
        ({"sensor": [1]}, "model_metadata.json names the sensor 1, which no car knows."),
        ({"sensor": [[]]}, "model_metadata.json names the sensor [], which no car knows."),
        ({"sensor": ["LIDAR", "LIDAR"]}, "model_metadata.json names one sensor twice."),
        (
            {"training_algorithm": "PPO"},
            "model_metadata.json has PPO as training_algorithm, which no car knows: it has to be clipped_ppo or sac.",
        ),
        (
            {"action_space_type": 3},
            "model_metadata.json has 3 as action_space_type, which no car knows: it has to be continuous or discrete.",
        ),
        ({"neural_network": "LLM"}, "This model drives with a language model, which no car can run."),
        ({"action_space": []}, "model_metadata.json lists no actions, so the car would not know how to steer."),
        ({"action_space": CONTINUOUS}, "model_metadata.json lists no actions, so the car would not know how to steer."),
        (
            {"action_space_type": "continuous"},
            "model_metadata.json has no range of steering angle and speed, so the car would not know how to steer.",
        ),
        (
            {"action_space_type": "continuous", "action_space": {**CONTINUOUS, "speed": {"low": 2, "high": 1}}},
            "model_metadata.json has no range from low to high for speed.",
        ),
        (
            {"action_space_type": "continuous", "action_space": {"speed": CONTINUOUS["speed"]}},
            "model_metadata.json has no range from low to high for steering_angle.",
        ),
        (
            {"action_space": [{"steering_angle": 1, "speed": 1}, {"steering_angle": True, "speed": 1}]},
            "Action 2 in model_metadata.json has no steering angle or no speed as a number.",
        ),
        (
            {"action_space": [{"steering_angle": "1", "speed": 1}]},
            "Action 1 in model_metadata.json has no steering angle or no speed as a number.",
        ),
        ({"action_space": [0]}, "Action 1 in model_metadata.json has no steering angle or no speed as a number."),
        ({"action_space": [{}] * 1_001}, "model_metadata.json lists more than 1,000 actions."),
    ],
)
def test_what_no_car_could_drive_by_is_told(changes: dict[str, object], reason: str) -> None:
    assert told(metadata_bytes(**changes)) == reason


@pytest.mark.parametrize("field", ["sensor", "training_algorithm", "action_space_type", "action_space"])
def test_a_field_that_is_null_is_refused(field: str) -> None:
    fields: dict[str, Any] = {**metadata(), field: None}
    assert told(json.dumps(fields).encode()).startswith("model_metadata.json ")


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"sensor": ["FRONT_FACING_CAMERA", "LIDAR"]}, "It needs a LiDAR: a car without one cannot drive it."),
        ({"sensor": ["FRONT_FACING_CAMERA", "SECTOR_LIDAR"]}, "It needs a LiDAR: a car without one cannot drive it."),
        ({"sensor": ["STEREO_CAMERAS"]}, "It needs two cameras: a car with one cannot drive it."),
        (
            {"action_space": [{"steering_angle": 45, "speed": 1}, {"steering_angle": 0, "speed": 1}]},
            "It steers by more than 30 degrees, further than the wheels of a car turn.",
        ),
        (
            {"action_space": [{"steering_angle": 0, "speed": 5.5}, {"steering_angle": 1, "speed": 1}]},
            "Its fastest action is 5.5 m/s, more than the 4 m/s a training offers.",
        ),
        (
            {"action_space": [{"steering_angle": 0, "speed": 0}, {"steering_angle": 1, "speed": 0}]},
            "All its speeds are zero or less, so the car would stand still.",
        ),
        (
            {"action_space": [{"steering_angle": 0, "speed": -1}, {"steering_angle": 1, "speed": 1}]},
            "It has an action with a speed below zero; cars do not drive backwards.",
        ),
        (
            {"action_space": [{"steering_angle": 0, "speed": 1}] * 3},
            "It has only one action, so it always drives the same way.",
        ),
        (
            {"neural_network": "MY_NET"},
            "Its neural network is called MY_NET, which no training of the console makes.",
        ),
    ],
)
def test_what_a_racer_should_know_is_a_warning(changes: dict[str, object], warning: str) -> None:
    assert warned(**changes) == [warning]


def test_a_model_that_looks_through_no_camera_is_a_warning() -> None:
    assert "It looks through no camera." in warned(sensor=["LIDAR"])


def test_text_of_strangers_is_made_fit_to_be_shown() -> None:
    assert told(metadata_bytes(sensor=["\ud800\n\u202e" + "x" * 500])) == (
        f"model_metadata.json names the sensor {3 * chr(0xFFFD)}{'x' * 76}…, which no car knows."
    )


def test_the_remedy_is_to_download_again_where_nothing_else_helps() -> None:
    with pytest.raises(Unfit) as refused:
        read_metadata(b"")
    assert refused.value.remedy == DOWNLOAD_AGAIN


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {}, optional={key: JSON | st.just(value) for key, value in {**metadata(), "sensor": ["LIDAR"]}.items()}
    )
)
def test_any_values_are_taken_or_refused_in_words(fields: dict[str, object]) -> None:
    try:
        read = read_metadata(json.dumps(fields).encode())
    except Unfit as refused:
        assert refused.message.isprintable()  # noqa: PT017
        assert len(refused.message) < 300  # noqa: PT017
    else:
        assert read.action_space is ActionSpace.CONTINUOUS or read.actions


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    network, _ = model_files()
    assert look(tar_gz([network, ("model_metadata.json", data)])).reason.isprintable()  # type: ignore[union-attr]
