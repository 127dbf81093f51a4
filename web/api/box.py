"""Which box this is: what the terminal asks an address before anybody signs in there."""

from litestar import get

from appliance.identity import BoxIdentity
from web.api.answers import problems
from web.given import House


@get("/api/box", responses=problems(), tags=["box"], sync_to_thread=False)
def get_box(house: House) -> BoxIdentity:
    """The id that stays with the box, its name and its version."""
    return house.box


ROUTES = [get_box]
