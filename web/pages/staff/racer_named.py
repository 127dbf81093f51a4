"""Which racer is meant by what somebody of the crew typed: an id, a whole name, or a few letters that only one has."""

from appliance.errors import NotFound
from appliance.people import Person
from appliance.permissions import Role
from web.given import House

NAMED = 5
"""Names that are told when the letters fit several."""


def racer_named(house: House, text: str) -> tuple[Person | None, str | None]:
    """The racer, or what to type instead; neither when nothing was typed."""
    if not text:
        return None, None
    try:
        return house.people.get(text), None
    except NotFound:
        pass
    whole = house.people.find(text)
    if whole is not None:
        return whole, None
    found = house.people.search(text, Role.RACER, NAMED + 1)
    if len(found) == 1:
        return found[0], None
    if not found:
        return None, f"No racer is called “{text}”. Type other letters."
    names = ", ".join(person.username for person in found[:NAMED])
    return None, f"“{text}” may be {names}{' or another' if len(found) > NAMED else ''}. Type more letters."
