"""
docs/images/wiring-*.svg: how strips, buttons, lamp and buzzer are wired to a Raspberry Pi, drawn by ourselves.

`python -m tests.docs_wiring` writes them; tests/test_wiring.py fails when a file differs from its drawing. They stay
legible in print and on a dark page.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs/images"
ROWS, PITCH, TOP = 20, 22, 62
LEFT_X, RIGHT_X = 452, 480
"""The two columns of the header: odd pins, even pins."""
CHIP_WIDTH = 86
LEFT_EDGE, RIGHT_EDGE = LEFT_X - 14 - CHIP_WIDTH, RIGHT_X + 14 + CHIP_WIDTH
"""Where wires begin: outside of a pin's name."""
STYLE = """
:root {
  --paper: #fff; --ink: #1b1f24; --quiet: #59636e; --part: #f1f4f7; --line: #8c959f; --board: #2b3138;
  --ground: #3d444d; --signal: #0860ca; --power: #c3251c; --pin: #b8912f; --glow: #f2c230
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #12161b; --ink: #e8edf2; --quiet: #9aa5b1; --part: #222932; --line: #66717d; --board: #05070a;
    --ground: #b4bec9; --signal: #62a8ff; --power: #ff8078; --pin: #d8b04a; --glow: #ffd95e
  }
}
text { font: 14px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink) }
.small { font-size: 12px; fill: var(--quiet) }
.code { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--quiet); white-space: pre }
.name { font-weight: 600 }
.number { font-size: 9px; fill: #fff; text-anchor: middle }
.chip { font-size: 12px; font-weight: 600; text-anchor: middle }
.on-colour { fill: var(--paper) }
.middle { text-anchor: middle } .end { text-anchor: end }
.paper { fill: var(--paper) } .board { fill: var(--board) }
.part { fill: var(--part); stroke: var(--line); stroke-width: 1.5 }
.free { fill: #59636e } .ground { fill: var(--ground) } .signal { fill: var(--signal) } .power { fill: var(--power) }
.halo { fill: none; stroke: var(--paper); stroke-width: 7 }
.wire { fill: none; stroke-width: 3; stroke-linejoin: round; stroke-linecap: round }
.wire.ground { fill: none; stroke: var(--ground) } .wire.signal { fill: none; stroke: var(--signal) }
.wire.power { fill: none; stroke: var(--power) } .ink { fill: none; stroke: var(--ink); stroke-width: 2 }
.orange { fill: #e8731a } .brown { fill: #7a4a21 } .gold { fill: var(--pin) }
.foil { fill: none; stroke: var(--pin); stroke-width: 4 }
.glow { fill: var(--glow); stroke: var(--ink); stroke-width: 1.5 }
"""

Point = tuple[float, float]


