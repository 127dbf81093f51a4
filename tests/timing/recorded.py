"""A race driven over recorded edges, as the strips and the intake would have it: for the tests of re-scoring."""

from dataclasses import dataclass, field

from journals import NS_PER_S, WALL_START_NS, Journal, ns

from timing.crossing_entry import entry_of
from timing.crossings import EdgeSeen, TrackStrips, step
from timing.journal import Entry, Kind
from timing.race import IllegalAction, accept
from timing.rescore import Asked, Difference, rescore
from timing.rules import RaceRules

RECORDER = "box"
BOOT = "boot-1"


def edge(seq: int, at_s: float, *, line: int = 17, active: bool = True) -> EdgeSeen:
    """An edge of the box's own recorder."""
    at_ns = ns(at_s)
    return EdgeSeen(RECORDER, BOOT, seq, line, active, at_ns, WALL_START_NS + at_ns)


@dataclass
class Driven:
    """A journal and the edges it was made from. Moments in seconds, given in the order of time."""

    rules: RaceRules
    journal: Journal = field(init=False)
    edges: list[EdgeSeen] = field(default_factory=list)
    strips: TrackStrips = field(default_factory=TrackStrips)

    def __post_init__(self) -> None:
        self.journal = Journal(self.rules)

    def hit(self, at_s: float, *, line: int = 17, hold_s: float = 0.02) -> None:
        """A strip is pressed and released; a crossing goes to the race if it takes it."""
        for at, active in ((at_s, True), (at_s + hold_s, False)):
            seen = edge(len(self.edges) + 1, at, line=line, active=active)
            self.edges.append(seen)
            self.strips, crossing = step(self.strips, seen, self.rules.lockout_ms * 1_000_000)
            if crossing is not None:
                self.take(entry_of("race-1", 0, crossing.edge))

    def do(self, kind: Kind, at_s: float, **payload: object) -> bool:
        """What a person presses; False when the race refuses it."""
        try:
            self.journal.do(kind, at_s, **payload)
        except IllegalAction:
            return False
        return True

    def take(self, entry: Entry) -> None:
        """Offer an entry, which may be refused."""
        try:
            self.journal.entries.append(accept(self.journal.entries, self.rules, entry))
        except IllegalAction:
            return

    def rescored(self, lockout_ms: int, at_s: float = 10_000, **asked: object) -> Difference:
        """What another lock-out would make of it."""
        wanted = Asked(
            race_id="race-1",
            lockout_ms=lockout_ms,
            action_id=f"rescore-{at_s}",
            actor="ann",
            at_ns=ns(at_s),
            boot_id=BOOT,
            wall_ns=WALL_START_NS + round(at_s * NS_PER_S),
            **asked,  # type: ignore[arg-type]
        )
        return rescore(self.journal.entries, self.rules, self.edges, wanted)

    def apply(self, lockout_ms: int, at_s: float = 10_000) -> Difference:
        """Score it anew, each entry accepted in its turn."""
        difference = self.rescored(lockout_ms, at_s)
        for entry in difference.entries:
            assert accept(self.journal.entries, self.rules, entry) == entry
            self.journal.entries.append(entry)
        return difference
