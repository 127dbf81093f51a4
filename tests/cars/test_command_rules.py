"""What a command asks of the car, and what its answer means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InvalidInput
from cars.command_rules import HELPER_VERSION, Ask, answer_in_words, asks_of, battery_in_words, problem_in, words_of
from cars.command_structs import NewCommand, Verb
from cars.lights import Light
from cars.on_car_api import HELPER_FILE

EPOCH_NS = 1_800_000_000_000_000_000
WHOLE = {
    Verb.LIGHT: NewCommand(verb=Verb.LIGHT, light=Light.SKY_BLUE),
    Verb.LOAD_MODEL: NewCommand(verb=Verb.LOAD_MODEL, folder="anna-fast"),
}


def whole(verb: Verb) -> NewCommand:
    return WHOLE.get(verb, NewCommand(verb=verb))


@pytest.mark.parametrize("verb", Verb)
def test_every_verb_has_a_call_words_an_answer_and_an_end(verb: Verb) -> None:
    ask = asks_of(whole(verb), EPOCH_NS)
    assert 0 < ask.within_s <= 120
    assert words_of(whole(verb))
    assert answer_in_words(whole(verb), {}).endswith(".")


@pytest.mark.parametrize(
    ("command", "ask"),
    [
        (NewCommand(verb=Verb.STOP), ("stop",)),
        (WHOLE[Verb.LIGHT], ("light", "30", "144", "255")),
        (WHOLE[Verb.LOAD_MODEL], ("load-model", "anna-fast")),
        (NewCommand(verb=Verb.DELETE_MODELS), ("delete-all",)),
        (NewCommand(verb=Verb.DELETE_MODELS, logs=True), ("delete-all", "--logs")),
        (NewCommand(verb=Verb.DELETE_MODELS, folders=["a", "b"]), ("delete", "a", "b")),
        (NewCommand(verb=Verb.START_DRIVING), ("drive-start",)),
        (NewCommand(verb=Verb.START_DRIVING, max_speed=40), ("drive-start", "40")),
        (NewCommand(verb=Verb.SET_TIME), ("set-time", str(EPOCH_NS))),
        (NewCommand(verb=Verb.POWER_OFF), ("poweroff",)),
    ],
)
def test_the_helper_is_asked_in_its_own_verbs(command: NewCommand, ask: tuple[str, ...]) -> None:
    made = asks_of(command, EPOCH_NS)
    assert (made.verb, *made.arguments) == ask


def test_only_going_down_may_break_the_connection() -> None:
    breaking = {verb for verb in Verb if asks_of(whole(verb), EPOCH_NS).breaks}
    assert breaking == {Verb.REBOOT, Verb.POWER_OFF}


def test_only_a_stop_and_what_is_read_is_asked_twice() -> None:
    repeated = {verb for verb in Verb if asks_of(whole(verb), EPOCH_NS).again}
    assert repeated == {Verb.STOP, Verb.BATTERY, Verb.DISK, Verb.VERSIONS}


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (NewCommand(verb=Verb.LIGHT), "light"),
        (NewCommand(verb=Verb.LOAD_MODEL), "folder"),
        (NewCommand(verb=Verb.STOP, light=Light.RED), "light"),
        (NewCommand(verb=Verb.REBOOT, folder="anna"), "folder"),
        (NewCommand(verb=Verb.STOP, logs=True), "folders"),
        (NewCommand(verb=Verb.STOP, max_speed=40), "max_speed"),
        (NewCommand(verb=Verb.DELETE_MODELS, folders=[]), "folders"),
        (NewCommand(verb=Verb.DELETE_MODELS, folders=["a"], logs=True), "folders"),
    ],
)
def test_fields_that_do_not_fit_the_verb_are_refused_by_name(command: NewCommand, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        asks_of(command, EPOCH_NS)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (-1, "The drive pack is not plugged in, or cannot be read."),
        (0, "The drive pack is at 0 of 10. Swap it soon."),
        (3, "The drive pack is at 3 of 10. Swap it soon."),
        (4, "The drive pack is at 4 of 10."),
        (10, "The drive pack is at 10 of 10."),
        (11, "The drive pack is more than full."),
    ],
)
def test_the_battery_in_words(level: int, words: str) -> None:
    assert battery_in_words(level) == words


@pytest.mark.parametrize(
    ("verb", "told", "words"),
    [
        (Verb.DISK, {"free_bytes": 1_500_000_000, "size_bytes": 29_000_000_000}, "1.5 GB free of 29.0 GB."),
        (Verb.SET_TIME, {"is_step": True}, "Its clock was wrong and is set."),
        (Verb.DELETE_MODELS, {"deleted": ["a"]}, "1 model deleted."),
        (Verb.DELETE_MODELS, {"deleted": ["a", "b"], "deleted_logs": 0}, "2 models deleted."),
        (Verb.DELETE_MODELS, {"deleted": ["a", "b"], "deleted_logs": 1}, "2 models and 1 log deleted."),
        (Verb.RESTART_CORE, {"is_stopped": True, "state": "active"}, "Stopped, then restarted: active."),
        (Verb.VERSIONS, {"os_name": "Ubuntu 20.04", "core_version": "2.1.2.7"}, "Ubuntu 20.04, core 2.1.2.7."),
        (Verb.VERSIONS, {"core_version": "2.1.2.7", "helper_version": HELPER_VERSION}, "core 2.1.2.7."),
        (
            Verb.VERSIONS,
            {"core_version": "2.1.2.7", "helper_version": HELPER_VERSION - 1},
            "core 2.1.2.7. Its helper is of an older version: pair it again to renew it.",
        ),
        (Verb.STOP, {"by": "console"}, "Its software took the stop."),
        (Verb.START_DRIVING, {}, "Its software took the start."),
        (Verb.LIGHT, {}, "Its software took the colour."),
        (Verb.REBOOT, {}, "It took the reboot: it is away for a minute or two."),
        (Verb.POWER_OFF, {}, "It took the power off. Only a hand switches it on again."),
    ],
)
def test_answers_in_words(verb: Verb, told: dict[str, object], words: str) -> None:
    assert answer_in_words(whole(verb), told) == words


@pytest.mark.parametrize("state", ["failed", "activating", "inactive", ""])
def test_software_that_is_not_up_after_its_restart_is_no_success(state: str) -> None:
    first = "Stopped, then restarted" if state == "failed" else "It could not be stopped, then was restarted"
    problem = problem_in(whole(Verb.RESTART_CORE), {"is_stopped": state == "failed", "state": state})
    assert problem == (
        f"{first}, but its software is not up: {state}.",
        "Wait half a minute, then restart it again; if it stays so, reboot it.",
    )


@pytest.mark.parametrize("verb", list(Verb))
def test_what_went_well_is_no_problem(verb: Verb) -> None:
    assert problem_in(whole(verb), {"is_stopped": False, "state": "active"}) is None


def test_the_box_knows_the_version_of_the_helper_that_it_brings() -> None:
    assert f"\nVERSION = {HELPER_VERSION}\n" in HELPER_FILE.read_text()


@given(st.sampled_from(list(Verb)), st.dictionaries(st.text(max_size=12), st.none() | st.integers() | st.text()))
def test_an_answer_that_makes_no_sense_is_still_a_sentence(verb: Verb, told: dict[str, object]) -> None:
    assert isinstance(answer_in_words(whole(verb), told), str)


def test_an_ask_is_the_same_twice() -> None:
    assert asks_of(whole(Verb.LIGHT), 1) == asks_of(whole(Verb.LIGHT), 2)
    assert isinstance(asks_of(whole(Verb.STOP), 1), Ask)
