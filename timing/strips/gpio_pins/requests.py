"""Lines asked for from the kernel through gpiod, with errors that say who holds them and what to do."""

import errno
import os
from collections.abc import Iterable, Mapping

import gpiod
from gpiod.line import Bias, Direction, Edge

from appliance.gpio_chips import CONSUMER, GpioChip, line_is_held, line_use, no_such_line, refused_by_kernel
from appliance.gpio_lines import GpioLine, Pull

EVENT_BUFFER_SIZE = 1_024
"""Events the kernel keeps for us until they are read; the most it grants. Its own default is 16 for each line."""

BIASES = {Pull.UP: Bias.PULL_UP, Pull.DOWN: Bias.PULL_DOWN, Pull.NONE: Bias.DISABLED}


def strip_settings(line: GpioLine) -> gpiod.LineSettings:
    """Both edges, stamped with CLOCK_MONOTONIC, no debounce: it would shift stamps and swallow short hits."""
    return gpiod.LineSettings(
        direction=Direction.INPUT,
        edge_detection=Edge.BOTH,
        bias=BIASES[line.pull],
        active_low=line.is_active_low,
    )


def request_lines(chip: GpioChip, settings: Mapping[int, gpiod.LineSettings]) -> gpiod.LineRequest:
    """
    Ask for lines, all or none; reading their events never blocks.

    Raises:
        ApplianceError: a line does not exist or is held, or the kernel refuses.
    """
    for number in settings:
        if number >= chip.line_count:
            raise no_such_line(chip, number)
    config: dict[Iterable[int | str] | int | str, gpiod.LineSettings | None] = dict(settings.items())
    try:
        request = gpiod.request_lines(
            str(chip.path), config=config, consumer=CONSUMER, event_buffer_size=EVENT_BUFFER_SIZE
        )
    except OSError as error:
        if error.errno == errno.EBUSY:
            for number in settings:
                use = line_use(chip, number)
                if use.is_used:
                    raise line_is_held(number, use) from error
        raise refused_by_kernel(chip, error) from error
    os.set_blocking(request.fd, False)
    return request


def read_events(request: gpiod.LineRequest) -> list[gpiod.EdgeEvent]:
    """
    All events that wait, oldest first; gpiod itself reads 64 at a time.

    Raises:
        OSError: the chip is gone.
    """
    events: list[gpiod.EdgeEvent] = []
    try:
        while len(events) < EVENT_BUFFER_SIZE:
            events += request.read_edge_events()
    except BlockingIOError:
        pass
    except OSError:
        if not events:
            raise
    return events


def is_rising(event: gpiod.EdgeEvent) -> bool:
    """Whether the line became active; for a line that is active low that is the falling voltage."""
    return event.event_type is gpiod.EdgeEvent.Type.RISING_EDGE
