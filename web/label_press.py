"""
Draws labels in a process of its own, so that the server's memory never grows by Pillow's 20 MB.

`python -m web.label_press` reads a `Wanted` as JSON and writes the PNG or the PDF.
"""

import asyncio
import contextlib
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from appliance.errors import NotReady

if TYPE_CHECKING:
    from web.car_label import Label

LONGEST_S = 30.0
"""A sheet of 40 labels takes 0.5 s on a laptop and some seconds on a Pi."""


class Form(StrEnum):
    """What is wanted: one label, or a sheet of them."""

    PNG = "png"
    PDF = "pdf"


async def pressed(form: Form, labels: Sequence["Label | Mapping[str, str]"]) -> bytes:
    """
    The file.

    Args:
        labels: Exactly one for a PNG, one or more for a PDF; each a Label, or its fields.

    Raises:
        NotReady: it took too long, or the process failed.
    """
    wanted = msgspec.json.encode({"form": form, "labels": labels})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            file, _ = await process.communicate(wanted)
    except TimeoutError as error:
        raise NotReady("The labels took too long to draw.", "Try again, or choose fewer cars.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise NotReady("The labels could not be drawn.", "Try again; `trackside doctor` tells if memory is short.")
    return file


def main() -> int:
    """Draw what standard input asks for."""
    from web.car_label import Label, png_of, sheet_of

    class Wanted(Struct, frozen=True, kw_only=True):
        form: Form
        labels: list[Label]

    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted)
    file = png_of(wanted.labels[0]) if wanted.form is Form.PNG else sheet_of(wanted.labels)
    sys.stdout.buffer.write(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
