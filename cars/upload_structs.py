"""An upload as it crosses HTTP and SQL, and the one refusal that carries a number. Pure."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.errors import Conflict, TooLarge

CHUNK_BYTES = 4 * 1024 * 1024
"""The most one request carries: 2 s of a slow phone's Wi-Fi (2 MB/s), so little is lost when it drops."""
MAX_ARCHIVE_BYTES = 200 * 1024 * 1024
"""What a car's own console takes at most (reference/car.md 2: nginx client_max_body_size)."""


class NewUpload(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    A file that somebody is about to send.

    `racer_id` is for the crew: whose model it is, null for the box's own; without it, the sender's. `modified_at` is
    the file's own, as the browser tells it: with name and size it tells whether it is the file that was begun before.
    """

    file_name: Annotated[str, Meta(min_length=1, max_length=255)]
    size_bytes: Annotated[int, Meta(ge=1, le=2**53)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    racer_id: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    modified_at: Annotated[str, Meta(max_length=40)] | None = None


class UploadView(Struct, frozen=True, kw_only=True):
    """
    How far an upload is: `offset` bytes are on the disk for sure, send on from there.

    `model_id` is set once all bytes are here and the model has its row.
    """

    upload_id: str
    racer_id: str | None
    file_name: str
    size_bytes: int
    offset: int
    chunk_bytes: int
    modified_at: str | None
    touched_at: str
    model_id: str | None


class WrongOffset(Conflict):
    """Bytes for another place than where the upload stands; `upload` says where that is."""

    def __init__(self, upload: UploadView) -> None:
        super().__init__(
            f"The upload of {upload.file_name} stands at byte {upload.offset}.", "Send on from there.", field="offset"
        )
        self.upload = upload


def too_much() -> TooLarge:
    """More bytes than a request may bring, or than the file was said to have."""
    return TooLarge(
        "More came than belongs to this file, or than fits one chunk.",
        f"Send chunks of {CHUNK_BYTES} bytes at most, and no more than size_bytes of all.",
    )
