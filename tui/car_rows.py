"""
The cars as rows of a terminal: where each is, what it told of itself, what it is sent, what it answered. Pure.

Signs say what colours repeat. Moments are the box's time of day, compared with the box's now.
"""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tui.car_wire import DONE, CarModels, CarNow, Command, Reading, Sending, TrackFleet
from tui.columns import Cell, Look, Row, fit, plain
from tui.moments import age_ms, hour_text
from tui.words import age_text, counted

MARK, STATE, PACK, DISK, MODELS = 2, 15, 6, 9, 10
NAME_LEAST, NAME_MOST = 8, 24
FLEET = 14
FLEET_FROM = 86
"""Below so many cells the fleet is told of the chosen car only."""
ANSWER_LEAST = 20
LOW_LEVEL = 3
"""From here on the drive pack sags (as the box's own words have it)."""
FULL_LEVEL = 10
NO_PACK = -1
LITTLE_BYTES = 1_000_000_000
"""Two large models and what the car makes of them."""
CLOCK_SAID_MS = 3_600_000
"""A clock that was wrong an hour ago is right since."""
NOTHING = "–"
WAITS = "waiting"


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to know of all cars; `now_ns` is UTC on the box's clock."""

    marked: Collection[str]
    answers: Mapping[str, Command]
    now_ns: int


def car_rows(cars: Sequence[CarNow], known: Known, cells: int) -> tuple[Row, list[Row]]:
    """The heading, and a row for each car in the order given; `cells` is the width of all columns together."""
    fleet = FLEET if cells >= FLEET_FROM else 0
    fixed = MARK + STATE + PACK + DISK + MODELS + fleet
    longest = max((cell_len(plain(car.name)) for car in cars), default=0) + 2
    name = max(NAME_LEAST, min(NAME_MOST, longest, cells - fixed - ANSWER_LEAST))
    answer = max(0, cells - fixed - name)
    heading = [
        Cell(fit("", MARK)),
        Cell(fit("Car", name)),
        Cell(fit("Now", STATE)),
        Cell(fit("Fleet", fleet)),
        Cell(fit("Pack", PACK, right=True)),
        Cell(fit("Free", DISK, right=True)),
        Cell(fit("Models", MODELS, right=True)),
        Cell(fit("  Last", answer)),
    ]
    return heading, [_row(car, known, name, fleet, answer) for car in cars]


def head_text(cars: Sequence[CarNow], marked: int) -> str:
    """How many are there, and how many are marked."""
    online = sum(car.is_online for car in cars)
    there = f"{online} of {counted(len(cars), 'car')} there"
    return f"{there}   {marked} marked" if marked else there


def of_track(cars: Sequence[CarNow], tracks: Sequence[TrackFleet], track_id: str) -> list[str]:
    """The ids of a track's cars: those of its fleet, or all."""
    fleet_id = next((track.fleet_id for track in tracks if track.track_id == track_id), None)
    return [car.car_id for car in cars if fleet_id in (None, car.fleet_id)]


def detail(
    car: CarNow, known: Known, tracks: Sequence[TrackFleet], models: CarModels | str | None, width: int
) -> list[Cell]:
    """
    All about one car, one cell per row: what needs a hand first.

    Args:
        models: What its disk holds; words where that cannot be read; None where nobody asked.
    """
    said = [Cell(fit(f"{plain(car.name)}   {_where(car, tracks)}", width), Look.STRONG)]
    answer = known.answers.get(car.car_id)
    if answer is not None:
        text, look = answer_text(answer)
        remedy = f" {answer.remedy}" if answer.remedy else ""
        said += _wrapped(f"{answer.words}: {text}{remedy}", width, look)
    if car.warning:
        said += _wrapped(f"! {car.warning}", width, Look.WARN)
    if _is_clock_news(car.reading, known.now_ns):
        at = hour_text(car.reading.clock_set_at)
        said += _wrapped(f"! Its clock was wrong at {at}, and is set.", width, Look.WARN)
    if car.sending is not None:
        said += _wrapped(_sending_text(car.sending), width, Look.WARN if car.sending.reason else Look.PLAIN)
    said += _wrapped(_reading_text(car.reading, known.now_ns), width, Look.PLAIN)
    if isinstance(models, str):
        return [*said, *_wrapped(models, width, Look.WARN)]
    if models is not None:
        names = ", ".join(model.folder for model in models.models) or "none"
        said += _wrapped(f"Models on it: {names}", width, Look.PLAIN)
    return said


def answer_text(answer: Command) -> tuple[str, Look]:
    """What a car answered, in a few words with a sign."""
    if answer.state == DONE:
        return f"√ {answer.answer or answer.words}", Look.GOOD
    if answer.state == "failed":
        return f"× {answer.answer or 'It failed.'}", Look.BAD
    return f"… {answer.words}", Look.WARN


