"""What the terminal loads: nothing of the server, so that it is small and starts quickly on any laptop."""

import subprocess
import sys

NOT_WANTED = {
    "sqlite3",
    "aiosqlite",
    "litestar",
    "uvicorn",
    "asyncssh",
    "gpiozero",
    "jinja2",
    "web",
    "appliance.database",
}


def test_the_terminal_loads_nothing_of_the_server() -> None:
    code = "import sys, tui.arrival, tui.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tui.seat" in loaded
    assert NOT_WANTED.intersection(loaded) == set()
