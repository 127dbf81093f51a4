"""
A form with one file at its end, read as it comes: the file goes on in pieces while it arrives, never whole in memory
and never through /tmp, which is memory on some boxes.

The page's token comes first in the form; without it nothing is read on. Forms with more than one file need a script.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from litestar import Request
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
)

from appliance.errors import InvalidInput
from web.csrf import CSRF_FIELD, check_csrf_field

PARTS = 8
FIELD_BYTES = 4096
"""A text field; ours are tokens."""
HEAD_BYTES = 16 * 1024
"""Everything before the file's content."""

Events = AsyncGenerator[MultipartSegment | bytes | None, None]


@dataclass(frozen=True, slots=True)
class FormFile:
    """The file: its name as the browser says it, how large it is going to be, and its bytes as they come."""

    name: str
    size_bytes: int
    pieces: AsyncIterator[bytes]


class FormWithFile:
    """`async with FormWithFile(request) as file`: what is not read of it is taken in, so that the answer is heard."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        self._request = request
        self._head = bytearray()
        self._events = self._read()

    async def __aenter__(self) -> FormFile:
        """
        Read on until the file begins.

        Raises:
            InvalidInput: no form with a file, or one that breaks off.
            NotAllowed: the page's token is not the first thing in it.
        """
        is_ours = False
        async for event in self._events:
            if not isinstance(event, MultipartSegment):
                continue
            if event.filename is not None:
                if not is_ours:
                    check_csrf_field(self._request, None)
                return self._file(event.filename)
            text = await _text(self._events)
            if event.name == CSRF_FIELD:
                check_csrf_field(self._request, text)
                is_ours = True
        raise _no_file()

    async def __aexit__(self, *_: object) -> None:
        """Browsers show an answer only when they could send everything."""
        async for _event in self._events:
            pass

    def _file(self, name: str) -> FormFile:
        length = self._request.headers.get("content-length", "")
        if not name or not length.isdecimal():
            raise _no_file()
        begins = self._head.index(b"\r\n\r\n", self._head.index(b"filename=")) + 4
        ends = int(length) - len(f"\r\n--{self._boundary}--\r\n")
        if ends <= begins:
            raise InvalidInput(f"{name} is empty.", "Look whether the download had finished, and choose it again.")
        return FormFile(name, ends - begins, self._content(ends - begins))

    async def _content(self, size_bytes: int) -> AsyncIterator[bytes]:
        left = size_bytes
        async for piece in _pieces(self._events):
            left -= len(piece)
            if left < 0:
                raise _broken()  # the end of the form is missing, or not as browsers write it
            yield piece

    @property
    def _boundary(self) -> str:
        return self._request.content_type[1].get("boundary", "")

    async def _read(self) -> Events:
        """What the parser makes of the bytes: the head of a part, its content in pieces, None at its end."""
        if self._request.content_type[0] != "multipart/form-data" or not self._boundary:
            raise InvalidInput("This is no form with a file.", "Reload the page and choose the file again.")
        try:
            with PushMultipartParser(self._boundary, max_segment_count=PARTS) as parser:
                async for received in self._request.stream():
                    if len(self._head) < HEAD_BYTES:
                        self._head += received[:HEAD_BYTES]
                    for event in parser.parse(received):
                        yield bytes(event) if isinstance(event, bytearray) else event
        except MultipartError as error:
            raise _broken() from error


async def _pieces(events: Events) -> AsyncIterator[bytes]:
    async for event in events:
        if event is None:
            return
        if isinstance(event, bytes):
            yield event
    raise _broken()


async def _text(events: Events) -> str:
    text = b""
    async for piece in _pieces(events):
        text += piece
        if len(text) > FIELD_BYTES:
            raise InvalidInput("A field of the form is too long.", "Reload the page and send it again.")
    return text.decode(errors="replace")


def _broken() -> InvalidInput:
    return InvalidInput("The form did not arrive whole.", "Send it again.")


def _no_file() -> InvalidInput:
    return InvalidInput("No file was chosen.", "Choose the .tar.gz of your model, then press Upload.", field="file")
