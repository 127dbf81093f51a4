"""The inspection without its process: the same function that the child calls, over bytes in memory."""

import io

from cars.inspect_child import look_into
from cars.inspection import Fit, Inspection, NotFit, Unfit


class MemoryNetwork:
    """model.pb in memory."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        """Take all of it."""
        self.data += data

    def view(self) -> memoryview:
        """All that was written."""
        return memoryview(bytes(self.data))


def look(archive: bytes) -> Inspection:
    """What the inspection says of these bytes."""
    try:
        facts, _ = look_into(io.BytesIO(archive), MemoryNetwork())
    except Unfit as refused:
        return NotFit(reason=refused.message, remedy=refused.remedy)
    return Fit(facts=facts)


def reason(archive: bytes) -> str:
    """Why it is refused."""
    inspection = look(archive)
    assert isinstance(inspection, NotFit), inspection
    return inspection.reason


def warnings(archive: bytes) -> tuple[str, ...]:
    """What a racer is told about a model that is fit."""
    inspection = look(archive)
    assert isinstance(inspection, Fit), inspection
    return inspection.facts.warnings
