"""Cases of guest_gpio.py: lamps, buttons and programs beside the strips, and what is said of wrong wiring."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import gpiod
import pytest

from appliance.gpio_chips import find_chip, line_use
from appliance.gpio_lines import parse_gpio_line
from tests.faults.gpio_lines import backends, hit, level, options, pull, refused, until, watched
from timing.strips.choose import open_panel
from timing.strips.gpio_pins.opening import open_factory


async def gpiozero_devices_work_by_entry_point() -> None:
    """An ordinary program that knows nothing of Trackside, with GPIOZERO_PIN_FACTORY=trackside."""
    program = """
import sys, warnings
warnings.simplefilter("error")
from gpiozero import LED, Button, Buzzer, Device, DigitalInputDevice
from pathlib import Path
value = lambda line: int(Path(f"/run/strips/line{line}/value").read_text())
pull = lambda line, way: Path(f"/run/strips/line{line}/pull").write_text("pull-" + way)
import time
led, buzzer, button, sensor = LED(23), Buzzer(24), Button(5, hold_time=0.2), DigitalInputDevice(6, bounce_time=0.01)
assert type(Device.pin_factory).__name__ == "TracksideFactory", Device.pin_factory
led.on(); assert value(23) == 1 and led.is_lit
led.off(); assert value(23) == 0
led.toggle(); assert value(23) == 1
buzzer.beep(0.02, 0.02, n=2, background=False); assert value(24) == 0
held = []
button.when_held = lambda: held.append(1)
assert not button.is_pressed
pull(5, "down"); assert button.wait_for_press(5); assert button.is_pressed
assert button.wait_for_release(2) is False and held == [1]
pull(5, "up"); assert button.wait_for_release(5)
assert not sensor.value
pull(6, "up"); assert sensor.wait_for_active(5)
button.close(); button = Button(5); pull(5, "down"); assert button.wait_for_press(5)
try: LED(23)
except Exception as error: assert type(error).__name__ == "GPIOPinInUse", error
else: raise AssertionError("two devices on one line")
led.close(); assert value(23) == 0
from gpiozero import PWMLED
try: PWMLED(20)
except Exception as error: assert type(error).__name__ == "PinPWMUnsupported", error
print("all well")
"""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        env={**os.environ, "GPIOZERO_PIN_FACTORY": "trackside"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "all well\n"), done.stderr


async def the_panel_shows_sounds_and_shuts_down() -> None:
    """Lamp on, blinking; a short sound; three seconds on the button run the command, one does not."""
    from timing.stream import Problem
    from timing.strips.panel import HOLD_S, GpioPanel, PanelWiring

    marker = Path("/tmp/powered-off")
    wiring = PanelWiring(lamp=23, buzzer=24, shutdown_button=parse_gpio_line("5", "off"))
    panel = GpioPanel(wiring, lambda: open_factory("gpiod", None), ("touch", str(marker)))
    async with watched() as (_, heard):
        await panel.start()
        assert level(23) == 0
        panel.show(None)
        assert level(23) == 1
        panel.show(Problem.DISK_FULL)
        panel.show(Problem.DISK_FULL)
        await until(lambda: level(23) == 0)
        await until(lambda: level(23) == 1)
        panel.show(None)
        assert level(23) == 1
        panel.crossed()
        panel.crossed()
        assert level(24) == 1
        await until(lambda: level(24) == 0)
        pull(5, "down")
        await asyncio.sleep(HOLD_S - 2)
        pull(5, "up")
        await asyncio.sleep(2.5)
        assert "powered-off" not in os.listdir("/tmp")
        pressed_s = time.monotonic()
        pull(5, "down")
        await until(marker.exists)
        assert time.monotonic() - pressed_s >= HOLD_S
        pull(5, "up")
        await hit(17)
        assert len(await heard.until_edges(2)) == 2
        panel.show(None)
        await panel.stop()
    assert level(23) == 0
    assert not any(line_use(find_chip(None), number).is_used for number in (5, 17, 23, 24, 27))
    assert not [thread for thread in threading.enumerate() if thread.name == "gpio-edges"]


async def a_panel_that_cannot_be_had_stops_nothing() -> None:
    """The lamp's line is held by somebody, the command fails: said in the log, and the rest works."""
    with gpiod.request_lines("/dev/gpiochip0", {23: None}, consumer="somebody"):
        panel = open_panel(options("--lamp", "23", "--buzzer", "24"))
        await panel.start()
        panel.show(None)
        panel.crossed()
        assert level(24) == 1
        await panel.stop()
        assert level(24) == 0


