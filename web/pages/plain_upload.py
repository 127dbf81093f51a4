"""A model from a form, for browsers that run no script: in one go, so an interrupted one is sent again as a whole."""

from typing import Any

from litestar import Request

from cars.upload_structs import MAX_ARCHIVE_BYTES, NewUpload
from web.form_files import FormWithFile
from web.given import House

FORM_BYTES = MAX_ARCHIVE_BYTES + 64 * 1024
"""The largest model, and the form around it."""


async def take_file(request: Request[Any, Any, Any], house: House, racer_id: str | None, actor: str) -> None:
    """
    Take the form's file as a model of this racer; None: the box's own.

    Raises:
        InvalidInput: no file was chosen, or one that is no model by its name.
        NotAllowed: the form is not one of ours.
        ApplianceError: as Uploads.take_file.
    """
    async with FormWithFile(request) as file:
        new = NewUpload(file_name=file.name, size_bytes=file.size_bytes)
        await house.uploads.take_file(new, racer_id, file.pieces, actor)
