"""Which of the racers found are offered first, and which one is meant. Pure."""

from collections.abc import Sequence

from tui.wire import Racer


def offered(found: Sequence[Racer], text: str) -> list[Racer]:
    """Whose name begins with the letters typed, then who has them at the start of a later word, then the rest."""
    letters = text.strip().casefold()
    return sorted(found, key=lambda racer: (_rank(racer.username.casefold(), letters), racer.username.casefold()))


def meant(found: Sequence[Racer], text: str) -> Racer | None:
    """The one that these letters cannot mistake: the only one found, or the only one of exactly this name."""
    exact = [racer for racer in found if racer.username.casefold() == text.strip().casefold()]
    for only in (found, exact):
        if len(only) == 1:
            return only[0]
    return None


def _rank(name: str, letters: str) -> int:
    if name.startswith(letters):
        return 0
    words = "".join(sign if sign.isalnum() else " " for sign in name).split()
    return 1 if any(word.startswith(letters) for word in words) else 2
