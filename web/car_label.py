"""
Labels for cars: one as a PNG for a label printer, many as a PDF sheet. Draws, and owns no car.

Imports Pillow, which the server does without: web/label_press.py runs this in a process of its own.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import segno
from msgspec import Struct
from PIL import Image, ImageDraw, ImageFont

FONT = Path(__file__).parent / "static" / "vendor" / "dejavu-2.37" / "DejaVuSans-Bold.ttf"
WIDTH_PX, HEIGHT_PX = 991, 306
"""A 29 x 90 mm label at 300 dots to the inch, as DREM prints them (reference/drem.md 4.6)."""
DPI = 300
MARGIN_PX = 20
QR_PX = HEIGHT_PX - 2 * MARGIN_PX
TEXT_PX = WIDTH_PX - QR_PX - 3 * MARGIN_PX
NAME_SIZES = (96, 84, 72, 60, 48, 40, 34, 28, 24)
SMALL_SIZE = 30
FOOT = "Scan to open this car"

PAGE_PX = (2480, 3508)
"""A4."""
COLUMNS, ROWS = 2, 10
GAP_PX = 28
BLACK, WHITE = 0, 1


class Label(Struct, frozen=True, kw_only=True):
    """What stands on it: the car's name and serial, and the address of its page on the box. Never a password."""

    name: str
    serial: str
    url: str


def png_of(label: Label) -> bytes:
    """One label, 991 x 306, black on white."""
    file = io.BytesIO()
    _drawn(label).save(file, "PNG", dpi=(DPI, DPI), optimize=True)
    return file.getvalue()


def sheet_of(labels: Sequence[Label]) -> bytes:
    """A4 pages as a PDF, twenty labels each, in the order given; at least one label."""
    pages = [_page(labels[first : first + COLUMNS * ROWS]) for first in range(0, len(labels), COLUMNS * ROWS)]
    file = io.BytesIO()
    pages[0].save(file, "PDF", resolution=DPI, save_all=True, append_images=pages[1:], title="Trackside car labels")
    return file.getvalue()


def _page(labels: Sequence[Label]) -> Image.Image:
    page = Image.new("1", PAGE_PX, WHITE)
    left = (PAGE_PX[0] - COLUMNS * WIDTH_PX - (COLUMNS - 1) * GAP_PX) // 2
    top = (PAGE_PX[1] - ROWS * HEIGHT_PX - (ROWS - 1) * GAP_PX) // 2
    pen = ImageDraw.Draw(page)
    for place, label in enumerate(labels):
        x = left + place % COLUMNS * (WIDTH_PX + GAP_PX)
        y = top + place // COLUMNS * (HEIGHT_PX + GAP_PX)
        page.paste(_drawn(label), (x, y))
        pen.rectangle((x, y, x + WIDTH_PX - 1, y + HEIGHT_PX - 1), outline=BLACK)  # where to cut
    return page


def _drawn(label: Label) -> Image.Image:
    picture = Image.new("1", (WIDTH_PX, HEIGHT_PX), WHITE)
    picture.paste(_code(label.url), (MARGIN_PX, MARGIN_PX))
    pen = ImageDraw.Draw(picture)
    left, name = 2 * MARGIN_PX + QR_PX, _drawable(label.name) or label.serial
    lines, font = _fitting(pen, name)
    height = len(lines) * int(font.size * 1.15)
    small = ImageFont.truetype(FONT, SMALL_SIZE)
    pen.multiline_text((left, (HEIGHT_PX - height) // 2 - SMALL_SIZE), "\n".join(lines), font=font, fill=BLACK)
    pen.text(
        (left, HEIGHT_PX - MARGIN_PX - 2 * SMALL_SIZE - 12), _cut(pen, label.serial, small), font=small, fill=BLACK
    )
    pen.text((left, HEIGHT_PX - MARGIN_PX - SMALL_SIZE - 4), FOOT, font=small, fill=BLACK)
    return picture


def _code(url: str) -> Image.Image:
    """The code in whole dots per module, so that no edge is blurred, on a square of QR_PX."""
    rows = list(segno.make(url, error="m", micro=False).matrix_iter(border=2))
    scale = QR_PX // len(rows)
    small = Image.new("1", (len(rows), len(rows)), WHITE)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                small.putpixel((x, y), BLACK)
    side = len(rows) * scale
    square = Image.new("1", (QR_PX, QR_PX), WHITE)
    square.paste(small.resize((side, side), Image.Resampling.NEAREST), ((QR_PX - side) // 2, (QR_PX - side) // 2))
    return square


def _fitting(pen: ImageDraw.ImageDraw, name: str) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """The largest letters in which the name fits on one line, or on two where that makes them larger."""
    for size in NAME_SIZES:
        font = ImageFont.truetype(FONT, size)
        for lines in ([name], *_halves(name)) if size <= NAME_SIZES[2] else ([name],):
            if all(pen.textlength(line, font=font) <= TEXT_PX for line in lines):
                return lines, font
    smallest = ImageFont.truetype(FONT, NAME_SIZES[-1])
    return [_cut(pen, name, smallest)], smallest


def _halves(name: str) -> list[list[str]]:
    """The name on two lines, parted at the blank that lies nearest to its middle."""
    blanks = [place for place, letter in enumerate(name) if letter == " "]
    if not blanks:
        return []
    middle = min(blanks, key=lambda place: abs(place - len(name) / 2))
    return [[name[:middle], name[middle + 1 :]]]


def _cut(pen: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont) -> str:
    while len(text) > 1 and pen.textlength(text, font=font) > TEXT_PX:
        text = text.removesuffix("…")[:-1] + "…"
    return text


def _drawable(name: str) -> str:
    """The name where these letters have all of it, else nothing: a row of boxes names no car."""
    font = ImageFont.truetype(FONT, SMALL_SIZE)
    missing = _shape(font, "\uffff")
    return "" if any(_shape(font, letter) == missing for letter in set(name) - {" "}) else name


def _shape(font: ImageFont.FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)
