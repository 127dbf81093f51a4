"""Whose models a viewer may see and change: their own, or with MANAGE_MODELS everybody's and the box's."""

from msgspec import UnsetType

from appliance.errors import InvalidInput, NotAllowed, NotFound
from appliance.people import People
from appliance.permissions import Permission
from appliance.sessions import Viewer


def may_touch(viewer: Viewer, racer_id: str | None) -> bool:
    """Whether a model or an upload of this racer (None: the box's own) is theirs to see and to change."""
    return viewer.person_id == racer_id or viewer.can(Permission.MANAGE_MODELS)


def owner_meant(people: People, viewer: Viewer, asked: str | UnsetType | None) -> str | None:
    """
    Whose a new model will be: the racer named, the box's own for null, the viewer's when nobody is named.

    Raises:
        NotAllowed: a racer named somebody else.
        InvalidInput: nobody is named and the viewer is no racer, or nobody has this id.
    """
    if isinstance(asked, UnsetType):
        asked = viewer.person_id
    if not may_touch(viewer, asked):
        raise NotAllowed("You can only upload your own models.", "Leave the racer out, or ask the crew.")
    if asked is not None:
        try:
            people.get(asked)
        except NotFound as error:
            raise InvalidInput("There is no such racer.", "Choose whose model it is.", field="racer_id") from error
    return asked
