"""What the strips are called: by their recorder, also when that one is away."""

from web.given import House
from web.pages.staff.blind import OWN


def strip_name(house: House, recorder_id: str, line: int) -> str:
    """ "strip 1", "strip 1 of Pi Süd", or "line 17" of a recorder that is not there."""
    for recorder in house.strips.recorders():
        if recorder.recorder_id == recorder_id:
            name = next((one.name for one in recorder.lines if one.line == line), f"line {line}")
            return name if recorder.name == OWN else f"{name} of {recorder.name}"
    return f"line {line}"