class Drawing:
    """One picture, grown piece by piece."""

    def __init__(self, title: str, *, height: int = 540, width: int = 940) -> None:
        self._size = (width, height)
        self._title = title
        self._pieces: list[str] = []
        self.pins: dict[int, str] = {}

    def add(self, piece: str) -> None:
        """Anything."""
        self._pieces.append(piece)

    def text(self, x: float, y: float, words: str, kind: str = "") -> None:
        """One line of text; y is its base line."""
        self.add(f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>')

    def wire(self, kind: str, *points: Point) -> None:
        """A wire with right angles; one that crosses another passes over it."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        self.add(f'<path class="halo" d="{path}"/><path class="wire {kind}" d="{path}"/>')

    def box(self, x: float, y: float, width: float, height: float, kind: str = "part", radius: float = 6) -> None:
        """A rectangle."""
        self.add(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" class="{kind}"/>')

    def dot(self, x: float, y: float, radius: float, kind: str) -> None:
        """A disc."""
        self.add(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" class="{kind}"/>')

    def svg(self) -> str:
        """The whole file."""
        width, height = self._size
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        body = "\n".join(self._pieces)
        title = f"<title>{escape(self._title)}</title>"
        paper = f'<rect width="{width}" height="{height}" class="paper"/>'
        return f"{head}\n{title}\n<style>{STYLE}</style>\n{paper}\n{body}\n</svg>\n"


def row_y(pin: int) -> float:
    """The height of a pin of the header."""
    return TOP + (pin - 1) // 2 * PITCH


def header(drawing: Drawing, used: dict[int, str]) -> None:
    """The 40 pins as one looks down on the board, with names at those in use: GND, 3V3 or GPIO and its number."""
    drawing.pins = used
    drawing.box(LEFT_X - 16, TOP - 18, RIGHT_X - LEFT_X + 32, (ROWS - 1) * PITCH + 36, "board", 5)
    drawing.text((LEFT_X + RIGHT_X) / 2, TOP - 28, "Raspberry Pi, 40-pin header", "name middle")
    drawing.text((LEFT_X + RIGHT_X) / 2, TOP + ROWS * PITCH + 14, "USB and network sockets at this end", "small middle")
    for pin in range(1, 41):
        x, y = LEFT_X if pin % 2 else RIGHT_X, row_y(pin)
        name = used.get(pin)
        kind = kind_of(name) if name else "free"
        if name:
            chip_x = LEFT_EDGE if pin % 2 else RIGHT_X + 14
            drawing.box(chip_x, y - 9, CHIP_WIDTH, 18, kind, 4)
            drawing.text(chip_x + CHIP_WIDTH / 2, y + 4.5, name, "chip on-colour")
        if pin == 1:  # the square pad
            drawing.box(x - 8.5, y - 8.5, 17, 17, kind, 1)
        else:
            drawing.dot(x, y, 8.5, kind)
        drawing.text(x, y + 3.2, str(pin), "number on-colour" if name else "number")


def kind_of(name: str) -> str:
    """The colour of a pin: ground, power or signal."""
    return {"GND": "ground", "3V3": "power"}.get(name, "signal")


def start(pin: int) -> Point:
    """Where the wire of a pin begins."""
    return (LEFT_EDGE if pin % 2 else RIGHT_EDGE, row_y(pin))


def lead(drawing: Drawing, pin: int, name: str, lane_x: float, end: Point) -> None:
    """A wire from a pin over a vertical lane to a part."""
    x, y = start(pin)
    drawing.wire(kind_of(name), (x, y), (lane_x, y), (lane_x, end[1]), end)


def strip(drawing: Drawing, y: float, name: str, setting: str) -> None:
    """A pressure strip whose two leads end at x 230, 15 above and below y."""
    drawing.box(30, y - 22, 180, 44, "part", 8)
    for row in (y - 9, y + 9):
        drawing.add(f'<path class="foil" d="M44 {row:g} H196"/>')
    drawing.wire("ground", (210, y - 15), (230, y - 15))
    drawing.wire("signal", (210, y + 15), (230, y + 15))
    drawing.text(30, y - 32, name, "name")
    drawing.text(30, y + 40, setting, "code")


def button(drawing: Drawing, x: float, y: float, name: str, setting: str) -> None:
    """A push button, 60 wide."""
    drawing.box(x, y - 28, 60, 56)
    drawing.dot(x + 30, y, 17, "signal")
    drawing.dot(x + 30, y, 11, "part")
    below = setting.startswith("gpio_shutdown")
    drawing.text(x if below else x + 74, y - 38 if below else y - 4, name, "name")
    drawing.text(x if below else x + 74, y + 46 if below else y + 16, setting, "code")


def box_picture() -> Drawing:
    """Two bare strips, two buttons, a lamp and a buzzer."""
    drawing = Drawing("Strips, buttons, lamp and buzzer at the header of a Raspberry Pi")
    strip(drawing, 115, "Strip 1, two bare wires", 'gpio_lines = ["17", …]')
    strip(drawing, 250, "Strip 2, two bare wires", 'gpio_lines = [… , "27"]')
    lead(drawing, 9, "GND", 330, (230, 100))
    lead(drawing, 11, "GPIO 17", 306, (230, 130))
    # The second strip lies the other way round: its signal is the upper lead.
    drawing.wire("signal", (210, 235), (230, 235))
    drawing.wire("ground", (210, 265), (230, 265))
    lead(drawing, 13, "GPIO 27", 330, (230, 235))
    lead(drawing, 25, "GND", 330, (230, 265))
    button(drawing, 150, row_y(37) + 11, "Shutdown, hold 3 s", "gpio_shutdown_button = 26")
    lead(drawing, 37, "GPIO 26", 306, (210, row_y(37)))
    lead(drawing, 39, "GND", 306, (210, row_y(39)))
    lamp(drawing)
    drawing.box(700, 220, 54, 54)
    drawing.dot(727, 247, 20, "board")
    drawing.dot(727, 247, 4, "part")
    drawing.text(768, 243, "Buzzer, active, 3 V", "name")
    drawing.text(768, 263, "gpio_buzzer = 24", "code")
    lead(drawing, 18, "GPIO 24", 650, (700, row_y(18) - 6))
    lead(drawing, 20, "GND", 650, (700, row_y(20)))
    button(drawing, 700, 378, "Start and laps", "gpio_start_button = 25")
    lead(drawing, 22, "GPIO 25", 650, (700, 362))
    lead(drawing, 30, "GND", 650, (700, 394))
    pins = {9: "GND", 11: "GPIO 17", 13: "GPIO 27", 25: "GND", 37: "GPIO 26", 39: "GND"}
    header(drawing, pins | {14: "GND", 16: "GPIO 23", 18: "GPIO 24", 20: "GND", 22: "GPIO 25", 30: "GND"})
    return drawing


def lamp(drawing: Drawing) -> None:
    """A light-emitting diode and its resistor, lit while strips are recorded."""
    lead(drawing, 14, "GND", 622, (800, 86))
    lead(drawing, 16, "GPIO 23", 650, (690, 140))
    drawing.wire("signal", (756, 140), (800, 140), (800, 126))
    drawing.box(690, 130, 66, 20, "part", 4)
    for x, band in ((702, "orange"), (714, "orange"), (726, "brown"), (742, "gold")):
        drawing.add(f'<rect x="{x}" y="130" width="5" height="20" class="{band}"/>')
    drawing.wire("ground", (800, 86), (800, 100))
    drawing.add('<path class="glow" d="M786 126 H814 L800 102 Z"/><path class="ink" d="M786 101 H814"/>')
    drawing.text(690, 168, "330 Ω", "small")
    drawing.text(828, 106, "Lamp, LED", "name")
    drawing.text(828, 124, "gpio_lamp = 23", "code")


def board(drawing: Drawing, y: float, name: str, setting: str, pins: Sequence[str]) -> None:
    """A sensor board of the DREM timer kit; its three pins end at x 230, 24 apart, from y down."""
    drawing.box(70, y - 18, 140, 84)
    for row, pin in enumerate(pins):
        drawing.text(202, y + 4 + row * 24, pin, "small end")
        kind = {"VCC": "power", "GND": "ground"}.get(pin, "signal")
        drawing.wire(kind, (210, y + row * 24), (230, y + row * 24))
    drawing.dot(112, y + 24, 20, "board")
    drawing.text(70, y - 28, name, "name")
    drawing.text(70, y + 84, setting, "code")


def boards_picture() -> Drawing:
    """The sensor boards of an existing DREM timer kit."""
    drawing = Drawing("Sensor boards of a DREM timer kit at the header of a Raspberry Pi")
    board(drawing, 80, "Sensor board 1", '"17:active-high"', ("VCC", "GND", "DO"))
    board(drawing, 278, "Sensor board 2", '"27:active-high"', ("DO", "VCC", "GND"))
    lead(drawing, 1, "3V3", 330, (230, 80))
    lead(drawing, 9, "GND", 306, (230, 104))
    lead(drawing, 11, "GPIO 17", 282, (230, 128))
    lead(drawing, 13, "GPIO 27", 282, (230, 278))
    lead(drawing, 17, "3V3", 306, (230, 302))
    lead(drawing, 25, "GND", 306, (230, 326))
    header(drawing, {1: "3V3", 9: "GND", 11: "GPIO 17", 13: "GPIO 27", 17: "3V3", 25: "GND"})
    for row, words in enumerate(
        (
            "The boards drive their line high at a hit.",
            "Feed them from 3V3, never from 5V:",
            "an input of the Pi takes 3.3 V at most.",
        )
    ):
        drawing.text(640, 200 + row * 24, words)
    drawing.text(640, 290, 'gpio_lines = ["17:active-high",', "code")
    drawing.text(640, 308, '              "27:active-high"]', "code")
    return drawing


def loop_back_picture() -> Drawing:
    """One output drives both strip inputs: the measurement of the stamps."""
    drawing = Drawing("Loop-back test: GPIO 22 drives the inputs of both strips")
    for pin, y in ((11, 150), (13, 250)):
        lead(drawing, pin, "GPIO", 290, (250, y))
        drawing.wire("signal", (184, y), (130, y), (130, 330))
        drawing.box(184, y - 10, 66, 20, "part", 4)
        drawing.text(217, y + 28, "1 kΩ", "small middle")
    lead(drawing, 15, "GPIO", 330, (130, 330))
    drawing.wire("signal", (130, 240), (130, 260))
    drawing.dot(130, 250, 5, "signal")
    drawing.text(60, 366, "Two wires, no strip, nothing else", "name")
    drawing.text(60, 386, "connected. The resistors save the Pi", "small")
    drawing.text(60, 403, "when a line is an output by mistake.", "small")
    header(drawing, {11: "GPIO 17", 13: "GPIO 27", 15: "GPIO 22"})
    for row, words in enumerate(("GPIO 22 is the output: it hits", "both strips at the same moment.")):
        drawing.text(640, 200 + row * 24, words)
    drawing.text(640, 262, "What the two stamps differ by", "")
    drawing.text(640, 286, "is the error of the timing.", "")
    return drawing


PICTURES = {
    "wiring-box.svg": box_picture,
    "wiring-drem-boards.svg": boards_picture,
    "wiring-loop-back.svg": loop_back_picture,
}


if __name__ == "__main__":
    for file, draw in PICTURES.items():
        (FOLDER / file).write_text(draw().svg())
