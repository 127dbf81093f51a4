"""Settings and where they come from."""

from pathlib import Path

import msgspec
import pytest

from appliance.errors import InvalidInput
from appliance.settings import Settings, as_environment, default_data_dir, load, load_with_origins


def written(data: Path, text: str) -> Path:
    (data / "trackside.toml").write_text(text)
    return data


def test_without_anything_the_defaults_are_in_force(tmp_path: Path) -> None:
    assert load(tmp_path, {}, {}) == Settings(data_dir=tmp_path)


def test_the_command_line_beats_variables_beat_the_file_beat_defaults(tmp_path: Path) -> None:
    written(tmp_path, 'port = 1001\nhost = "10.0.0.1"\npublic_url = "http://cup.example"\n')
    environment = {"TRACKSIDE_PORT": "1002", "TRACKSIDE_HOST": "10.0.0.2", "PATH": "/bin"}
    settings, origins = load_with_origins(tmp_path, {"port": 1003, "strips": None}, environment)
    assert (settings.port, settings.host, settings.public_url) == (1003, "10.0.0.2", "http://cup.example")
    assert {one.name: one.origin for one in origins} == {
        "data_dir": "command line or default",
        "host": "TRACKSIDE_HOST",
        "port": "command line",
        "public_url": str(tmp_path / "trackside.toml"),
        "timing_socket": "default",
        "api_socket": "default",
        "strips": "default",
        "simulated_lines": "default",
        "simulated_script": "default",
        "gpio_lines": "default",
        "gpio_chip": "default",
        "gpio_backend": "default",
        "gpio_start_button": "default",
        "gpio_shutdown_button": "default",
        "gpio_lamp": "default",
        "gpio_buzzer": "default",
        "drem_kit_url": "default",
        "model_quota_mb": "default",
        "models_dir": "default",
        "fetch_logs": "default",
        "logs_mb": "default",
        "announce": "default",
        "box_name": "default",
        "stand_in_cars": "default",
        "quiet": "default",
    }


def test_lines_are_a_list_in_the_file_and_text_elsewhere(tmp_path: Path) -> None:
    written(tmp_path, "simulated_lines = [5, 6]\n")
    assert load(tmp_path, {}, {}).simulated_lines == (5, 6)
    assert load(tmp_path, {"simulated_lines": "7, 8"}, {}).simulated_lines == (7, 8)


def test_gpio_lines_may_be_plain_numbers_in_the_file(tmp_path: Path) -> None:
    written(tmp_path, 'gpio_lines = [17, "27:active-high=Right strip"]\ngpio_start_button = 22\ngpio_lamp = 23\n')
    settings = load(tmp_path, {}, {})
    assert settings.gpio_lines == ("17", "27:active-high=Right strip")
    assert (settings.gpio_start_button, settings.gpio_lamp) == ("22", 23)


def test_what_is_handed_to_the_children_gives_the_same_settings(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        {
            "port": 99,
            "quiet": True,
            "timing_socket": Path("/run/t.sock"),
            "simulated_lines": "1,2",
            "strips": "gpio",
            "gpio_lines": "5:pull-none:active-low=Left strip,6",
            "gpio_chip": "pinctrl-rp1",
            "gpio_start_button": "7",
            "gpio_shutdown_button": "8",
            "gpio_lamp": 9,
            "gpio_buzzer": 10,
            "drem_kit_url": "ws://kit:8080",
        },
        {},
    )
    assert load(tmp_path, {}, as_environment(settings)) == settings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"strips": "gpio", "gpio_lines": "17,27,17"},
            "GPIO 17 is set twice: for gpio_lines (strip 1) and for gpio_lines",
        ),
        ({"strips": "gpio", "gpio_lamp": 27}, "GPIO 27 is set twice: for gpio_lamp and for gpio_lines (strip 2)."),
        (
            {"strips": "gpio", "gpio_lines": "17=Left", "gpio_start_button": "17"},
            "GPIO 17 is set twice: for gpio_lines (Left) and for gpio_start_button.",
        ),
        ({"gpio_lamp": 5, "gpio_buzzer": 5}, "GPIO 5 is set twice: for gpio_lamp and for gpio_buzzer."),
        (
            {"gpio_lamp": 5, "gpio_shutdown_button": "5"},
            "GPIO 5 is set twice: for gpio_lamp and for gpio_shutdown_button.",
        ),
        ({"strips": "drem_kit"}, "strips is drem_kit, and drem_kit_url is not set."),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(tmp_path: Path, given: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load(tmp_path, given, {})
    assert str(refused.value).startswith(message)


def test_lines_of_strips_that_are_not_gpio_are_free_for_a_lamp(tmp_path: Path) -> None:
    assert load(tmp_path, {"strips": "drem_kit", "drem_kit_url": "ws://kit", "gpio_lamp": 17}, {}).gpio_lamp == 17


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1\n", "There is no setting prot ({path}). Did you mean port?"),
        ("data_dir = '/x'\n", "There is no setting data_dir ({path}). There are: host, port,"),
        ("port = 0\n", "The setting port = 0 ({path}) is not right: Expected `int` >= 1. See docs/settings.md."),
        ('strips = "gpioo"\n', "The setting strips = gpioo ({path}) is not right"),
        (
            'gpio_lines = ["17", "27:up"]\n',
            "The setting gpio_lines ({path}) is not right: 27:up is not a GPIO line. Write it like 27,",
        ),
        (
            "gpio_start_button = 1024\n",
            "The setting gpio_start_button ({path}) is not right: 1024 is not a GPIO line.",
        ),
        ("gpio_lamp = 1024\n", "The setting gpio_lamp = 1024 ({path}) is not right: Expected `int` <= 1023."),
        ('drem_kit_url = "http://kit"\n', "The setting drem_kit_url = http://kit ({path}) is not right"),
        ('public_url = "ftp://x"\n', "The setting public_url = ftp://x ({path}) is not right"),
        ("port = \n", "{path} cannot be read: "),
    ],
)
def test_a_wrong_line_is_named_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load(written(tmp_path, text), {}, {})
    assert str(refused.value).startswith(message.format(path=tmp_path / "trackside.toml"))


def test_a_misspelt_variable_is_named_and_one_of_somebody_else_is_let_be(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"There is no setting pourt \(environment\)\. Did you mean port\?"):
        load(tmp_path, {}, {"TRACKSIDE_POURT": "1"})
    assert load(
        tmp_path, {}, {"TRACKSIDE_TEST_CUTS": "1", "TRACKSIDE_DATA": "/x", "TRACKSIDE_GPIOLAB": "/y"}
    ) == Settings(data_dir=tmp_path)


def test_the_data_directory_is_the_users_own() -> None:
    assert default_data_dir({"TRACKSIDE_DATA": "/a", "XDG_DATA_HOME": "/b"}) == Path("/a")
    assert default_data_dir({"XDG_DATA_HOME": "/b"}) == Path("/b/trackside")
    assert default_data_dir({}) == Path.home() / ".local/share/trackside"


def test_every_setting_is_in_the_docs_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    for field in msgspec.structs.fields(Settings):
        if field.name != "data_dir":
            assert f"| `{field.name}` |" in page
    assert "| `port` | TCP port | 8080 |" in page
