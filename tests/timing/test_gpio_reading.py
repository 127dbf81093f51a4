"""The thread that reads for pins without an event loop: one for all, gone with the last."""

import os
import threading
import time

import pytest

from timing.strips.gpio_pins.reading import ThreadReading


class Pipe:
    """A file that has something to read when the test says so."""

    def __init__(self) -> None:
        self.fd, self._end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.read = threading.Event()
        self.readers: set[str] = set()

    def take(self) -> None:
        os.read(self.fd, 100)
        self.readers.add(threading.current_thread().name)
        self.read.set()

    def say(self) -> None:
        self.read.clear()
        os.write(self._end, b"x")

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._end)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gpio-edges"]


def ends(threads: list[threading.Thread]) -> bool:
    for thread in threads:
        thread.join(20)
    return not any(thread.is_alive() for thread in threads)


@pytest.fixture
def pipes() -> object:
    made = [Pipe(), Pipe()]
    yield made
    for pipe in made:
        pipe.close()


def test_one_thread_reads_for_all_and_ends_with_the_last(pipes: list[Pipe]) -> None:
    reading, (left, right) = ThreadReading(), pipes
    for pipe in pipes:
        reading.add(pipe.fd, pipe.take)
    threads = readers()
    assert len(threads) == 1
    for pipe in (left, right, left):
        pipe.say()
        assert pipe.read.wait(20)
    assert left.readers == right.readers == {"gpio-edges"}
    reading.remove(left.fd)
    right.say()
    assert right.read.wait(20)
    reading.remove(right.fd)
    assert ends(threads)
    reading.add(left.fd, left.take)
    left.say()
    assert left.read.wait(20)
    threads = readers()
    reading.remove(left.fd)
    assert ends(threads)


def test_a_file_may_be_removed_by_its_own_read(pipes: list[Pipe]) -> None:
    reading, (pipe, _) = ThreadReading(), pipes

    def read_once() -> None:
        reading.remove(pipe.fd)
        pipe.take()

    reading.add(pipe.fd, read_once)
    threads = readers()
    pipe.say()
    assert pipe.read.wait(20)
    assert ends(threads)


def test_an_idle_thread_sleeps(pipes: list[Pipe]) -> None:
    reading, (pipe, _) = ThreadReading(), pipes
    reading.add(pipe.fd, pipe.take)
    (thread,) = readers()
    pipe.say()
    assert pipe.read.wait(20)
    assert any(rests(thread) for _ in range(20)), "it polls"
    reading.remove(pipe.fd)
    assert ends([thread])


def rests(thread: threading.Thread) -> bool:
    """Whether the kernel hardly ran it for half a second; a busy machine wakes it late for what it had to do before."""
    before = switches(thread)
    time.sleep(0.5)
    return switches(thread) - before <= 2


def switches(thread: threading.Thread) -> int:
    """How often the kernel ran it."""
    with open(f"/proc/self/task/{thread.native_id}/status") as status:
        return int(next(line.split(":")[1] for line in status if line.startswith("voluntary_ctxt_switches")))
