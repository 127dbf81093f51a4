"""
One strip's edges grouped into hits: what the strip check shows of a line and judges it by. Pure.

Nothing here decides about laps (timing/crossings.py does): a hit is what somebody on the floor would call one.
"""

from dataclasses import dataclass, replace

from timing.crossings import EdgeSeen

NS_PER_MS = 1_000_000
HIT_QUIET_NS = 150 * NS_PER_MS
"""
Without an edge for so long, the next one belongs to another hit.

A car's axles are about 165 mm apart: 165 ms at 1 m/s, 41 ms at 4 m/s, less the contact itself, so a car of 1 m/s and
faster makes one hit of two contacts. Somebody who taps four times a second lets go for longer than this. A contact that
bounces settles within some 10 ms.
"""
KEPT = 16
"""Newest hits of a line that are kept: a self-test needs three and what came by mistake."""


@dataclass(frozen=True, slots=True)
class Hit:
    """
    One press of the strip, by a wheel, a whole car or a finger.

    `contacts` counts how often the foils met, so that all but one are bounces. `contact_ns` is the longest unbroken
    contact, 0 when none could be measured: the kernel had merged its two edges, or it still lasts.
    """

    from_ns: int
    contacts: int = 1
    contact_ns: int = 0

    @property
    def bounces(self) -> int:
        """Contacts beyond the first."""
        return self.contacts - 1


@dataclass(frozen=True, slots=True)
class LineState:
    """
    What a line has done, oldest hit first. Stamps are the recorder's own, in `boot_id`.

    `rest_active` is the level that stands for "not touched": False, unless the line is suspected to be inverted.
    `active` is the level since the last edge, None while no edge was heard.
    """

    rest_active: bool = False
    active: bool | None = None
    boot_id: str = ""
    last_ns: int = 0
    edges: int = 0
    count: int = 0
    hits: tuple[Hit, ...] = ()

    @property
    def pressed(self) -> bool:
        """Whether somebody or something is on the strip, as far as its edges tell."""
        return self.active is not None and self.active != self.rest_active

    @property
    def last_hit(self) -> Hit | None:
        """The newest hit, perhaps still going on."""
        return self.hits[-1] if self.hits else None


def step(line: LineState, edge: EdgeSeen) -> LineState:
    """
    The line after its next edge.

    Every edge tells of a contact whatever its label says: the kernel reads the level some time after the interrupt, so
    that a very short pulse is merged into one edge, or makes two with the same label (reference/timing.md 2.1).
    """
    if edge.recorder_boot_id != line.boot_id:  # The stamps of two boots do not compare.
        line = replace(line, active=None, boot_id=edge.recorder_boot_id)
    presses = edge.active != line.rest_active
    hits, count = line.hits, line.count
    if _begins(line, edge, presses=presses):
        hits, count = (*hits[1 - KEPT :], Hit(edge.edge_ns)), count + 1
    elif hits and line.active is not None:
        hits = (*hits[:-1], _grown(line, hits[-1], edge, presses=presses))
    return replace(line, active=edge.active, last_ns=edge.edge_ns, edges=line.edges + 1, count=count, hits=hits)


def is_quiet(line: LineState, edge_ns: int) -> bool:
    """Whether the line's last hit is over at this moment of the recorder's clock."""
    return edge_ns - line.last_ns >= HIT_QUIET_NS


def _begins(line: LineState, edge: EdgeSeen, *, presses: bool) -> bool:
    if line.active is None:
        return presses
    is_release = line.pressed and not presses
    return not is_release and (is_quiet(line, edge.edge_ns) or not line.hits)


def _grown(line: LineState, hit: Hit, edge: EdgeSeen, *, presses: bool) -> Hit:
    if line.pressed and not presses:
        return replace(hit, contact_ns=max(hit.contact_ns, edge.edge_ns - line.last_ns))
    return replace(hit, contacts=hit.contacts + 1)
