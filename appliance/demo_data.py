"""
The demo's people, event and driving styles; the same data are the tests' fixtures.

Only values: names that real halls have (umlauts, Chinese and Japanese characters, Greek, long ones, a one-word one).
"""

from dataclasses import dataclass

LINES = (17, 27, 22, 23)
"""The simulated recorder's lines: two strips on each of two tracks."""


@dataclass(frozen=True, slots=True)
class DemoStaff:
    """A staff account the demo makes; its password is made when the demo starts."""

    username: str
    role: str


@dataclass(frozen=True, slots=True)
class DemoRacer:
    """A racer and how they drive: usual lap in ms, spread in ms, and how often in a lap the car leaves the track."""

    username: str
    country: str
    colour: str
    usual_lap_ms: int
    spread_ms: int
    resets_per_lap: float


@dataclass(frozen=True, slots=True)
class DemoTrack:
    """A track and the strips that time it."""

    track_id: str
    name: str
    lines: tuple[int, ...]


STAFF = (
    DemoStaff("admin", "admin"),
    DemoStaff("operator", "operator"),
    DemoStaff("commentator", "commentator"),
    DemoStaff("registration", "registration"),
)
RACER_WITH_LOGIN = "Ada"
RACER_WITH_BADGE = "Zoë"

EVENT_NAME = "Trackside Grand Prix"
SPONSOR = "The Paddock Café"
TRACKS = (DemoTrack("1", "Harbour", (17, 27)), DemoTrack("2", "Old Town", (22, 23)))
FOOTER = "Follow the race #AWSDeepRacer"

COLOURS = ("red", "marigold", "lime", "green", "sky_blue", "blue", "orchid_purple", "violet")

RACERS = (
    DemoRacer("Jörg.Weiß", "DE", COLOURS[0], 8_900, 350, 0.10),
    DemoRacer("Åsa.Lindström", "SE", COLOURS[1], 9_100, 300, 0.05),
    DemoRacer("佐藤健", "JP", COLOURS[2], 8_700, 420, 0.15),
    DemoRacer("María.José.Núñez", "ES", COLOURS[3], 9_600, 500, 0.10),
    DemoRacer("Łukasz_Żak", "PL", COLOURS[4], 9_300, 380, 0.10),
    DemoRacer("王小明", "TW", COLOURS[5], 9_000, 450, 0.20),
    DemoRacer("Ada", "GB", COLOURS[6], 8_500, 260, 0.05),
    DemoRacer("Chloé_Lefèvre", "FR", COLOURS[7], 10_100, 600, 0.15),
    DemoRacer("김민준", "KR", COLOURS[0], 9_200, 340, 0.10),
    DemoRacer("Ωmega.Νίκος", "GR", COLOURS[1], 10_400, 700, 0.25),
    DemoRacer("Priya.Raghunathan", "IN", COLOURS[2], 9_400, 330, 0.05),
    DemoRacer("Thiago", "BR", COLOURS[3], 9_700, 520, 0.20),
    DemoRacer("Bartholomew.Fitz", "IE", COLOURS[4], 11_200, 900, 0.30),
    DemoRacer("Zoë", "NL", COLOURS[5], 9_900, 410, 0.10),
    DemoRacer("Øyvind_Håland", "NO", COLOURS[6], 10_800, 650, 0.20),
    DemoRacer("Sarah.Connor", "US", COLOURS[7], 9_050, 310, 0.05),
    DemoRacer("Đặng.Thảo", "VN", COLOURS[0], 10_200, 480, 0.15),
    DemoRacer("Müller-Lüdenscheidt", "CH", COLOURS[1], 12_000, 1_000, 0.35),
    DemoRacer("Noa", "IL", COLOURS[2], 9_800, 450, 0.10),
    DemoRacer("Kwame.Mensah", "GH", COLOURS[3], 10_600, 560, 0.20),
    DemoRacer("Ayşe_Yılmaz", "TR", COLOURS[4], 10_000, 470, 0.15),
    DemoRacer("Οδυσσέας", "CY", COLOURS[5], 11_000, 720, 0.25),
    DemoRacer("Mateo.Rodríguez", "MX", COLOURS[6], 10_300, 510, 0.15),
    DemoRacer("Wiremu", "NZ", COLOURS[7], 9_500, 390, 0.10),
)
"""24 racers from 24 countries."""
