"""
Lines to cars that are kept for a while after a push: the next one needs no handshake, no sudo and no start of Python.

For the push worker's process only. A kept line was signed in to with its host key and serial checked, and TCP leads to
no other machine; before it is used again, it has to answer. Which cars were without SSH is remembered here too.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh

from cars import push_words as words
from cars.push_link import CarLink, opened
from cars.push_wire import Place

KEPT_S = 120.0
"""The next racer's model for the same car comes within a race; on the car it costs 15 MB as long."""


class Links:
    """`async with links.to(place) as car`; `await close()` at the end."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self._key = key
        self._without_ssh: set[str] = set()
        self._kept: dict[Place, tuple[CarLink, asyncio.TimerHandle]] = {}

    @asynccontextmanager
    async def to(self, place: Place) -> AsyncIterator[CarLink]:
        """A line that nobody else uses meanwhile. Raises as `opened`."""
        link = await self._awake(place) or await self._opened(place)
        try:
            yield link
        finally:
            if link.is_fit and place not in self._kept:
                timer = asyncio.get_running_loop().call_later(KEPT_S, self._drop, place)
                self._kept[place] = link, timer
            else:
                await link.close()

    async def close(self) -> None:
        """Hang up everywhere."""
        for place in list(self._kept):
            self._drop(place)

    async def _opened(self, place: Place) -> CarLink:
        """A new one. A flashed car that is being paired again shows a key that is not known yet: it is waited for."""
        try:
            link = await opened(place, self._key)
        except words.NoSsh:
            self._without_ssh.add(place.serial)
            raise
        except words.OtherKey as error:
            if place.serial in self._without_ssh:
                raise words.paired_anew(place) from error
            raise
        self._without_ssh.discard(place.serial)
        return link

    async def _awake(self, place: Place) -> CarLink | None:
        if place not in self._kept:
            return None
        link, timer = self._kept.pop(place)
        timer.cancel()
        try:
            is_awake = await link.is_awake()
        except BaseException:
            link.drop()
            raise
        if not is_awake:
            await link.close()
        return link if is_awake else None

    def _drop(self, place: Place) -> None:
        link, timer = self._kept.pop(place)
        timer.cancel()
        link.drop()
