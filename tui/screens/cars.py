"""
The cars: where each is, what it holds, what it is sent; and what this terminal tells them, with each car's own answer.

The box decides and remembers; this screen asks again whenever the crew's stream says that something changed. Owns
which cars are marked.
"""

import time
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from tui.car_asks import CarAsks
from tui.car_rows import Known, car_rows, detail, head_text, of_track
from tui.car_wire import LIGHTS, CarList, CarModels, CarNow
from tui.columns import Cell, Look, plain
from tui.errors import BoxAway, BoxError
from tui.looks import STYLES, content_of
from tui.moments import ns_of
from tui.row_list import RowList
from tui.screens.ask import Ask
from tui.screens.base import RoomScreen
from tui.screens.pick import Pick
from tui.seat import Changed
from tui.words import counted

NS_PER_S = 1_000_000_000
REPAINT_S = 1.0
START_ONE = "Look at the track, then start each car by itself."
AWAY_S = 2.0
"""Between two tries of a box that did not answer."""
WIDE_CELLS = 132
"""A terminal this wide has room for all about the chosen car beside the list."""
AGAIN_S = 10.0
"""Whatever nobody tells of, as that the box goes on looking for cars."""
EMPTY = "No car is paired yet.\n\nOpen Cars on the box's page: a car that is on, and in its Wi-Fi, appears there."


