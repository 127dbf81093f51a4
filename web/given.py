"""
What Litestar hands to a handler by the name of its parameter: `house: House`, `viewer: Viewer` (behind a guard),
`viewer: Visitor` (may be nobody), `live: Live`.

The same types as in web/house.py and appliance/sessions.py, marked as dependencies the way Litestar 3 wants them.
"""

from typing import TYPE_CHECKING, TypeAlias

from litestar.di import NamedDependency

from appliance import sessions
from web import house, live

if TYPE_CHECKING:
    House: TypeAlias = house.House
    Viewer: TypeAlias = sessions.Viewer
    Visitor: TypeAlias = sessions.Viewer | None
    Live: TypeAlias = live.Live
else:
    House = NamedDependency[house.House]
    Viewer = NamedDependency[sessions.Viewer]
    Visitor = NamedDependency[sessions.Viewer | None]
    Live = NamedDependency[live.Live]
