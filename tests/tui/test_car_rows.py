"""The cars as rows: what stands in each column, and what needs a hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.car_rows import Known, answer_text, car_rows, detail, head_text, models_text, of_track, pack_text, state_text
from tui.car_wire import CarModel, CarModels, CarNow, Command, Reading, Sending, TrackFleet
from tui.columns import Cell, Look, Row
from tui.moments import ns_of

AT = "2026-11-22T10:00:00.000+00:00"
NOW_NS = ns_of(AT)
TRACKS = [TrackFleet(track_id="1", name="Left", fleet_id="f1"), TrackFleet(track_id="2", name="Right", fleet_id=None)]


def a_car(number: int = 1, **changes: object) -> CarNow:
    fields: dict[str, object] = {
        "car_id": f"car-{number}", "name": f"Blue {number}", "is_online": True, "last_seen_at": AT, "state": "there",
        "place": "10.9.8.1", "fleet_id": None, "fleet": None, "light": None, "notes": [], "warning": None,
        "reading": Reading(), "sending": None,
    }  # fmt: skip
    return CarNow(**(fields | changes))  # type: ignore[arg-type]


def known(*answers: Command, marked: tuple[str, ...] = (), now_ns: int = NOW_NS) -> Known:
    return Known(marked=marked, answers={one.car_id: one for one in answers}, now_ns=now_ns)


def answer(state: str, text: str | None = None, remedy: str | None = None) -> Command:
    return Command(command_id="c", car_id="car-1", words="Stop", state=state, answer=text, remedy=remedy)  # type: ignore[arg-type]


def line(row: Row) -> str:
    return " ".join("".join(cell.text for cell in row).split())


def text(cells: list[Cell]) -> str:
    return " ".join(cell.text.strip() for cell in cells)


def test_a_row_has_what_the_car_told_and_what_it_answered() -> None:
    reading = Reading(battery_level=7, battery_at=AT, free_bytes=12_340_000_000, models=3, disk_at=AT)
    car = a_car(reading=reading, fleet="Left", fleet_id="f1")
    heading, (row,) = car_rows([car], known(answer("done", "Its software took the stop."), marked=("car-1",)), 137)
    assert line(heading) == "Car Now Fleet Pack Free Models Last"
    assert line(row) == "* Blue 1 ● there Left 70 % 12.3 GB 3 √ Its software took the stop."


def test_on_a_small_terminal_the_fleet_gives_way() -> None:
    heading, (row,) = car_rows([a_car(fleet="Left", notes=["new host key"])], known(), 77)
    assert line(heading) == "Car Now Pack Free Models Last"
    assert line(row) == "Blue 1 ● there – – – ! new host key"


def test_a_car_without_an_answer_says_what_needs_a_hand() -> None:
    car = a_car(notes=["same key as Red 2"], reading=Reading(clock_set_at=AT))
    assert line(car_rows([car], known(), 137)[1][0]).endswith("! same key as Red 2, clock was off")
    later = known(now_ns=NOW_NS + 3_600_000_000_000)
    assert line(car_rows([car], later, 137)[1][0]).endswith("! same key as Red 2")


@pytest.mark.parametrize(
    ("car", "said"),
    [
        (a_car(), ("● there", Look.GOOD)),
        (a_car(is_online=False, state="away"), ("× away 12 min", Look.BAD)),
        (a_car(is_online=False, state="away", last_seen_at=None), ("× away", Look.BAD)),
        (a_car(is_online=False, state="flashed anew"), ("! flashed anew", Look.WARN)),
    ],
)
def test_where_a_car_is(car: CarNow, said: tuple[str, Look]) -> None:
    assert state_text(car, NOW_NS + 720_000_000_000) == said


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (None, ("–", Look.SOFT)), (-1, ("none", Look.WARN)), (0, ("!0 %", Look.BAD)), (3, ("!30 %", Look.BAD)),
        (4, ("40 %", Look.PLAIN)), (10, ("100 %", Look.PLAIN)), (11, ("100 %", Look.PLAIN)),
    ],
)  # fmt: skip
def test_a_drive_pack_in_percent(level: int | None, said: tuple[str, Look]) -> None:
    assert pack_text(level) == said


@pytest.mark.parametrize(
    ("sending", "said"),
    [
        (None, ("–", Look.SOFT)),
        (Sending(model_name="m", state="sending", percent=45, behind=2), ("→ 45 % +2", Look.GOOD)),
        (Sending(model_name="m", state="waiting", percent=0, behind=0), ("→ waits", Look.SOFT)),
        (Sending(model_name="m", state="waiting", percent=0, behind=0, reason="Away."), ("→ waits", Look.WARN)),
    ],
)
def test_what_is_on_its_way(sending: Sending | None, said: tuple[str, Look]) -> None:
    assert models_text(a_car(sending=sending)) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (answer("asked"), ("… Stop", Look.WARN)),
        (answer("done", "Its software took the stop."), ("√ Its software took the stop.", Look.GOOD)),
        (answer("failed", "Blue 1 does not answer."), ("× Blue 1 does not answer.", Look.BAD)),
    ],
)
def test_an_answer_is_told_with_a_sign(given: Command, said: tuple[str, Look]) -> None:
    assert answer_text(given) == said


def test_all_about_one_car_begins_with_what_failed_and_what_to_do() -> None:
    car = a_car(
        fleet="Blues", fleet_id="f1", warning="It is on, but its SSH does not answer.",
        sending=Sending(model_name="fast", state="sending", percent=45, behind=1),
        reading=Reading(battery_level=2, battery_at=AT, free_bytes=500_000_000, disk_at=AT, clock_set_at=AT),
    )  # fmt: skip
    models = CarModels(models=[CarModel(folder="ada-fast"), CarModel(folder="bob-slow")], free_bytes=1)
    failed = known(answer("failed", "It did not answer.", "Look at its battery."), now_ns=NOW_NS + 5_000_000_000)
    first, *rest = detail(car, failed, TRACKS, models, 400)
    assert first.text.rstrip() == "Blue 1   fleet Blues   at Left   10.9.8.1"
    assert [cell.text for cell in rest] == [
        "Stop: × It did not answer. Look at its battery.",
        "! It is on, but its SSH does not answer.",
        rest[2].text,
        "→ fast: sending, 45 %, then 1 more.",
        "Drive pack !20 %, 5 s ago. Disk !0.5 GB free, 5 s ago.",
        "Models on it: ada-fast, bob-slow",
    ]
    assert rest[2].text.startswith("! Its clock was wrong at ")


def test_a_disk_that_was_not_read_says_how_or_why_not() -> None:
    assert "B asks for its battery and its disk, Enter for its models." in text(detail(a_car(), known(), [], None, 200))
    assert text(detail(a_car(), known(), [], "Blue 1 is away.", 200)).endswith("Blue 1 is away.")


def test_the_cars_of_a_track_are_those_of_its_fleet_or_all() -> None:
    cars = [a_car(1, fleet_id="f1"), a_car(2, fleet_id="f2"), a_car(3)]
    assert of_track(cars, TRACKS, "1") == ["car-1"]
    assert of_track(cars, TRACKS, "2") == ["car-1", "car-2", "car-3"]
    assert of_track(cars, [], "gone") == ["car-1", "car-2", "car-3"]


def test_the_head_counts() -> None:
    assert head_text([a_car(1), a_car(2, is_online=False)], 0) == "1 of 2 cars there"
    assert head_text([a_car(1)], 1) == "1 of 1 car there   1 marked"


@given(
    st.lists(st.text(max_size=30), min_size=1, max_size=6), st.text(max_size=60), st.integers(60, 200), st.text("12")
)
def test_whatever_cars_are_called_every_row_is_as_wide_as_the_terminal(
    names: list[str], said: str, cells: int, fleet: str
) -> None:
    cars = [a_car(number, name=name, fleet=fleet) for number, name in enumerate(names)]
    heading, rows = car_rows(cars, known(answer("done", said)), cells)
    assert {sum(cell_len(cell.text) for cell in row) for row in (heading, *rows)} == {cells}
