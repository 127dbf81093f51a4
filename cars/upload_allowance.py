"""
How many uploads a person may begin: a racer a folder of models at once, the crew those of a whole field.

Each has an own allowance, so that nobody's script keeps others waiting.
"""

from appliance.errors import NotFound, TooManyTries
from appliance.limits import Budget
from appliance.people import People
from appliance.permissions import Permission, can

BEGUN = 60
BEGUN_REFILL_PER_S = 1 / 20
"""New uploads of one racer: a folder of models at once, and a script is soon slow."""
CREW_BEGUN = 1_000
CREW_REFILL_PER_S = 1.0
"""Of one of the crew, who may bring every racer's models on a stick: five for each of 200 racers without a wait."""


class Allowance:
    """What is left of it, by person."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._racers = Budget(BEGUN, BEGUN_REFILL_PER_S)
        self._crew = Budget(CREW_BEGUN, CREW_REFILL_PER_S)

    def check(self, actor: str) -> None:
        """
        Let one more begin.

        Raises:
            TooManyTries: this person began too many; says how long to wait.
        """
        try:
            self._of(actor).check(actor)
        except TooManyTries as error:
            wait_s = error.retry_after_s
            words = f"Wait {wait_s} s, then go on."
            raise TooManyTries("You began very many uploads just now.", words, retry_after_s=wait_s) from None

    def spend(self, actor: str) -> None:
        """One was begun."""
        self._of(actor).spend(actor)

    def _of(self, actor: str) -> Budget:
        try:
            roles = self._people.get(actor).roles
        except NotFound:
            return self._racers
        return self._crew if can(roles, Permission.MANAGE_MODELS) else self._racers
