"""From words on a command line to strips: which kind, which lines, which names, which script."""

from collections.abc import Sequence
from pathlib import Path

from appliance.errors import InvalidInput
from timing.stream import Line, StripsKind
from timing.strips import Strips
from timing.strips.disabled import DisabledStrips
from timing.strips.script import parse_script
from timing.strips.simulated import SimulatedStrips


def parse_lines(numbers: str, names: str | None) -> list[Line]:
    """
    Read `--lines 17,27 --names "Left,Right"`; without names they are "strip 1", "strip 2", …

    Raises:
        InvalidInput: not distinct numbers from 0 to 1023, or not as many names as lines.
    """
    words = [word.strip() for word in numbers.split(",") if word.strip()]
    if not all(word.isascii() and word.isdigit() and int(word) <= 1023 for word in words):
        raise InvalidInput(f"--lines {numbers} is not a list of numbers from 0 to 1023.", "Write it like 17,27.")
    if len(set(map(int, words))) != len(words):
        raise InvalidInput(f"--lines {numbers} names a line twice.", "Name each line once.")
    labels = [f"strip {place}" for place in range(1, len(words) + 1)]
    if names is not None:
        labels = [name.strip() for name in names.split(",")]
    if len(labels) != len(words):
        raise InvalidInput(f"There are {len(words)} lines and {len(labels)} names.", "Give one name for each line.")
    return [Line(line=int(word), name=label) for word, label in zip(words, labels, strict=True)]


def open_strips(kind: str, lines: Sequence[Line], script: Path | None) -> Strips:
    """
    The strips of this kind; a new kind gets its case here.

    Raises:
        InvalidInput: unknown kind, or a script that cannot be read.
    """
    if kind == StripsKind.DISABLED:
        return DisabledStrips()
    if kind == StripsKind.SIMULATED:
        return SimulatedStrips(lines, parse_script(_read_script(script), (line.line for line in lines)))
    raise InvalidInput(f"There are no strips of the kind {kind}.", "Use simulated or disabled.")


def _read_script(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The script {path} cannot be read: {error}.", "Check the path given to --script."
        ) from error
