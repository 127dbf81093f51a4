"""The shapes of people: what the API carries, and the facts that are published about them. Pure."""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.permissions import Role, is_staff

COLOURS: dict[str, str] = {
    "blue": "#0000FF",
    "red": "#FF0000",
    "marigold": "#FF8200",
    "orchid_purple": "#800080",
    "sky_blue": "#1E90FF",
    "green": "#7CFC00",
    "violet": "#FF00FF",
    "lime": "#FFFF00",
}
"""The car lights' colours, which are also the racers' (reference/drem.md 6.3). Pages use the class `c-<name>`."""

ColourName: TypeAlias = Literal["blue", "red", "marigold", "orchid_purple", "sky_blue", "green", "violet", "lime"]
CountryCode: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""
Username: TypeAlias = Annotated[str, Meta(min_length=2, max_length=20)]
"""usernames.py has the whole rule."""
Password: TypeAlias = Annotated[str, Meta(min_length=8, max_length=128)]
_Word: TypeAlias = Annotated[str, Meta(max_length=40)]
Avatar: TypeAlias = Annotated[dict[_Word, _Word], Meta(max_length=24)]
"""DREM's figure: `topType`, `hairColor` and so on to their names."""


class Person(Struct, frozen=True, kw_only=True):
    """
    Somebody the box knows.

    `neutral`: forgotten, only laps are left. `merged_into`: this was a duplicate; races belong to that person now.
    `has_crew_badge`: an admin gave a badge to one of the crew; a racer's is not meant.
    """

    person_id: str
    username: str
    country: str | None
    colour: ColourName | None
    avatar: Avatar | None
    roles: list[Role]
    has_password: bool
    created_at: str
    neutral: bool = False
    merged_into: str | None = None
    has_crew_badge: bool = False

    @property
    def is_staff(self) -> bool:
        """Whether this person is more than a racer."""
        return is_staff(self.roles)

    @property
    def may_have_crew_badge(self) -> bool:
        """Of the crew, and no admin: those sign in with name and password only."""
        return self.is_staff and Role.ADMIN not in self.roles


class Racer(Struct, frozen=True, kw_only=True):
    """What `/api/racers` answers: a person as a racer; `racer_id` is the person's id."""

    racer_id: str
    username: str
    country: str | None
    colour: ColourName | None
    avatar: Avatar | None = None


class NewRacer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signing up, or being registered at the desk. Without a password the badge is the way in."""

    username: Username
    country: CountryCode | None = None
    colour: ColourName | None = None
    avatar: Avatar | None = None
    password: Password | None = None


class RacerPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is sent changes."""

    username: Username | UnsetType = UNSET
    country: CountryCode | UnsetType | None = UNSET
    colour: ColourName | UnsetType | None = UNSET
    avatar: Avatar | UnsetType | None = UNSET


class PeopleTrailLine(Struct, frozen=True, kw_only=True):
    """What was done to a person. `details`: field to [before, after]; None when the person was forgotten since."""

    at: str
    actor: str
    kind: str
    details: dict[str, list[str | None]] | None


class PersonChanged(Struct, frozen=True, kw_only=True):
    """A person is new or different, and it is durable."""

    person_id: str


class RacersMerged(Struct, frozen=True, kw_only=True):
    """The duplicate's races belong to the other now."""

    keep_id: str
    duplicate_id: str


class RacerForgotten(Struct, frozen=True, kw_only=True):
    """Personal data is gone; laps stay under a neutral name."""

    person_id: str


class SessionsEnded(Struct, frozen=True, kw_only=True):
    """This person is signed in nowhere any more; streams opened as them must end."""

    person_id: str
