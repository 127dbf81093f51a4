"""The trail of a person, read back: who did what and when."""

import msgspec

from appliance.database import Database
from appliance.people_store import Details
from appliance.people_structs import PeopleTrailLine


async def trail_of(db: Database, person_id: str) -> list[PeopleTrailLine]:
    """Newest first; `details` is None for what happened before somebody was forgotten."""
    rows = await db.fetch_all(
        "SELECT at, actor, kind, details FROM people_trail WHERE person_id = ? ORDER BY trail_id DESC", [person_id]
    )
    return [
        PeopleTrailLine(
            at=row["at"],
            actor=row["actor"],
            kind=row["kind"],
            details=None if row["details"] is None else msgspec.json.decode(row["details"], type=Details),
        )
        for row in rows
    ]
