"""A race's journal as race control would keep it, with times in seconds: for the tests of the rules."""

from dataclasses import dataclass, field

from timing.journal import ACTOR_BOX, ACTOR_STRIP, Entry, Kind, Payload
from timing.laps import Lap
from timing.race import Clocks, Race, accept, clocks, fold
from timing.rules import RaceRules
from timing.structs import RaceState

NS_PER_S = 1_000_000_000
WALL_START_NS = 1_780_000_000 * NS_PER_S
UNLIMITED = RaceRules(race_ms=None)


def ns(seconds: float) -> int:
    """Whole milliseconds as ns, without a float's noise."""
    return round(seconds * 1000) * 1_000_000


def entry(kind: Kind, at_s: float, *, boot: str = "boot-1", actor: str | None = None, **payload: object) -> Entry:
    """An entry before it is accepted."""
    return Entry(
        race_id="race-1",
        seq=-1,
        action_id=f"{kind}-{boot}-{at_s}",
        at_ns=ns(at_s),
        boot_id=boot,
        wall_ns=WALL_START_NS + ns(at_s),
        actor=actor or (ACTOR_STRIP if kind is Kind.CROSSING else "ann"),
        kind=kind,
        payload=Payload(**payload),  # type: ignore[arg-type]
    )


def box_edge(at_s: float, edge_seq: int, *, boot: str = "boot-1") -> dict[str, object]:
    """The payload of a crossing that the box's own recorder saw."""
    return {
        "recorder_id": "box", "recorder_boot_id": boot, "edge_seq": edge_seq, "edge_ns": ns(at_s), "line": 17,
    }  # fmt: skip


@dataclass
class Journal:
    """Starts with a ready race at second 0."""

    rules: RaceRules = UNLIMITED
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.entries:
            self.do(Kind.READY, 0, racer_id="racer-1", track_id="1", car_id="car-1", model_id="model-1")

    def do(self, kind: Kind, at_s: float, *, boot: str = "boot-1", actor: str | None = None, **payload: object) -> Race:
        """Accept and append, or raise what accept raises."""
        self.entries.append(accept(self.entries, self.rules, entry(kind, at_s, boot=boot, actor=actor, **payload)))
        return self.race

    def strip(self, at_s: float, edge_s: float, *, recorder_boot: str = "pi-1", **more: object) -> Race:
        """A crossing that carries the raw stamp of a recorder with a clock of its own."""
        stamp = {"recorder_id": "pi", "recorder_boot_id": recorder_boot, "edge_ns": ns(edge_s)}
        return self.do(Kind.CROSSING, at_s, **stamp, **more)  # type: ignore[arg-type]

    def give(self, at_s: float, edge_seq: int, **more: object) -> Race:
        """A crossing that a person gives to the race; the recorder is the box's own."""
        return self.do(Kind.ADD_CROSSING, at_s, actor="ann", **box_edge(at_s, edge_seq), **more)  # type: ignore[arg-type]

    def cross(self, at_s: float, edge_seq: int) -> Race:
        """A crossing as the box's own strips see it."""
        return self.do(Kind.CROSSING, at_s, **box_edge(at_s, edge_seq))  # type: ignore[arg-type]

    def power_cut(self, at_s: float, *, boot: str) -> Race:
        """What the box writes when it finds a running race after a boot."""
        return self.do(Kind.PAUSE, at_s, boot=boot, actor=ACTOR_BOX, reason="power_cut")

    @property
    def race(self) -> Race:
        return fold(self.entries, self.rules)

    @property
    def state(self) -> RaceState:
        return self.race.state

    @property
    def laps(self) -> tuple[Lap, ...]:
        return self.race.laps

    @property
    def lap_s(self) -> list[float]:
        """Lap times in seconds."""
        return [lap.lap_ms / 1000 for lap in self.laps]

    def clocks(self, at_s: float, boot: str = "boot-1") -> Clocks:
        return clocks(self.race, ns(at_s), boot)


def running(rules: RaceRules = UNLIMITED) -> Journal:
    """Started by a crossing at second 10."""
    journal = Journal(rules)
    journal.do(Kind.CROSSING, 10)
    return journal


def in_state(state: RaceState, rules: RaceRules = UNLIMITED) -> Journal:
    """A race in this state; from running on with one lap of 10 s. The last entry is at second 50 or before."""
    journal = Journal(rules)
    ways: dict[RaceState, list[tuple[Kind, float]]] = {
        RaceState.READY: [],
        RaceState.RUNNING: [(Kind.CROSSING, 10), (Kind.CROSSING, 20)],
    }
    ways[RaceState.PAUSED] = [*ways[RaceState.RUNNING], (Kind.PAUSE, 30)]
    ways[RaceState.OVER] = [*ways[RaceState.RUNNING], (Kind.END, 30)]
    ways[RaceState.SUBMITTED] = [*ways[RaceState.OVER], (Kind.SUBMIT, 40)]
    ways[RaceState.DISCARDED] = [*ways[RaceState.OVER], (Kind.DISCARD, 40)]
    for kind, at_s in ways[state]:
        journal.do(kind, at_s)
    return journal


PAYLOADS: dict[Kind, dict[str, object]] = {
    Kind.READY: {"racer_id": "racer-2", "track_id": "1"},
    Kind.SET_VALIDITY: {"lap": 1, "valid": False},
    Kind.SET_TIME: {"lap": 1, "lap_ms": 9_000},
    Kind.SET_RESETS: {"lap": 1, "resets": 2},
    Kind.SET_PROXY: {"by_proxy": True},
    Kind.SET_RACER: {"racer_id": "racer-2"},
    Kind.SET_TRACK: {"track_id": "2"},
    Kind.DELETE_LAP: {"lap": 1},
    Kind.RESTORE_LAP: {"lap": 1},
    Kind.SET_CAR: {"car_id": "car-2", "model_id": "model-2", "laps_so_far": True},
    Kind.ADD_CROSSING: box_edge(60, 99),
    Kind.DROP_CROSSING: {"target_seq": 1},
    Kind.RESCORE: {"lockout_ms": 1_500},
}
"""A good payload for the kinds that need one, for a race with one lap."""
