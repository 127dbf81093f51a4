"""Car labels: the size a label printer takes, a code that leads to the page of the car, any name readable."""

import io
import re
from collections.abc import Sequence

import msgspec
import pytest
import segno
from PIL import Image

from appliance.addresses import page_addresses
from cars.car_structs import Car, Platform
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from web.car_label import HEIGHT_PX, MARGIN_PX, QR_PX, WIDTH_PX, Label, png_of, sheet_of
from web.label_press import Form, pressed

URL = "http://192.168.100.200:8080/staff/cars/by-serial/AMSS-1234"


def label(name: str = "Blue 3", serial: str = "AMSS-1234") -> Label:
    return Label(name=name, serial=serial, url=URL)


async def enrol(site: Site, serial: str) -> Car:
    return await site.house.cars.add_enrolled(
        serial=serial,
        name="Blue 3",
        platform=Platform.STOCK_20,
        username="deepracer",
        host_key="ssh-ed25519 1",
        address="10.9.8.1",
        actor="test",
    )


def picture(one: Label) -> Image.Image:
    return Image.open(io.BytesIO(png_of(one)))


def ink(image: Image.Image, left: int, top: int, right: int, bottom: int) -> int:
    """Black dots in this part."""
    return image.crop((left, top, right, bottom)).convert("L").histogram()[0]


def test_a_label_has_the_size_that_drem_prints() -> None:
    image = picture(label())
    assert image.size == (WIDTH_PX, HEIGHT_PX) == (991, 306)
    assert [round(dots) for dots in image.info["dpi"]] == [300, 300]


def test_the_code_is_the_cars_page_module_for_module() -> None:
    rows = [list(row) for row in segno.make(URL, error="m", micro=False).matrix_iter(border=2)]
    scale = QR_PX // len(rows)
    first = MARGIN_PX + (QR_PX - len(rows) * scale) // 2 + scale // 2
    image = picture(label()).convert("1")
    seen = [
        [image.getpixel((first + x * scale, first + y * scale)) == 0 for x in range(len(rows))]
        for y in range(len(rows))
    ]
    assert seen == [[bool(module) for module in row] for row in rows]


@pytest.mark.parametrize("name", ["x" * 40, "Grüner Blitz aus Oberammergau Süd", "W" * 20 + " " + "W" * 19])
def test_the_longest_names_stay_on_the_label(name: str) -> None:
    image = picture(label(name))
    text_left = 2 * MARGIN_PX + QR_PX
    assert ink(image, text_left, 0, WIDTH_PX, HEIGHT_PX) > 0
    assert ink(image, WIDTH_PX - MARGIN_PX // 2, 0, WIDTH_PX, HEIGHT_PX) == 0


def test_a_name_in_letters_that_are_not_there_gives_way_to_the_serial() -> None:
    assert png_of(label("佐藤")) == png_of(label("AMSS-1234"))
    assert png_of(label("Łódź")) != png_of(label("AMSS-1234"))


@pytest.mark.parametrize(("labels", "pages"), [(1, 1), (20, 1), (21, 2), (45, 3)])
def test_a_sheet_has_twenty_labels_a_page(labels: int, pages: int) -> None:
    sheet = sheet_of([label(f"Car {number}") for number in range(labels)])
    assert sheet.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", sheet)) == pages


async def test_a_label_s_code_leads_to_the_car_whatever_it_is_called(site: Site) -> None:
    assert (await site.send("operator", "GET", "/staff/cars/labels.pdf")).status_code == 404
    car = await enrol(site, "AMSS-1234")
    png = await site.send("operator", "GET", f"/staff/cars/{car.car_id}/label.png")
    box = page_addresses(site.house.settings.host, site.house.settings.port)[0]
    expected = Label(name="Blue 3", serial="AMSS-1234", url=f"{box}/staff/cars/by-serial/AMSS-1234")
    assert (png.headers["content-type"], png.content) == ("image/png", png_of(expected))
    await site.house.cars.update(car.car_id, name="Red 4")
    led = await site.send("operator", "GET", "/staff/cars/by-serial/AMSS-1234")
    assert led.headers["location"] == f"/staff/cars/{car.car_id}"
    assert (await site.send("operator", "GET", "/staff/cars/by-serial/AMSS-9")).status_code == 404
    assert (await site.send("operator", "GET", "/staff/cars/labels.pdf")).content.startswith(b"%PDF-")


@pytest.mark.parametrize("serial", ["AMSS 12 34", "00:11:22:AA", "AMSS-1234"])
async def test_the_address_in_a_code_can_be_opened_whatever_the_serial_is(
    site: Site, monkeypatch: pytest.MonkeyPatch, serial: str
) -> None:
    drawn: list[dict[str, str]] = []

    async def draws(_: Form, labels: Sequence[dict[str, str]]) -> bytes:
        drawn.extend(labels)
        return b""

    monkeypatch.setattr("web.pages.staff.car_labels.pressed", draws)
    car = await enrol(site, serial)
    await site.send("operator", "GET", f"/staff/cars/{car.car_id}/label.png")
    (one,) = drawn
    assert one["serial"] == serial
    assert re.fullmatch(r"[!-~]+", one["url"])
    led = await site.send("operator", "GET", "/staff/cars/by-serial/" + one["url"].rpartition("/by-serial/")[2])
    assert led.headers["location"] == f"/staff/cars/{car.car_id}"


async def test_the_labels_page_says_when_the_address_in_the_codes_may_change(site: Site) -> None:
    assert "No car is paired yet." in (await site.send("operator", "GET", "/staff/cars/labels")).text
    car = await enrol(site, "AMSS-1234")
    async with Crew(site, "operator") as crew:
        assert 'href="/staff/cars/labels"' in (await crew.get("/staff/cars")).text
        shown = await crew.get("/staff/cars/labels")
        box = page_addresses(site.house.settings.host, site.house.settings.port)[0]
        assert f"The codes have the address that this box has now: {box} . With another address" in words(shown)
        assert "Set public_url in trackside.toml to an address that stays, then print." in words(shown)
        assert f'href="/staff/cars/{car.car_id}/label.png"' in shown.text
        assert 'href="/staff/cars/labels.pdf"' in shown.text
        settings = msgspec.structs.replace(site.house.settings, public_url="http://box.example")
        object.__setattr__(site.house, "settings", settings)
        told = words(await crew.get("/staff/cars/labels"))
    assert "The codes lead to http://box.example ." in told
    assert "public_url" not in told


async def test_the_press_draws_the_same_in_a_process_of_its_own() -> None:
    assert await pressed(Form.PNG, [label()]) == png_of(label())
    assert (await pressed(Form.PDF, [label()])).startswith(b"%PDF-")
