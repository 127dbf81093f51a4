"""Who is let into a light stand-in: a box whose key it has, and whoever knows its password."""

import asyncio
import hmac
from typing import TYPE_CHECKING

import asyncssh

if TYPE_CHECKING:
    from cars.standin.light import LightCar


class Door(asyncssh.SSHServer):
    """Lets the box's key in, and whoever knows the password."""

    def __init__(self, car: "LightCar") -> None:
        self._car = car
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._car.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._car.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        if username != self._car.machine.profile.username:
            return False
        ours = self._car.settings.authorized_key
        if ours is not None and key == asyncssh.import_public_key(ours):
            return True
        return await asyncio.to_thread(self._car.pairing.lets_in, key)

    def password_auth_supported(self) -> bool:
        return self._car.settings.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        known = self._car.settings.password or ""
        is_known = hmac.compare_digest(known.encode(), password.encode())
        return bool(known) and username == self._car.machine.profile.username and is_known
