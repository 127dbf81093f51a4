"""trackside.toml of an installed box: written once, afterwards only the lines that were asked for are changed."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from appliance.errors import InvalidInput

HEAD = """# The settings of this box; docs/settings.md names them all. After a change, for the recorder and the server:
#   sudo systemctl restart trackside-recorder trackside
"""


def settings_text(before: str | None, asked: Mapping[str, str | int], sockets: Mapping[str, Path]) -> str:
    """
    What is to stand in the file.

    Args:
        before: What stands there, None for a new box.
        asked: Settings to be changed; a new box listens to `gpio` unless they say otherwise.
        sockets: By their settings, where the tools of the command line find them; added where none is named.

    Raises:
        InvalidInput: the file that is there is not TOML.
    """
    text = HEAD if before is None else before
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"trackside.toml cannot be read: {error}.", "Correct that line, or move it away.") from error
    wanted: dict[str, str | int] = {"strips": "gpio"} if before is None else {}
    wanted |= asked
    wanted |= {name: str(path) for name, path in sockets.items() if name not in values}
    for name, value in wanted.items():
        if values.get(name) != value:
            text = _with_line(text, name, f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}")
    return text


def _with_line(text: str, name: str, line: str) -> str:
    changed, count = re.subn(rf"^\s*{name}\s*=.*$", line, text, count=1, flags=re.MULTILINE)
    if count:
        return changed
    return f"{text.rstrip()}\n{line}\n"