class CarsScreen(RoomScreen):
    """All cars of the box."""

    TITLE_WORD: ClassVar[str] = "Cars"
    DEFAULT_CSS = """
    CarsScreen #car-head { height: 1; padding: 0 1; text-style: bold; }
    CarsScreen #car-body { height: 1fr; layout: vertical; }
    CarsScreen #car-rows { height: 1fr; }
    CarsScreen #car-panel { height: auto; max-height: 40%; padding: 0 1; border-top: hkey $panel; }
    CarsScreen #car-panel { scrollbar-size-vertical: 1; }
    CarsScreen #car-panel Static { width: 1fr; height: auto; }
    CarsScreen.wide #car-body { layout: horizontal; }
    CarsScreen.wide #car-panel { width: 48; height: 1fr; max-height: 100%; border-top: none; border-left: vkey $panel; }
    CarsScreen #car-empty { height: 1fr; content-align: center middle; text-align: center; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,S", "tell('stop')", "Stop", tooltip="Stops the marked cars, or the chosen one"),
        Binding("space", "mark", "Mark", tooltip="Marks the chosen car, or no longer: keys are for the marked ones"),
        Binding("a,A", "mark_all", "All", tooltip="Marks the cars of this track, then all of the box, then none"),
        Binding("l,L", "light", "Light", tooltip="Tail light in a colour of a list"),
        Binding("d,D", "tell('start_driving')", "Drive", tooltip="Drives by the loaded model; asks first; one car"),
        Binding("b,B", "look", "Battery", tooltip="Reads the drive pack and the disk"),
        Binding("c,C", "tell('set_time')", "Clock", tooltip="Sets its clock by the box's"),
        Binding("r,R", "tell('restart_core')", "Restart", tooltip="Stops it, then restarts its software"),
        Binding("e,E", "tell('reboot')", "Reboot", tooltip="Reboots; asks first"),
        Binding("p,P", "tell('power_off')", "Off", tooltip="Powers off; asks first: only a hand switches it on again"),
        Binding("enter", "read", "Models", key_display="Enter", tooltip="Reads what the chosen car's disk holds"),
        Binding(
            "pagedown", "scroll_said(1)", "Read on", key_display="PgDn", tooltip="Reads on where there are more rows"
        ),
        Binding("pageup", "scroll_said(-1)", "Read on", show=False, tooltip="Reads on where there are more rows"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._list: CarList | None = None
        """None until the box has told."""
        self._heard_s = 0.0
        self._asked_s = 0.0
        self._painted_s = 0.0
        self._is_asking = self._is_stale = False
        """Whether the box is being asked, and whether something changed since it was."""
        self._problem: BoxError | None = None
        """Why what is shown is not live."""
        self._marked: set[str] = set()
        self._chosen_id: str | None = None
        self._models: dict[str, CarModels | str] = {}
        self._asks: CarAsks | None = None

    def compose_room(self) -> ComposeResult:
        """How many are there, the list, and all about the chosen one."""
        yield Static(id="car-head")
        with Container(id="car-body"):
            yield RowList(id="car-rows")
            with VerticalScroll(id="car-panel", can_focus=False):
                yield Static(id="car-said")
        yield Static(Content(EMPTY), id="car-empty")

    def on_mount(self) -> None:
        """Arrows choose a car."""
        self._asks = CarAsks(self.seat.box, self._paint)
        self.query_one("#car-rows").focus()
        self._paint()

    async def on_unmount(self) -> None:
        """Nobody looks any more."""
        if self._asks is not None:
            await self._asks.close()

    def show(self, changed: frozenset[Changed]) -> None:
        """Ask again when the cars are others, and when the box can be reached again, or not any more."""
        if not changed.isdisjoint({Changed.CARS, Changed.LINK}):
            self._ask_again()

    def on_screen_suspend(self) -> None:
        """They are asked for again when somebody looks."""
        if not self._is_in_sight:
            self.workers.cancel_group(self, "cars")
            self._is_asking = False

    def on_tick(self, server_now_ns: int) -> None:
        """How long a car is away goes on by itself; ten times a second would be for nothing."""
        now_s = time.monotonic()
        if now_s - self._asked_s >= (AWAY_S if isinstance(self._problem, BoxAway) else AGAIN_S):
            self._ask_again()
        if now_s - self._painted_s >= REPAINT_S:
            self._paint()

    def on_resize(self, resize: Resize) -> None:
        """Wide terminals have all about one car beside the list."""
        self.set_class(resize.size.width >= WIDE_CELLS, "wide")
        self.call_after_refresh(self._paint)

    def on_row_list_resized(self, _: RowList.Resized) -> None:
        """The columns fill the new width."""
        self._paint()

    def on_row_list_chosen(self, _: RowList.Chosen) -> None:
        """Another car is looked at."""
        car = self._chosen()
        self._chosen_id = None if car is None else car.car_id
        self._paint()

    # ---- keys

    def action_mark(self) -> None:
        """The keys are for the marked ones; the next car is chosen, so that several are marked quickly."""
        if (car := self._chosen()) is not None:
            self._marked ^= {car.car_id}
            self.query_one(RowList).action_choose_by(1)
            self._paint()

    def action_mark_all(self) -> None:
        """Those of this track, then all, then none."""
        if self._list is None:
            return
        everybody = {car.car_id for car in self._list.cars}
        ours = set(of_track(self._list.cars, self._list.tracks, self.seat.track_id))
        if self._marked == everybody:
            self._marked = set()
        elif self._marked == ours or not ours:
            self._marked = everybody
        else:
            self._marked = ours
        self._paint()

    @work(group="car-tell")
    async def action_tell(self, verb: str) -> None:
        """Tell the marked cars, or the chosen one; what cannot be taken back, or moves, is asked first."""
        cars = self._meant()
        if verb == "start_driving" and len(cars) > 1:
            self.notify(START_ONE, title="Only one car is started at a time.", severity="warning")
        elif cars and (verb not in ASKS or await self._is_sure(verb, cars)):
            await self._tell(verb, cars)

    @work(group="car-tell")
    async def action_look(self) -> None:
        """The drive pack and the disk."""
        if cars := self._meant():
            await self._tell("battery", cars)
            await self._tell("disk", cars)

    @work(exclusive=True, group="car-light")
    async def action_light(self) -> None:
        """Choose a colour."""
        cars = self._meant()
        if not cars:
            return
        names = [light.replace("_", " ").capitalize() for light in LIGHTS]
        now = cars[0].light
        chosen = await self.app.push_screen_wait(
            Pick(f"Light of {_who(cars)}", names, LIGHTS.index(now) if now in LIGHTS else 0)
        )
        if chosen is not None:
            await self._tell("light", cars, LIGHTS[chosen])

    def action_read(self) -> None:
        """What the chosen car's disk holds, now."""
        if (car := self._chosen()) is not None and self.may_run():
            self._models[car.car_id] = "Reading its disk…"
            self._paint()
            self._read_models(car.car_id)

    def action_scroll_said(self, pages: int) -> None:
        """All about a car has more rows than the terminal."""
        said = self.query_one("#car-panel")
        said.scroll_relative(y=pages * max(1, said.size.height - 2), animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are in the footer."""
        if action == "scroll_said":
            return any(said.max_scroll_y > 0 for said in self.query("#car-panel"))
        if action in {"tell", "look", "light", "mark", "mark_all", "read"}:
            return self._list is not None and bool(self._list.cars)
        return True

    async def _is_sure(self, verb: str, cars: list[CarNow]) -> bool:
        question, detail_text, yes = ASKS[verb]
        ask = Ask(question.format(_who(cars)), detail_text, yes=yes, no="Leave it", careful=True)
        return await self.app.push_screen_wait(ask)

    async def _tell(self, verb: str, cars: list[CarNow], light: str | None = None) -> None:
        if self._asks is not None:
            await self.ask(self._asks.tell(verb, [car.car_id for car in cars], light))

    # ---- the box

    def _ask_again(self) -> None:
        """On slow Wi-Fi changes come faster than answers: one question at a time, and the last change is asked for."""
        self._is_stale = True
        if not self._is_asking:
            self._is_asking = True
            self._load()

    @work(group="cars")
    async def _load(self) -> None:
        while self._is_stale and self._is_in_sight:
            self._is_stale, self._asked_s = False, time.monotonic()
            try:
                self._take(await self.seat.box.cars(self.seat.event_id))
            except BoxError as error:
                self._problem = error
            self._paint()
        self._is_asking = False

    def _take(self, cars: CarList) -> None:
        if not self.query("#car-rows"):  # The screen may go while the box answers.
            return
        is_first = self._list is None or not self._list.cars
        self._list, self._problem, self._heard_s = cars, None, time.monotonic()
        self._marked &= {car.car_id for car in cars.cars}
        rows = self.query_one("#car-rows", RowList)
        self._paint()
        place = next((index for index, car in enumerate(cars.cars) if car.car_id == self._chosen_id), rows.chosen or 0)
        rows.choose(place, is_told=False, is_shown=is_first)
        car = self._chosen()
        self._chosen_id = None if car is None else car.car_id
        self.refresh_bindings()

    @work(group="car-models")
    async def _read_models(self, car_id: str) -> None:
        try:
            self._models[car_id] = await self.seat.box.car_models(car_id)
        except BoxError as error:
            self._models[car_id] = str(error)
        self._ask_again()

    # ---- what is seen

    def _chosen(self) -> CarNow | None:
        for rows in self.query(RowList):
            if self._list is not None and rows.chosen is not None and rows.chosen < len(self._list.cars):
                return self._list.cars[rows.chosen]
        return None

    def _meant(self) -> list[CarNow]:
        """Whom a key is for; none when nobody may press it."""
        car = self._chosen()
        if self._list is None or car is None or not self.may_run():
            return []
        return [one for one in self._list.cars if one.car_id in self._marked] or [car]

    def _known(self) -> Known:
        at_ns = 0 if self._list is None else ns_of(self._list.at)
        age_ns = int((time.monotonic() - self._heard_s) * NS_PER_S)
        answers = {} if self._asks is None else self._asks.latest
        return Known(marked=self._marked, answers=answers, now_ns=at_ns + age_ns)

    def _paint(self) -> None:
        if not self._is_in_sight or not self.query("#car-said"):  # An answer may come while the seat goes.
            return
        self._painted_s = time.monotonic()
        cars = [] if self._list is None else self._list.cars
        is_empty = self._list is not None and not cars
        self.query_one("#car-head", Static).update(self._head(cars))
        body = self.query_one("#car-body")
        if body.display != bool(cars):
            body.display = bool(cars)
            self.call_after_refresh(self._paint)  # Now it is known how wide it is.
        self.query_one("#car-empty").display = is_empty
        if cars:
            known, rows = self._known(), self.query_one("#car-rows", RowList)
            rows.set_rows(*car_rows(cars, known, rows.content_width))
            self._paint_detail(known)

    def _paint_detail(self, known: Known) -> None:
        car, panel = self._chosen(), self.query_one("#car-panel")
        if car is None or self._list is None:
            return
        width = max(20, panel.scrollable_content_region.width)
        said = detail(car, known, self._list.tracks, self._models.get(car.car_id), width)
        self.query_one("#car-said", Static).update(content_of(said))

    def _head(self, cars: list[CarNow]) -> Content:
        problem = self._problem or self.seat.link_state.problem
        if problem is not None:
            return content_of([Cell(f"× NOT LIVE: {problem}", Look.BAD)])
        if self._list is None:
            return Content("Asking the box…")
        if not cars:
            return Content("")
        ours = len(of_track(cars, self._list.tracks, self.seat.track_id))
        stops = f"   F9 stops the {counted(ours, 'car')} of {plain(self.seat.picture.track_name)}"
        return Content.assemble(head_text(cars, len(self._marked)), (stops, STYLES[Look.SOFT]))


ASKS = {
    "start_driving": ("Let {} drive?", "It drives off at once. Is the track clear, and somebody near?", "It may"),
    "reboot": ("Reboot {}?", "It takes a minute or two. A race that it drives is over for it.", "Reboot"),
    "power_off": ("Power {} off?", "Only a hand at the car switches it on again.", "Power off"),
}
"""What is asked first: the question, what follows, and the yes."""


def _who(cars: list[CarNow]) -> str:
    return plain(cars[0].name) if len(cars) == 1 else counted(len(cars), "car")
