"""
One line of the strip check in words: what it does now, and how its last hit was. Pure.

The page of a terminal without colour or signs says the same as one with both.
"""

from timing.strip_picture import LinePicture

JUST_NOW_MS = 2_000
NOTHING_SET_UP = (
    'No strips are set up. In trackside.toml, set strips = "gpio" and the lines they are wired to, for example '
    'gpio_lines = ["17", "27"], then restart the recorder.'
)


def now_text(line: LinePicture) -> str:
    """Whether it is pressed, or since when it is silent."""
    if line.pressed:
        return "PRESSED"
    if line.silent_ms is None:
        return "not heard yet"
    if line.silent_ms < JUST_NOW_MS:
        return "just now"
    seconds = line.silent_ms // 1000
    return f"silent for {seconds} s" if seconds < 120 else f"silent for {seconds // 60} min"


def contact_text(line: LinePicture) -> str:
    """How long the last hit pressed it; "..." while the first contact goes on."""
    if not line.contact_ms and line.pressed:
        return "..."
    return f"{line.contact_ms} ms" if line.contact_ms else "under 1 ms"


def bounces_text(line: LinePicture) -> str:
    """How often the contact of the last hit bounced."""
    return "1 bounce" if line.bounces == 1 else f"{line.bounces or 0} bounces"
