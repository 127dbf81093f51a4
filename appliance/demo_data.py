"""
The demo's people, event, cars, models and driving styles; the same data are the tests' fixtures.

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


@dataclass(frozen=True, slots=True)
class DemoCar:
    """A light stand-in, the track whose fleet it is in, and its kind (cars/standin/profiles.py)."""

    serial: str
    name: str
    track_id: str
    battery: int
    profile: str = "community_20"


@dataclass(frozen=True, slots=True)
class DemoModel:
    """A model and whose it is, None for the box's own; `share` of the usual size; what a car can drive is `drives`."""

    username: str | None
    file_name: str
    share: float = 1.0
    sensors: tuple[str, ...] = ("FRONT_FACING_CAMERA",)
    algorithm: str = "clipped_ppo"
    is_checkpoint: bool = False

    @property
    def drives(self) -> bool:
        """Whether one of the demo's cars, which have a camera in front, gets anywhere with it."""
        return not self.is_checkpoint and self.sensors == ("FRONT_FACING_CAMERA",)


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

CARS = (
    DemoCar("AMSS-4F21", "Seagull", "1", 9),
    DemoCar("AMSS-09C7", "Lantern", "2", 8),
    DemoCar("AMSS-B3D0", "Anchor", "1", 6),
    DemoCar("AMSS-7E5A", "Town Hall", "2", 10, "community_24"),
    DemoCar("10000000C4A1", "Brännö", "1", 7, "pi"),
    DemoCar("AMSS-2D88", "Großer Markt", "2", 3),
)
"""Three at each track, the first two at different ones."""

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

RACER_WITHOUT_MODEL = "Noa"
"""They race with the box's own."""
MODELS = (
    DemoModel(None, "walk-up-easy.tar.gz", 0.8),
    DemoModel("Ada", "ada-line-07.tar.gz"),
    DemoModel("Ada", "ada-line-08-faster.tar.gz", 1.1),
    DemoModel("Ada", "ada-line-08-training.tar.gz", 1.4, is_checkpoint=True),
    DemoModel("佐藤健", "sato-12.tar.gz", 0.9),
    DemoModel("佐藤健", "sato-13-lidar.tar.gz", 1.3, sensors=("STEREO_CAMERAS", "SECTOR_LIDAR")),
    DemoModel("佐藤健", "sato-14.tar.gz"),
    DemoModel("Jörg.Weiß", "Jörg schnell (3).tar.gz", 1.2),
    DemoModel("Åsa.Lindström", "asa-clockwise.tar.gz"),
    DemoModel("María.José.Núñez", "sonic-final.tar.gz", 0.7),
    DemoModel("Łukasz_Żak", "zak-ppo-21.tar.gz"),
    DemoModel("王小明", "wang-2026-spring.tar.gz", 1.1),
    DemoModel("Chloé_Lefèvre", "petit-bolide.tar.gz", 0.9),
    DemoModel("김민준", "kim-v9.tar.gz"),
    DemoModel("Ωmega.Νίκος", "omega-wide-turns.tar.gz", 1.3),
    DemoModel("Priya.Raghunathan", "priya-centerline-5.tar.gz", 0.8, algorithm="sac"),
    DemoModel("Thiago", "ligeirinho.tar.gz"),
    DemoModel("Bartholomew.Fitz", "first-try.tar.gz", 0.6),
    DemoModel("Zoë", "zoe-oranje-4.tar.gz", 1.1),
    DemoModel("Øyvind_Håland", "fjordrace.tar.gz"),
    DemoModel("Sarah.Connor", "terminator-2.tar.gz", 1.2),
    DemoModel("Đặng.Thảo", "rong-lua.tar.gz"),
    DemoModel("Müller-Lüdenscheidt", "wanne-1.tar.gz", 0.7),
    DemoModel("Kwame.Mensah", "kwame-accra-6.tar.gz"),
    DemoModel("Ayşe_Yılmaz", "firtina.tar.gz", 0.9),
    DemoModel("Οδυσσέας", "ithaca-10-years.tar.gz", 1.4),
    DemoModel("Mateo.Rodríguez", "correcaminos.tar.gz"),
    DemoModel("Wiremu", "haka-3.tar.gz", 1.1),
)
"""Two racers have several; one of Ada's is of the training, which no car can drive."""
