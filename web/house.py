"""Everything a page or an API call may ask for, put together once by appliance/serve.py."""

from dataclasses import dataclass

from appliance.database import Database
from appliance.facts import Facts
from appliance.health import Health
from appliance.identity import BoxIdentity
from appliance.people import People
from appliance.sessions import Sessions
from appliance.settings import Settings
from cars.cars import Cars
from cars.clocks import Clocks
from cars.commands import Commands
from cars.finder.finder import Finder
from cars.fleets import Fleets
from cars.logs import Logs
from cars.models import Models
from cars.pairings import Pairings
from cars.pushes import Pushes
from cars.uploads import Uploads
from timing.boards import Boards
from timing.control import RaceControl
from timing.events import Events
from timing.intake import StripIntake
from timing.loose import LooseCrossings
from timing.queue import Queue
from timing.remotes import RemoteRecorders
from timing.rescoring import Rescoring
from timing.strip_check import StripCheck


@dataclass(frozen=True, slots=True)
class House:
    """The rooms of a running box."""

    settings: Settings
    box: BoxIdentity
    db: Database
    facts: Facts
    people: People
    sessions: Sessions
    events: Events
    control: RaceControl
    strips: StripIntake
    remotes: RemoteRecorders
    strip_check: StripCheck
    loose: LooseCrossings
    rescoring: Rescoring
    boards: Boards
    queue: Queue
    models: Models
    uploads: Uploads
    cars: Cars
    finder: Finder
    clocks: Clocks
    fleets: Fleets
    pairings: Pairings
    pushes: Pushes
    commands: Commands
    logs: Logs
    health: Health
