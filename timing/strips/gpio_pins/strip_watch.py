"""
The strips' lines in one request: every event handed on first, gpiozero told afterwards.

One request for all, because only then the kernel counts across lines and takes that number in the interrupt itself.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import gpiod
from gpiod.line import Value

from appliance.gpio_chips import GpioChip
from appliance.gpio_lines import GpioLine
from timing.strips.gpio_pins import KernelEdge
from timing.strips.gpio_pins.reading import Reading
from timing.strips.gpio_pins.requests import is_rising, read_events, request_lines, strip_settings

log = logging.getLogger("gpio")


class ToldPin(Protocol):
    """A gpiozero pin that somebody listens to."""

    def changed(self, at_s: float, is_high: bool) -> None:
        """The line changed; never raises."""
        ...

    def is_now(self, at_s: float, is_high: bool) -> None:
        """What the line reads after all changes; never raises."""
        ...


PinOf = Callable[[int], ToldPin | None]


class StripWatch:
    """From the request to the release; reads on the caller's thread only."""

    def __init__(
        self,
        chip: GpioChip,
        lines: Sequence[GpioLine],
        *,
        reading: Reading,
        hand_on: Callable[[KernelEdge], None],
        failed: Callable[[OSError], None],
        pin_of: PinOf,
    ) -> None:
        """
        Ask for the lines; nothing is read before `open`.

        Raises:
            ApplianceError: as request_lines.
        """
        self.lines: Mapping[int, GpioLine] = {line.number: line for line in lines}
        self._lock = threading.Lock()
        """A device of gpiozero may ask for a level on its own thread; gpiod leaves the order to us."""
        self._request: gpiod.LineRequest | None = request_lines(
            chip, {line.number: strip_settings(line) for line in lines}
        )
        self._reading = reading
        self._hand_on = hand_on
        self._failed = failed
        self._pin_of = pin_of

    def open(self) -> None:
        """Read from now on: first what has happened since the request."""
        if self._request is not None:
            self._reading.add(self._request.fd, self._read)

    @property
    def is_open(self) -> bool:
        """Whether the lines are ours."""
        return self._request is not None

    def levels(self) -> dict[int, bool]:
        """Which lines are active now."""
        with self._lock:
            if self._request is None:
                return {}
            values = self._request.get_values(list(self.lines))
        return {number: value is Value.ACTIVE for number, value in zip(self.lines, values, strict=True)}

    def is_high(self, number: int) -> bool:
        """The level as gpiozero means it: the voltage, whichever is active."""
        return self.levels().get(number, False) != self.lines[number].is_active_low

    def release(self) -> None:
        """Hand on what waits, then let the lines go."""
        if self._request is not None:
            self._read()
        self._close()

    def _close(self) -> None:
        with self._lock:
            request, self._request = self._request, None
            if request is not None:
                self._reading.remove(request.fd)
                request.release()

    def _read(self) -> None:
        if self._request is None:
            return
        try:
            with self._lock:
                events = read_events(self._request)
        except OSError as error:
            # Without this the loop would call again at once, for ever.
            self._close()
            self._failed(error)
            return
        for event in events:
            self._take(event)
        self._tell_pins(events)

    def _take(self, event: gpiod.EdgeEvent) -> None:
        """Whatever goes wrong with one event, the next is taken too."""
        try:
            self._hand_on(
                KernelEdge(
                    line=event.line_offset,
                    active=is_rising(event),
                    at_ns=event.timestamp_ns,
                    line_seqno=event.line_seqno,
                    seqno=event.global_seqno,
                )
            )
        except Exception:
            log.exception("edge_not_handed_on event=%s", event)

    def _tell_pins(self, events: Sequence[gpiod.EdgeEvent]) -> None:
        for event in events:
            if pin := self._pin_of(event.line_offset):
                pin.changed(event.timestamp_ns / 1e9, is_rising(event) != self.lines[event.line_offset].is_active_low)
        for event in {event.line_offset: event for event in events}.values():
            if pin := self._pin_of(event.line_offset):
                pin.is_now(event.timestamp_ns / 1e9, self.is_high(event.line_offset))
