"""One line of `trackside doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok` is None when it is only told."""

    ok: bool | None
    name: str
    message: str
    remedy: str = ""
