"""
Finds boxes: on this machine by their socket, in the hall by what they announce, and where one was last time.

Each is asked who it is at every address it may have, all at once, again and again: what is listed as answering does.
No Textual here.
"""

import asyncio
import importlib
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from tui.box import Box
from tui.errors import BoxAway, BoxError
from tui.found_boxes import FoundBox, Sighting, Source, found_boxes
from tui.moments import today
from tui.typed_address import UNIX
from tui.wire import BoxIdentity

if TYPE_CHECKING:
    from tui.heard_boxes import HeardBoxes

log = logging.getLogger("trackside.tui")

CHECK_S = 3.0
"""Between two questions to each box; one is answered in a millisecond."""
ANSWER_S = 2.0
AGAIN_S = 5.0
"""Before listening is tried again, where port 5353 could not be had."""
INSTALLED = Path("/run/trackside-crew/api.sock")
"""Of an installed box (systemd/trackside.service)."""


class Known(Protocol):
    """A box that was used before."""

    @property
    def address(self) -> str:
        """Where it was then."""

    @property
    def box_id(self) -> str:
        """Which one it was."""

    @property
    def name(self) -> str:
        """What it was called."""


def own_sockets(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Where a box on this machine may have its socket: its variables, the default data directory, an installed one."""
    given = [environment.get("TRACKSIDE_API_SOCKET"), environment.get("TRACKSIDE_DATA")]
    base = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    paths = [
        *([Path(given[0])] if given[0] else []),
        *([Path(given[1]) / "api.sock"] if given[1] else []),
        Path(base) / "trackside" / "api.sock",
        INSTALLED,
    ]
    return list(dict.fromkeys(paths))


class Finder:
    """`boxes` are those that were found, while `run` runs; `changed` is called when they change."""

    def __init__(
        self,
        changed: Callable[[], None] = lambda: None,
        *,
        known: Sequence[Known] = (),
        sockets: Sequence[Path] | None = None,
    ) -> None:
        """
        Args:
            known: Boxes that were used before, the last one first.
            sockets: Of boxes on this machine; None where they usually are.
        """
        self.changed = changed
        self.problem: str | None = None
        """Why the hall cannot be listened to; addresses work all the same."""
        self.boxes: list[FoundBox] = []
        self._sockets = own_sockets() if sockets is None else list(sockets)
        self._known = [
            Sighting(key=f"known {one.box_id}", source=Source.KNOWN, box_id=one.box_id, name=one.name,
                     addresses=(one.address,))
            for one in known
            if not one.address.startswith(UNIX)
        ]  # fmt: skip
        self._here: list[Sighting] = []
        self._heard: HeardBoxes | None = None
        self._answers: dict[str, str | None] = {}
        self._checking: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        self._merge()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen())
                tasks.create_task(self._look_here())
                tasks.create_task(self._check_all())
        finally:
            for task in list(self._checking.values()):
                task.cancel()

    async def _listen(self) -> None:
        heard_boxes = await asyncio.to_thread(importlib.import_module, "tui.heard_boxes")
        while True:
            self._heard = heard_boxes.HeardBoxes(self._merge)
            try:
                await self._heard.run()
            except Exception as error:  # Boxes can be reached without it.
                log.info("listen_failed error=%r", error)
                self.problem = f"This machine cannot listen for boxes: {str(error).rstrip('.')}."
            self._merge()
            self.changed()
            await asyncio.sleep(AGAIN_S)
            self.problem = None

    async def _look_here(self) -> None:
        while True:
            found = await asyncio.gather(*(_box_here(path) for path in self._sockets))
            here = {one.box_id: one for one in reversed(found) if one is not None}
            self._here = list(here.values())
            for one in self._here:
                self._answers[one.key] = one.addresses[0]
            self._merge()
            await asyncio.sleep(CHECK_S)

    async def _check_all(self) -> None:
        while True:
            for box in self.boxes:
                self._check(box)
            await asyncio.sleep(CHECK_S)

    def _check(self, box: FoundBox) -> None:
        if box.key not in self._checking and not box.is_here:
            task = asyncio.create_task(self._ask(box))
            task.add_done_callback(lambda _: self._checking.pop(box.key, None))
            self._checking[box.key] = task

    async def _ask(self, box: FoundBox) -> None:
        try:
            address, _ = await first_answer(box.addresses, box.box_id)
        except BoxError:
            self._answers[box.key] = None
        else:
            self._answers[box.key] = address
        self._merge()

    def _merge(self) -> None:
        heard = [] if self._heard is None else self._heard.sightings
        sightings = [*self._here, *self._known, *heard]
        own = frozenset(address for one in heard for address in one.addresses if self._here and _is_ours(address))
        was, self.boxes = self.boxes, found_boxes(sightings, self._answers, own)
        addresses = {box.key: box.addresses for box in was}
        for box in self.boxes:
            if addresses.get(box.key) != box.addresses:
                self._check(box)
        if self.boxes != was:
            self.changed()


async def first_answer(addresses: Sequence[str], box_id: str | None = None) -> tuple[str, BoxIdentity]:
    """
    Ask all addresses at once which box is there; the first that answers, and who it is.

    Args:
        box_id: Another box than this one is no answer.

    Raises:
        BoxError: none answers in time; the error of the first address.
    """
    asked = [asyncio.create_task(_identity(address)) for address in addresses]
    try:
        for answer in asyncio.as_completed(asked):
            with suppress(BoxError):
                address, identity = await answer
                if box_id in (None, identity.id):
                    return address, identity
    finally:
        for task in asked:
            task.cancel()
        errors = [one for one in await asyncio.gather(*asked, return_exceptions=True) if isinstance(one, BoxError)]
    raise errors[0] if errors else BoxAway("Another box answers there.", "Choose one from the list.")


async def _identity(address: str) -> tuple[str, BoxIdentity]:
    box = Box(address)
    try:
        async with asyncio.timeout(ANSWER_S):
            return address, await box.identity()
    except TimeoutError as error:
        raise BoxAway(f"The box at {address} does not answer.", "Check that it is on and in your network.") from error
    finally:
        await box.close()


async def _box_here(path: Path) -> Sighting | None:
    address = f"{UNIX}{path}"
    try:
        _, identity = await _identity(address)
        events = await _event_names(address)
    except BoxError:
        return None
    return Sighting(
        key=address,
        source=Source.HERE,
        box_id=identity.id,
        name=identity.name,
        addresses=(address,),
        events=events,
        version=identity.version,
    )


async def _event_names(address: str) -> tuple[str, ...]:
    """As a box announces them: today's, else the newest."""
    box = Box(address)
    try:
        events = await box.events()
    finally:
        await box.close()
    day = today().isoformat()
    todays = tuple(event.name for event in events if event.date == day)
    return todays or tuple(event.name for event in events[:1])


def _is_ours(address: str) -> bool:
    """Whether this machine has it: only then may a socket be bound to it."""
    host = urlsplit(address).hostname or ""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True
