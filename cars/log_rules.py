"""
Which recordings of a car belong to a race, whose turn it is, and which logs go when there is no more room. Pure.

A car names a recording after the model's folder and its own clock, which may be wrong: what counts is how far that
clock is from the box's at the moment of asking. Whose model a folder is stands in our tables.
"""

import re
from collections.abc import Iterable, Sequence

from cars.folder_names import folder_of_bag, plain
from cars.log_structs import BAG_NAME
from cars.log_wire import Found, Sought

BEFORE_S = 120
"""A drive begins before the first crossing, when the car is put down and started."""
AFTER_S = 30
"""It ends after the hand-in, when somebody has caught the car."""
PAUSES_S = (10, 30, 60, 120, 300)
"""Between tries to reach a car."""
GIVE_UP_S = 1_800
CAR_LETTERS = 40
MOMENT = "0123456789T"
LARGEST_BYTES = 1 << 50
LATEST_S = 1 << 34
"""What a file and a clock can be: a car could say anything."""

_NAME = re.compile(BAG_NAME, re.ASCII)


def checked(found: Iterable[Found]) -> list[Found]:
    """What a car tells of its recordings, without what it may not be called or cannot be."""
    return [one for one in found if _NAME.fullmatch(one.name) and _can_be(one)]


def _can_be(one: Found) -> bool:
    moments = (one.changed_at_s, 0 if one.began_at_s is None else one.began_at_s)
    return 0 <= one.size_bytes <= LARGEST_BYTES and all(0 <= moment <= LATEST_S for moment in moments)


def chosen(found: Sequence[Found], sought: Sought, clock_off_s: int) -> list[Found]:
    """
    The recordings that are meant, the oldest first.

    Args:
        clock_off_s: How far the car's clock is before the box's.

    A recording is of a race when it was written to during it and its model was driven. Where none is called after the
    model (it was loaded under another name) those that began during the race are.
    """
    ordered = sorted(found, key=lambda one: (one.changed_at_s, one.name))
    if sought.recording is not None:
        return [one for one in ordered if one.name == sought.recording]
    begin_s, end_s = span_on_car(sought, clock_off_s)
    during = [
        one
        for one in ordered
        if one.changed_at_s >= begin_s + BEFORE_S and (one.began_at_s is None or one.began_at_s <= end_s)
    ]
    if sought.folder is None:
        return during
    named = [one for one in during if (folder_of_bag(one.name) or "").casefold() == sought.folder.casefold()]
    return named or [one for one in during if one.began_at_s is not None and one.began_at_s >= begin_s]


def span_on_car(sought: Sought, clock_off_s: int) -> tuple[int, int]:
    """From when to when the drive was, with what belongs to it before and after, on the car's clock."""
    begin_s = max(0, sought.from_s - BEFORE_S + clock_off_s)
    return begin_s, max(begin_s, sought.to_s + AFTER_S + clock_off_s)


def journal_span(wanted: Sequence[Found], sought: Sought, clock_off_s: int) -> tuple[int, int]:
    """From when to when the journal of the car's software is of interest, on the car's clock."""
    if sought.recording is None or not wanted:
        return span_on_car(sought, clock_off_s)
    one = wanted[-1]
    began_s = one.changed_at_s if one.began_at_s is None else min(one.began_at_s, one.changed_at_s)
    return max(0, began_s - AFTER_S), one.changed_at_s + AFTER_S


def pause_s(tries: int) -> int:
    """How long a car is left alone after so many tries in a row, from 1."""
    return PAUSES_S[min(max(tries, 1), len(PAUSES_S)) - 1]


def too_many(stored: Sequence[tuple[str, int]], keep_bytes: int) -> list[str]:
    """
    Which logs go: the oldest, until the others fit; the newest one stays whatever it takes.

    Args:
        stored: Ids with sizes, the oldest first.
    """
    total, gone = sum(size for _, size in stored), []
    for log_id, size in stored[:-1]:
        if total <= keep_bytes:
            break
        gone.append(log_id)
        total -= size
    return gone


def file_name(car_name: str, asked_at: str) -> str:
    """What it is called where it is downloaded: nothing in it is the car's word."""
    moment = "".join(letter for letter in asked_at if letter in MOMENT)[:15]
    return f"logs-{plain(car_name, CAR_LETTERS) or 'car'}-{moment}.tar"