async def a_line_in_use_is_an_error_that_names_its_holder() -> None:
    """Whoever holds it, whichever library asks; nothing else is held afterwards."""
    chip = find_chip(None)
    for backend in backends():
        with gpiod.request_lines("/dev/gpiochip0", {27: None}, consumer="deepracer-timer"):
            await refused(
                ["--gpio-backend", backend],
                "GPIO 27 is held by “deepracer-timer”. Stop that program (a DREM timer: sudo systemctl stop "
                "deepracer-timer), or use another line.",
            )
            assert not line_use(chip, 17).is_used
    async with watched():
        await refused(
            [],
            "GPIO 17 is held by “trackside”. Another recorder of Trackside runs: stop that one, or use it with "
            "--timing-socket.",
        )


async def wrong_lines_and_chips_are_errors_that_say_what_to_do() -> None:
    """A line beyond the last, a label and a device that do not exist, a device that may not be opened."""
    beyond = "/dev/gpiochip0 (pinctrl-bcm2711) has no GPIO 40; its lines are 0 to 27. Correct the number: it is the BCM"
    for backend in backends():
        await refused(["--gpio-lines", "17,40", "--gpio-backend", backend], beyond)
        await refused(
            ["--gpio-chip", "expander", "--gpio-backend", backend],
            "No GPIO chip is labelled expander; there are: pinctrl-bcm2711 (/dev/gpiochip0). Set gpio_chip to one of",
        )
        await refused(
            ["--gpio-chip", "/dev/gpiochip7", "--gpio-backend", backend], "There is no GPIO chip at /dev/gpiochip7."
        )
        await refused(["--gpio-chip", "/dev/null", "--gpio-backend", backend], "/dev/null is not a GPIO chip.")
    await refused(["--gpio-lines", "17,27,17"], "GPIO 17 is set twice: for strip 1 and for strip 3.")
    await refused(["--lamp", "27"], "GPIO 27 is set twice: for strip 2 and for the lamp.")
    for words in (["--gpio-chip", "pinctrl-bcm2711"], ["--gpio-chip", "/dev/gpiochip0"]):
        async with watched(*words) as (_, heard):
            await hit(17)
            assert len(await heard.until_edges(2)) == 2
    program = "import os; from appliance.gpio_chips import find_chip; os.setuid(65534); find_chip(None)"
    os.chown("/dev/gpiochip0", 0, 60)
    os.chmod("/dev/gpiochip0", 0o660)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert "/dev/gpiochip0 may not be opened by this user. Join its group and sign in again:" in done.stderr, (
        done.stderr
    )


async def the_doctor_says_what_is_wired_and_who_holds_it() -> None:
    """From another process, as an operator asks: free, read by a recorder through either library, held by others."""
    assert doctor() == {
        "strips": "ok GPIO 17 (Left), GPIO 27 (strip 2) on /dev/gpiochip0 (pinctrl-bcm2711).",
        "GPIO 17": "ok Left, pull-up, active-low: free.",
        "GPIO 27": "ok strip 2, pull-up, active-low: free.",
    }
    for backend in backends():
        async with watched("--gpio-backend", backend):
            found = await asyncio.to_thread(doctor)
            assert found["GPIO 17"] == "ok Left, pull-up, active-low: read by a recorder.", (backend, found)
    with gpiod.request_lines("/dev/gpiochip0", {27: None}, consumer="deepracer-timer"):
        assert (await asyncio.to_thread(doctor))["GPIO 27"] == "PROBLEM GPIO 27 is held by “deepracer-timer”."


def doctor() -> dict[str, str]:
    """What `trackside doctor` says of the strips."""
    said = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "doctor", "--data", "/tmp/none"],
        env={**os.environ, "TRACKSIDE_STRIPS": "gpio", "TRACKSIDE_GPIO_LINES": "17=Left,27"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    found = [line.partition(": ") for line in said.splitlines() if line.startswith(("ok", "PROBLEM"))]
    return {head.split(maxsplit=1)[1]: f"{head.split()[0]} {message}" for head, _, message in found}


async def a_strip_is_read_as_gpiozero_reads_it_but_never_driven() -> None:
    """A device on a strip's line sees the same edges and cannot change how the strip is read."""
    from gpiozero import LED, Button, DigitalInputDevice
    from gpiozero.exc import PinFixedPull, PinInvalidBounce, PinInvalidFunction

    factory = open_factory("gpiod", None)
    async with watched() as (_, heard):
        button = Button(17, pin_factory=factory)
        changes: list[str] = []
        button.when_pressed, button.when_released = lambda: changes.append("down"), lambda: changes.append("up")
        await hit(17)
        await until(lambda: changes == ["down", "up"])
        assert len(heard.edges) == 2
        button.close()
        with pytest.raises(PinInvalidFunction):
            LED(17, pin_factory=factory)
        with pytest.raises(PinFixedPull):
            DigitalInputDevice(27, pull_up=False, pin_factory=factory)
        with pytest.raises(PinInvalidBounce):
            Button(27, bounce_time=0.01, pin_factory=factory)
        await hit(17)
        await hit(27)
        assert len(await heard.until_edges(6)) == 6
