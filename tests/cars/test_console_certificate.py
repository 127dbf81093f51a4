"""The stand-in's console with another certificate in mid-conversation: it is told nothing more."""

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.errors import Conflict
from cars.console import Console
from cars.console_certificate import pinned_context
from cars.standin import console as standin
from cars.standin.machine import Machine
from tests.cars.test_standin_units import machine_of

STICKER = "tag"


def certificate_in(path: Path) -> Path:
    """A self-signed one for "deepracer.io" with its key, as every car makes its own; long over, as of a wrong clock."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "deepracer.io")])
    made = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(made)
        .not_valid_after(made + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


class OneAddress:
    """A port where one console, then another answers; `told` is what the present one was asked."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.told: list[str] = []
        self.port = 0
        self.console: standin.Console | None = None

    def answer_with(self, certificate: Path) -> None:
        """From now on this one answers, at the port of the one before."""
        self.close()
        self.told.clear()
        self.console = standin.Console(self._machine, certificate, certificate, host="127.0.0.1", ports=(0, self.port))
        self.port = self.console.port

    def close(self) -> None:
        if self.console is not None:
            self.console.close()


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OneAddress]:
    """With a connection for each request, as after every pause."""
    monkeypatch.setattr(standin.Page, "protocol_version", "HTTP/1.0")
    address = OneAddress(machine_of(tmp_path / "car", "stock_20"))
    answer = standin.Page._answer

    def heard(page: standin.Page, method: str) -> None:
        address.told.append(f"{method} {page.path}")
        answer(page, method)

    monkeypatch.setattr(standin.Page, "_answer", heard)
    address.answer_with(certificate_in(tmp_path / "first.pem"))
    yield address
    address.close()


async def test_the_same_certificate_is_taken_for_every_connection(address: OneAddress) -> None:
    async with Console("127.0.0.1", address.port) as console:
        await console.sign_in(STICKER)
        assert await console.is_ssh_on() is False
    assert address.told == ["GET /login", "POST /login", "GET /api/isSshEnabled"]


async def test_another_certificate_in_the_same_conversation_is_told_nothing(
    address: OneAddress, tmp_path: Path
) -> None:
    async with Console("127.0.0.1", address.port) as console:
        await console.sign_in(STICKER)
        address.answer_with(certificate_in(tmp_path / "second.pem"))
        for _ in range(2):
            with pytest.raises(Conflict) as refusal:
                await console.change_password("deepracer", "Kerb-stone-4711")
            assert str(refusal.value) == (
                "What answers at 127.0.0.1 is no longer the console that it was: it shows another certificate. It was "
                "told nothing more. See that no other machine has this address, restart the car, then pair again."
            )
    assert address.told == []


async def test_another_conversation_takes_the_certificate_of_a_car_that_was_flashed_anew(
    address: OneAddress, tmp_path: Path
) -> None:
    async with Console("127.0.0.1", address.port) as console:
        await console.sign_in(STICKER)
    address.answer_with(certificate_in(tmp_path / "second.pem"))
    async with Console("127.0.0.1", address.port) as console:
        await console.sign_in(STICKER)
    assert address.told == ["GET /login", "POST /login"]


def test_no_certificate_at_all_is_refused() -> None:
    with pytest.raises(ssl.SSLError):
        pinned_context().check(None)