def state_text(car: CarNow, now_ns: int) -> tuple[str, Look]:
    """Whether it is there; since when it is not."""
    if car.is_online:
        return f"● {car.state}", Look.GOOD
    if car.state != "away":
        return f"! {car.state}", Look.WARN
    since = f" {age_text(age_ms(car.last_seen_at, now_ns))}" if car.last_seen_at else ""
    return f"× away{since}", Look.BAD


def pack_text(level: int | None) -> tuple[str, Look]:
    """The drive pack in percent; low is a sign too."""
    if level is None:
        return NOTHING, Look.SOFT
    if level == NO_PACK:
        return "none", Look.WARN
    percent = f"{min(level, FULL_LEVEL) * 10} %"
    return (f"!{percent}", Look.BAD) if level <= LOW_LEVEL else (percent, Look.PLAIN)


def models_text(car: CarNow) -> tuple[str, Look]:
    """What is on its way to it, else how many models it holds."""
    sending = car.sending
    if sending is None:
        return (NOTHING, Look.SOFT) if car.reading.models is None else (str(car.reading.models), Look.PLAIN)
    behind = f" +{sending.behind}" if sending.behind else ""
    if sending.state == WAITS:
        return f"→ waits{behind}", Look.WARN if sending.reason else Look.SOFT
    return f"→ {sending.percent} %{behind}", Look.GOOD


def _row(car: CarNow, known: Known, name: int, fleet: int, answer: int) -> Row:
    state, state_look = state_text(car, known.now_ns)
    pack, pack_look = pack_text(car.reading.battery_level)
    disk, disk_look = _disk_text(car.reading.free_bytes)
    models, models_look = models_text(car)
    last, last_look = _last_text(car, known)
    return [
        Cell(fit("*" if car.car_id in known.marked else "", MARK), Look.STRONG),
        Cell(fit(fit(car.name, name - 1), name), Look.STRONG),
        Cell(fit(state, STATE), state_look),
        Cell(fit(fit(car.fleet or NOTHING, fleet - 1), fleet) if fleet else ""),
        Cell(fit(pack, PACK, right=True), pack_look),
        Cell(fit(disk, DISK, right=True), disk_look),
        Cell(fit(models, MODELS, right=True), models_look),
        Cell(fit(f"  {last}", answer), last_look),
    ]


def _last_text(car: CarNow, known: Known) -> tuple[str, Look]:
    """What it answered; without that, what needs a hand."""
    answer = known.answers.get(car.car_id)
    if answer is not None:
        return answer_text(answer)
    notes = [*car.notes, *(["clock was off"] if _is_clock_news(car.reading, known.now_ns) else [])]
    return (f"! {', '.join(notes)}", Look.WARN) if notes else ("", Look.PLAIN)


def _disk_text(free_bytes: int | None) -> tuple[str, Look]:
    if free_bytes is None:
        return NOTHING, Look.SOFT
    text = f"{free_bytes / 1e9:.1f} GB"
    return (f"!{text}", Look.BAD) if free_bytes < LITTLE_BYTES else (text, Look.PLAIN)


def _is_clock_news(reading: Reading, now_ns: int) -> bool:
    return reading.clock_set_at is not None and age_ms(reading.clock_set_at, now_ns) < CLOCK_SAID_MS


def _where(car: CarNow, tracks: Sequence[TrackFleet]) -> str:
    at = [track.name for track in tracks if car.fleet_id is not None and track.fleet_id == car.fleet_id]
    fleet = f"fleet {car.fleet}" if car.fleet else "in no fleet"
    return "   ".join(plain(text) for text in (fleet, *(f"at {name}" for name in at), car.place))


def _sending_text(sending: Sending) -> str:
    behind = f", then {sending.behind} more" if sending.behind else ""
    why = f" {sending.reason} {sending.remedy or ''}" if sending.reason else ""
    return f"→ {sending.model_name}: {sending.state}, {sending.percent} %{behind}.{why}"


def _reading_text(reading: Reading, now_ns: int) -> str:
    if reading.battery_at is None and reading.disk_at is None:
        return "B asks for its battery and its disk, Enter for its models."
    said = []
    if reading.battery_at is not None:
        said.append(f"Drive pack {pack_text(reading.battery_level)[0]}, {_ago(reading.battery_at, now_ns)}.")
    if reading.disk_at is not None:
        said.append(f"Disk {_disk_text(reading.free_bytes)[0]} free, {_ago(reading.disk_at, now_ns)}.")
    return " ".join(said)


def _ago(iso: str, now_ns: int) -> str:
    return f"{age_text(age_ms(iso, now_ns))} ago"


def _wrapped(text: str, width: int, look: Look) -> list[Cell]:
    rows = textwrap.wrap(plain(text), max(1, width), subsequent_indent="  ")
    return [Cell(row, look) for row in rows]
