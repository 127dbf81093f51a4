"""
The crossings of one race: how clean each signal was, and taking one out or putting it back.

Which crossings there are is in the race's journal; how clean they were only the recorder can tell, so it may be away.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct

from appliance.clock import iso_utc
from appliance.errors import ApplianceError, Conflict, InvalidInput, NotFound, NotReady
from appliance.permissions import Permission
from timing.crossing_views import CrossingQuality
from timing.fold import in_time_order, play
from timing.journal import Entry, Kind
from timing.structs import RaceView
from timing.taken_back import crossings_by_edge, last_words, standing_in
from web.auth import needs
from web.given import House, Viewer
from web.pages.staff.forms import Form, read_form
from web.pages.staff.strip_names import strip_name
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

SEE = [needs(Permission.SEE_RACES)]
EDIT = [needs(Permission.EDIT_RACES)]
DONE = {"drop": "Taken out. It waits among the crossings without a race.", "restore": "It counts again."}


class CrossingRow(Struct, frozen=True, kw_only=True):
    """One crossing. `signal` None: not recorded, or the recorder is away; `gone` says why it does not count."""

    seq: int
    at: str
    strip: str
    lap: int | None
    signal: CrossingQuality | None
    others: list[str]
    gone: str
    can_return: bool


@get("/staff/races/{race_id:str}/crossings", guards=SEE)
async def crossings(request: AnyRequest, house: House, race_id: FromPath[str], done: FromQuery[str] = "") -> Answer:
    """Every crossing of the race, with bounces, contact time and the other strips of the same pass."""
    return await _answer(request, house, await house.control.view(race_id), Form({}), done=DONE.get(done))


@post("/staff/races/{race_id:str}/crossings/{seq:int}", guards=EDIT)
async def change_crossing(
    request: AnyRequest, house: House, viewer: Viewer, race_id: FromPath[str], seq: FromPath[int]
) -> Answer:
    """Take a crossing out of the race, or put it back; its laps are made anew."""
    form = await read_form(request)
    race = await house.control.view(race_id)
    button = form.text("do")
    try:
        if button == "drop":
            await house.loose.take_out(race_id, seq, actor=viewer.person_id)
        elif button == "restore":
            await _put_back(house, race, seq, viewer.person_id)
        else:
            raise InvalidInput("This button does nothing here.", "Reload the page and press again.", field="do")
    except NotFound:
        raise
    except ApplianceError as error:
        form.wrong("", str(error))
        return await _answer(request, house, race, form, status=error.status)
    return Redirect(f"/staff/races/{race_id}/crossings?done={button}", status_code=303)


async def _put_back(house: House, race: RaceView, seq: int, actor: str) -> None:
    crossing = standing_in(await house.control.journal(race.race_id), seq)
    if crossing is None:
        raise NotFound("This race has no such crossing.", "Choose one of its crossings.")
    recorder_id, edge_seq = crossing.payload.recorder_id or "", crossing.payload.edge_seq or 0
    await house.loose.give(race.event_id, recorder_id, edge_seq, race.race_id, actor=actor)


async def _answer(
    request: AnyRequest, house: House, race: RaceView, form: Form, *, status: int = 200, done: str | None = None
) -> Answer:
    signals: list[CrossingQuality] = []
    away = ""
    try:
        signals = await house.rescoring.quality(race.race_id)
    except (Conflict, NotReady) as error:
        away = str(error)
    entries = await house.control.journal(race.race_id)
    laps = {lap.seq: lap.lap for lap in race.laps}
    rows = _rows(house, race, entries, {one.seq: one for one in signals}, laps)
    return page(
        request,
        "staff/race_crossings.html",
        status=status,
        race=race,
        rows=rows,
        away=away,
        form=form,
        done=done,
    )


def _rows(
    house: House, race: RaceView, entries: list[Entry], signals: dict[int, CrossingQuality], laps: dict[int, int]
) -> list[CrossingRow]:
    words = last_words(entries)
    refused = play(entries, race.rules).refused
    return [
        CrossingRow(
            seq=entry.seq,
            at=iso_utc(entry.wall_ns),
            strip=strip_name(house, entry.payload.recorder_id or "", entry.payload.line or 0),
            lap=laps.get(entry.seq),
            signal=signals.get(entry.seq),
            others=_others(house, signals.get(entry.seq)),
            gone=_why(entries[words[entry.seq]]) if entry.seq in words else "",
            can_return=entry.seq in words and _by_a_person(entries[words[entry.seq]]),
        )
        for entry in in_time_order(list(crossings_by_edge(entries).values()))
        if entry.seq not in refused
    ]


def _why(word: Entry) -> str:
    """What took a crossing back."""
    if word.kind is Kind.UNDO_LAP:
        return "undone"
    if word.kind is Kind.CROSSING:
        return "an earlier stamp of the same pass counts"
    return "taken out" if word.payload.lockout_ms is None else f"within {word.payload.lockout_ms} ms of another"


def _by_a_person(word: Entry) -> bool:
    return word.kind is Kind.DROP_CROSSING and word.payload.lockout_ms is None


def _others(house: House, signal: CrossingQuality | None) -> list[str]:
    """ "strip 2 after 3.1 ms"."""
    if signal is None:
        return []
    return [
        f"{strip_name(house, other.recorder_id, other.line)} after {other.delay_us / 1000:.1f} ms"
        for other in signal.other_lines
    ]


ROUTES = [crossings, change_crossing]
