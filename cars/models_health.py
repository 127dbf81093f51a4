"""What the models add to the health of the box: files that nobody looks into or takes, and walls that are missing."""

from collections.abc import Sequence

from appliance.errors import ApplianceError
from appliance.health import Check, Probe
from cars.inspection import Wall
from cars.inspector import Inspector
from cars.looking import Waiting
from cars.models import Models
from cars.walk_up import WalkUpFolder

STILL_NS = 180 * 1_000_000_000
"""An inspection is given up after 30 s and tried again 30 s later: so long without an end is no crowd any more."""
MINUTE_NS = 60 * 1_000_000_000
LOOK_AT_THE_BOX = "It is tried again by itself; if that goes on, restart Trackside when no race is running."
NEWER_SYSTEM = "The other walls stand. Debian 12 and later give all of them."
KNOWN_PEOPLE = "Take models only from people you know, or run Trackside on Debian 12 or later."
WORDS = {
    Wall.LIMITS: "limits",
    Wall.NO_NEW_PRIVILEGES: "no new privileges",
    Wall.LANDLOCK: "Landlock",
    Wall.SECCOMP: "seccomp",
}


def model_probes(models: Models, inspector: Inspector, folder: WalkUpFolder) -> dict[str, Probe]:
    """By the names that they have in the report."""

    async def waiting() -> Check:
        return check_waiting(await models.waiting())

    return {
        "models": waiting,
        "inspection": lambda: check_walls(inspector.held),
        "walk_ups": lambda: check_folder(folder.troubles),
    }


def check_waiting(waiting: Waiting) -> Check:
    """Whether uploads come to an end."""
    if not waiting.models:
        return Check(ok=True, message="No model waits to be looked into.")
    count = "1 model waits" if waiting.models == 1 else f"{waiting.models} models wait"
    if waiting.still_ns < STILL_NS:
        return Check(ok=True, message=f"{count} to be looked into.")
    message = f"{count} to be looked into, and none came to an end for {waiting.still_ns // MINUTE_NS} minutes."
    if waiting.trouble is None:
        return Check(ok=False, message=message, remedy=LOOK_AT_THE_BOX)
    return Check(ok=False, message=f"{message} {waiting.trouble.message}", remedy=waiting.trouble.remedy)


def check_walls(held: tuple[Wall, ...] | None) -> Check:
    """Whether the kernel gave every wall around the last inspection; None: there was none yet."""
    if held is None:
        return Check(ok=True, message="No model was looked into since the start.")
    missing = [words for wall, words in WORDS.items() if wall not in held]
    if not missing:
        return Check(ok=True, message=f"Models are looked into behind {_listed(list(WORDS.values()))}.")
    is_open = Wall.LANDLOCK not in held and Wall.SECCOMP not in held
    message = f"Models are looked into without {_listed(missing)}: this system does not give it."
    return Check(ok=not is_open, message=message, remedy=KNOWN_PEOPLE if is_open else NEWER_SYSTEM)


def check_folder(troubles: Sequence[ApplianceError]) -> Check:
    """Whether every file for walk-ups could be taken; the rest of the box goes on without."""
    if not troubles:
        return Check(ok=True, message="No file is left over in the folder for walk-ups.")
    first, *more = troubles
    others = f" {len(more)} more of the folder for walk-ups could not be taken either." if more else ""
    message = f"A model for walk-ups was not taken in. {first.message}{others}"
    return Check(ok=True, message=message, remedy=first.remedy)


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
