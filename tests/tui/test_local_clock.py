"""The stamp of a moment: two clocks that are read together, also where the process is held up between them."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from tui import local_clock
from tui.server_clock import Stamp

MS = 1_000_000
SLEPT_NS = 3_600_000_000_000
BOOTTIME = 7


@dataclass
class Machine:
    """Its clocks take a microsecond to read; each of `held_up_ns` is lost before its boot-time clock is read."""

    now_ns: int = 5_000_000_000
    held_up_ns: list[int] = field(default_factory=list)
    stamps: int = 0

    def monotonic_ns(self) -> int:
        self.now_ns += 1_000
        return self.now_ns

    def clock_gettime_ns(self, clock: int) -> int:
        assert clock == BOOTTIME
        self.stamps += 1
        self.now_ns += 1_000 + (self.held_up_ns.pop(0) if self.held_up_ns else 0)
        return self.now_ns + SLEPT_NS


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    clocks = SimpleNamespace(
        CLOCK_BOOTTIME=BOOTTIME, monotonic_ns=machine.monotonic_ns, clock_gettime_ns=machine.clock_gettime_ns
    )
    monkeypatch.setattr(local_clock, "time", clocks)
    return machine


def test_a_moment_is_read_once_where_nothing_is_in_the_way(machine: Machine) -> None:
    assert local_clock.stamp() == Stamp(5_000_001_000, SLEPT_NS + 1_000)
    assert machine.stamps == 1


def test_who_is_held_up_between_the_two_clocks_reads_them_again_and_did_not_sleep(machine: Machine) -> None:
    machine.held_up_ns = [60 * MS, 5 * MS]
    before_ns = machine.now_ns
    now = local_clock.stamp()
    assert (now.slept_ns, machine.stamps) == (SLEPT_NS + 1_000, 3)
    assert now.mono_ns > before_ns + 65 * MS, "both are of the same moment"


def test_where_it_is_held_up_again_and_again_the_closest_two_count(machine: Machine) -> None:
    machine.held_up_ns = [60 * MS, 9 * MS, 3 * MS, 70 * MS, 8 * MS, 1 * MS]
    assert local_clock.stamp().slept_ns == SLEPT_NS + 3 * MS + 1_000
    assert machine.stamps == 5
