"""
One pin of TracksideFactory: what gpiozero's devices ask of a pin, said to the kernel through gpiod.

A pin asks for its line when it is first used and lets it go when its device is closed. The pin of a line that is
watched as a strip asks for nothing: it shows that line to gpiozero's input devices, and how it is read stays as it is.
"""

import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import gpiod
from gpiod.line import Direction, Edge, Value
from gpiozero.exc import (
    PinFixedPull,
    PinInvalidBounce,
    PinInvalidEdges,
    PinInvalidFunction,
    PinInvalidPull,
    PinSetInput,
)
from gpiozero.pins.local import LocalPiPin

from appliance.gpio_lines import Pull
from timing.strips.gpio_pins.requests import BIASES, is_rising, read_events, request_lines
from timing.strips.gpio_pins.strip_watch import StripWatch

if TYPE_CHECKING:
    from timing.strips.gpio_pins.factory import TracksideFactory

PULLS = {"up": Pull.UP, "down": Pull.DOWN, "floating": Pull.NONE}
"""gpiozero's words, and ours."""
EDGES = {"both": Edge.BOTH, "rising": Edge.RISING, "falling": Edge.FALLING}

log = logging.getLogger("gpio")


class TracksidePin(LocalPiPin):
    """A line of the header as gpiozero sees it: high is True, whichever level is active."""

    factory: "TracksideFactory"

    def __init__(self, factory: "TracksideFactory", info: Any) -> None:
        super().__init__(factory, info)
        self._lock = threading.RLock()
        """Reading, blinking and closing may be on different threads; gpiod leaves the order to us."""
        self._request: gpiod.LineRequest | None = None
        self._listening = False
        self._told: bool | None = None
        self._function = "input"
        self._pull: str = info.pull or "floating"
        self._bounce: float | None = None
        self._edges = "both"
        factory.pins_by_line[self._number] = self

    def close(self) -> None:
        """Back to an input that nobody holds."""
        self.when_changed = None
        with self._lock:
            if self._request is not None:
                if self._function == "output":
                    # A line let go as an output may keep its level: the lamp would stay on.
                    self._function = "input"
                    self._apply()
                self._request.release()
                self._request = None
            self._forget()

    def output_with_state(self, state: bool) -> None:
        """Drive the line, at once with this level."""
        self._refuse_strip("drive")
        self._function = "output"
        self._apply(bool(state))

    def changed(self, at_s: float, is_high: bool) -> None:
        """Tell gpiozero of one edge, as it came; whatever its devices do with it, the next is told too."""
        try:
            self._told = is_high
            if self._when_changed is not None and self._edges in ("both", "rising" if is_high else "falling"):
                self._call_when_changed(at_s, is_high)
        except Exception:
            log.exception("device_failed pin=%r", self)

    def is_now(self, at_s: float, is_high: bool) -> None:
        """
        Put gpiozero right when the edges end on another level than the line has.

        The kernel may mislabel a short pulse; a button would then be held down for ever.
        """
        if self._told is not None and self._told != is_high:
            self.changed(at_s, is_high)

    @property
    def is_listened_to(self) -> bool:
        """Whether a device wants to be told of edges."""
        return self._listening

    @property
    def _watch(self) -> StripWatch | None:
        return self.factory.watch_of(self._number)

    def _get_function(self) -> str:
        return self._function

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f"invalid function {value!r} for pin {self!r}")
        if self._watch is not None:
            if value == "output":
                self._refuse_strip("drive")
            return
        level = self._get_state()
        self._function = value
        self._apply(level)

    def _get_state(self) -> bool:
        with self._lock:
            if watch := self._watch:
                return watch.is_high(self._number)
            if self._request is None:
                self._apply()
            assert self._request is not None  # noqa: S101  _apply() asked for it
            return self._request.get_value(self._number) is Value.ACTIVE

    def _set_state(self, value: float) -> None:
        with self._lock:
            if self._function == "input" or self._request is None:
                raise PinSetInput(f"cannot set state of pin {self!r}")
            self._request.set_value(self._number, Value.ACTIVE if value else Value.INACTIVE)

    def _get_pull(self) -> str:
        if watch := self._watch:
            pull = watch.lines[self._number].pull
            return next(word for word, ours in PULLS.items() if ours is pull)
        return self._pull

    def _set_pull(self, value: str) -> None:
        if value not in PULLS:
            raise PinInvalidPull(f"invalid pull {value!r} for pin {self!r}")
        if self._function != "input":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        if self.info.pull not in (value, ""):
            raise PinFixedPull(f"{self!r} has a physical pull-{self.info.pull} resistor")
        if self._watch is not None:
            if value != self._get_pull():
                raise PinFixedPull(f"{self!r} is a strip; its pull is set in gpio_lines")
            return
        self._pull = value
        self._apply()

    def _get_bounce(self) -> float | None:
        return self._bounce

    def _set_bounce(self, value: float | None) -> None:
        if value is not None and value < 0:
            raise PinInvalidBounce("bounce must be 0 or greater")
        if value and self._watch is not None:
            raise PinInvalidBounce(f"{self!r} is a strip; it is never debounced, so that no hit is swallowed")
        self._bounce = value or None
        if self._request is not None:
            self._apply()

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        if value not in EDGES:
            raise PinInvalidEdges(f"invalid edges {value!r} for pin {self!r}")
        self._edges = value
        if self._listening and self._watch is None:
            self._apply()

    def _enable_event_detect(self) -> None:
        self._told = self._get_state()
        self._listening = True
        if self._watch is None:
            self._apply()
            assert self._request is not None  # noqa: S101  _apply() asked for it
            self.factory.reading.add(self._request.fd, self._read)

    def _disable_event_detect(self) -> None:
        self._listening = False
        with self._lock:
            if self._request is not None:
                self.factory.reading.remove(self._request.fd)
                self._apply()

    def _read(self) -> None:
        """The reading's call: the edges of a line of our own."""
        with self._lock:
            if self._request is None or not self._listening:
                return
            try:
                events = read_events(self._request)
                is_high = self._get_state()
            except OSError as error:
                log.error("line_gone pin=%r error=%s", self, error)
                self.factory.reading.remove(self._request.fd)
                return
        for event in events:
            self.changed(event.timestamp_ns / 1e9, is_rising(event))
        if events and self._edges == "both":
            self.is_now(events[-1].timestamp_ns / 1e9, is_high)

    def _apply(self, level: bool = False) -> None:
        """Say to the kernel how the line is used, asking for the line first when it is not ours yet."""
        settings = {self._number: self._settings(level)}
        with self._lock:
            if self._request is None:
                self._request = request_lines(self.factory.chip, settings)
            else:
                self._request.reconfigure_lines(dict(settings))

    def _settings(self, level: bool) -> gpiod.LineSettings:
        if self._function == "output":
            return gpiod.LineSettings(
                direction=Direction.OUTPUT, output_value=Value.ACTIVE if level else Value.INACTIVE
            )
        return gpiod.LineSettings(
            direction=Direction.INPUT,
            bias=BIASES[PULLS[self._pull]],
            edge_detection=EDGES[self._edges] if self._listening else Edge.NONE,
            debounce_period=timedelta(seconds=self._bounce or 0),
        )

    def _forget(self) -> None:
        """As gpiozero expects a pin that its last device has closed."""
        self._function = "input"
        self._pull = self.info.pull or "floating"
        self._bounce = None
        self._edges = "both"

    def _refuse_strip(self, what: str) -> None:
        if self._watch is not None:
            raise PinInvalidFunction(f"cannot {what} pin {self!r}: it is a strip")
