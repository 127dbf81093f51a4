"""A real terminal for `trackside tui`: tmux without a person, keys in, text out."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.box import clean_environment

TMUX = shutil.which("tmux")
NEEDS_TMUX = pytest.mark.skipif(TMUX is None and not os.environ.get("CI"), reason="tmux is not installed here")
SMALL, LARGE = (80, 24), (140, 40)
PATIENCE_S = 60.0
LOOK_S = 0.05
"""Between two looks at what stands on the screen: nothing tells when it is another."""


class Tmux:
    """One terminal that runs one program. `keys` are tmux's names: Space, Enter, C-x, a."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "tmux.sock"

    async def start(self, command: list[str], size: tuple[int, int], environment: Mapping[str, str]) -> None:
        """Run it; what it wrote last stays in sight when it ends."""
        width, height = size
        given = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
        where = ["-x", str(width), "-y", str(height)]
        options = ["set-option", "-g", "remain-on-exit", "on", ";"]
        await self._tmux(
            "-f", "/dev/null", "start-server", ";", *options, "new-session", "-d", *where, *given, *command
        )

    async def keys(self, *names: str) -> None:
        """Press one after the other."""
        await self._tmux("send-keys", *names)

    async def types(self, text: str) -> None:
        """Type letters."""
        await self._tmux("send-keys", "-l", text)

    async def holds(self, name: str, times: int) -> None:
        """As a key that is held down: the same again and again."""
        await self._tmux("send-keys", "-N", str(times), name)

    async def text(self) -> str:
        """What stands on the screen."""
        return await self._tmux("capture-pane", "-p")

    async def has_ended(self) -> bool:
        """Whether the program is gone."""
        return (await self._tmux("list-panes", "-F", "#{pane_dead}")).strip() == "1"

    async def pid(self) -> int:
        """Of the program."""
        return int(await self._tmux("list-panes", "-F", "#{pane_pid}"))

    async def shows(self, *texts: str) -> str:
        """Wait until all of these stand on the screen at once; the screen."""
        seen = ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    seen = await self.text()
                    if all(text in seen for text in texts):
                        return seen
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError(f"{texts} not within {PATIENCE_S} s; the screen was\n{seen}") from None

    async def ended(self) -> None:
        """Wait until the program is gone."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.has_ended():  # noqa: ASYNC110  tmux has no event for it
                await asyncio.sleep(LOOK_S)

    async def close(self) -> None:
        """Take the terminal away."""
        await self._tmux("kill-server")

    async def _tmux(self, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            TMUX or "tmux",
            "-S",
            str(self._socket),
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=clean_environment() | {"LC_ALL": "C.UTF-8"},
        )
        out, said = await process.communicate()
        assert process.returncode == 0, f"tmux {words}: {said.decode()}"
        return out.decode()


@asynccontextmanager
async def terminal(folder: Path, *arguments: str, size: tuple[int, int] = SMALL) -> AsyncIterator[Tmux]:
    """`trackside tui ARGUMENTS` of somebody whose files are in `folder`."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    tmux = Tmux(folder)
    command = [sys.executable, "-m", "appliance.cli", "tui", *arguments]
    await tmux.start(command, size, {"XDG_STATE_HOME": str(folder / "state")})
    try:
        yield tmux
    finally:
        await tmux.close()
