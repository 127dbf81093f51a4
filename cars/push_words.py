"""What people read when a push does not go on: the thing, then what to do. Pure."""

from appliance.errors import NotReady
from cars.push_wire import Place

MEGABYTE = 1_000_000


class CarLost(NotReady):
    """The car is out of reach: trying again may help."""


class PushFailed(NotReady):
    """The car says no, or the model is not what it was: trying again would not help."""


class NoSsh(CarLost):
    """The car is on, and its SSH is not there."""


class OtherKey(PushFailed):
    """Who answers has another host key."""


def lost(place: Place, why: str) -> CarLost:
    """No way to the car, or no longer. `why` is a clause: "it does not answer"."""
    return CarLost(f"{place.name} is out of reach: {why}.", "It is tried again by itself. Is it on, and in the Wi-Fi?")


def no_ssh(place: Place) -> NoSsh:
    """Its console answers, its SSH does not: flashed anew, or its software only just starts."""
    return NoSsh(
        f"{place.name} is on, but its SSH does not answer.",
        "It is tried again by itself. If it was flashed anew, pair it again under Cars.",
    )


def paired_anew(place: Place) -> CarLost:
    """Its SSH was off, and now another key is shown: most likely somebody is pairing it again at this moment."""
    again = f"If {place.name} was flashed anew, pair it again under Cars: then this goes on by itself."
    return CarLost(other_key(place).message, again)


def other_key(place: Place) -> OtherKey:
    """Somebody answers who is not the car that was enrolled."""
    return OtherKey(
        f"What answers at {place.address} shows another host key than {place.name} had: nothing was sent.",
        f"If {place.name} was flashed anew, pair it again under Cars.",
    )


def denied(place: Place) -> PushFailed:
    """Our key is not taken."""
    return PushFailed(f"{place.name} does not let the box in.", "Pair it again under Cars.")


def no_helper(place: Place) -> PushFailed:
    """sudo does not run it."""
    return PushFailed(f"{place.name} lets the box in, but not install anything.", "Pair it again under Cars.")


def no_room(place: Place, free_bytes: int, needed_bytes: int) -> PushFailed:
    """Too little space, known before the first byte or found out on the way."""
    return PushFailed(
        f"The disk of {place.name} is too full: {free_bytes // MEGABYTE} MB are free,"
        f" {-(-needed_bytes // MEGABYTE)} MB are needed.",
        f"Delete models and logs on {place.name}, then push again.",
    )


def full(place: Place) -> PushFailed:
    """The helper found it full."""
    return PushFailed(f"The disk of {place.name} is full.", f"Delete models and logs on {place.name}, then push again.")


def damaged(place: Place) -> PushFailed:
    """Twice sent, twice other bytes arrived."""
    return PushFailed(
        f"The model arrived damaged on {place.name}, twice.",
        "Its disk may be failing. Use another car; if it happens there too, upload the model again.",
    )


def not_proven(place: Place) -> PushFailed:
    """The helper said yes, but what it read back is not what was sent."""
    return PushFailed(
        f"{place.name} says the model is installed, but reads other bytes back.",
        "Do not race this car: its disk may be failing.",
    )


def other_car(place: Place) -> PushFailed:
    """The host key is right, the serial is another's."""
    return PushFailed(
        f"Another car answers at {place.address}, with the host key of {place.name}: nothing was sent.",
        "Cars that were flashed from one copied image show one key. Flash one of them anew, then pair it again.",
    )


def of_helper(place: Place, code: str, message: str) -> PushFailed:
    """A refusal of the helper; in its own words where there are no better ones."""
    if code == "disk_full":
        return full(place)
    if code == "other_car":
        return other_car(place)
    return PushFailed(f"{place.name} refused: {message}", "Do what it says, then push again.")


def model_gone() -> PushFailed:
    """The box no longer has the files."""
    return PushFailed("The box has no files of this model any more.", "Upload the model again, then push it.")


def worker_died() -> CarLost:
    """The process that sends went away in the middle."""
    return CarLost("The transfer was interrupted on the box.", "It goes on by itself.")


def broke(place: Place, error: Exception) -> PushFailed:
    """A mistake of ours."""
    return PushFailed(
        f"The push to {place.name} broke off: {type(error).__name__}.", "Push again; if it stays so, look at the log."
    )


def given_up(reason: str) -> tuple[str, str]:
    """Ten minutes without an answer: the last reason, and what to do."""
    return f"{reason} Given up after 10 minutes.", "When the car is back, push again: it goes on where it stopped."
