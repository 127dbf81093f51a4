"""Everybody in memory: by id, by name, by badge. people.py keeps it true; nothing here waits or writes."""

import sqlite3
from collections.abc import Iterator

from appliance import people_store
from appliance.badges import badge_code, normal_code
from appliance.people_structs import Person
from appliance.permissions import Role
from appliance.usernames import username_key


class Directory:
    """What the last durable row of each person says."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._people: dict[str, Person] = {}
        self._by_key: dict[str, str] = {}
        self._by_badge: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._hashes: dict[str, str | None] = {}
        self._serials: dict[str, int] = {}

    def keep(self, row: sqlite3.Row) -> Person:
        """Make the directory say what the row says."""
        person = people_store.person_of(row)
        self._take_out(person.person_id)
        self._people[person.person_id] = person
        self._hashes[person.person_id] = row["password_hash"]
        self._serials[person.person_id] = row["badge_serial"]
        if person.merged_into is None:
            self._by_key[username_key(person.username)] = person.person_id
            if _has_badge(person):
                code = badge_code(self._secret, person.person_id, row["badge_serial"])
                self._codes[person.person_id] = code
                self._by_badge[code] = person.person_id
        return person

    def get(self, person_id: str) -> Person:
        """
        Somebody by id.

        Raises:
            NotFound: nobody ever had this id.
        """
        person = self._people.get(person_id)
        if person is None:
            raise people_store.unknown_person()
        return person

    def find(self, username: str) -> Person | None:
        """Somebody by name, in any case."""
        person_id = self._by_key.get(username_key(username.strip()))
        return None if person_id is None else self._people[person_id]

    def find_by_badge(self, code: str) -> Person | None:
        """Whose badge it is."""
        person_id = self._by_badge.get(normal_code(code))
        return None if person_id is None else self._people[person_id]

    def living(self) -> Iterator[tuple[str, Person]]:
        """Name keys and people, without forgotten ones and merged duplicates."""
        for key, person_id in self._by_key.items():
            person = self._people[person_id]
            if not person.neutral:
                yield key, person

    def code(self, person_id: str) -> str | None:
        """The badge code of a racer, or of one of the crew who was given one; None for everybody else."""
        return self._codes.get(person_id)

    def badge_serial(self, person_id: str) -> int | None:
        """Which badge of this person counts, None for nobody's id; a code of another serial is worth nothing."""
        return self._serials.get(person_id)

    def password_hash(self, person_id: str) -> str | None:
        """The hash of a person's password, None without one."""
        return self._hashes.get(person_id)

    def has_admin(self) -> bool:
        """Whether anybody is admin."""
        return any(Role.ADMIN in person.roles for person in self._people.values())

    def _take_out(self, person_id: str) -> None:
        before = self._people.get(person_id)
        if before is not None and self._by_key.get(username_key(before.username)) == person_id:
            del self._by_key[username_key(before.username)]
        code = self._codes.pop(person_id, None)
        if code is not None:
            del self._by_badge[code]


def _has_badge(person: Person) -> bool:
    """The mark alone is not enough: whatever a row says, no badge opens an admin's account."""
    if person.neutral:
        return False
    return not person.is_staff or (person.has_crew_badge and person.may_have_crew_badge)
