"""
Machines parked along a street: real avahi, real sshd and a real TLS server, each in a network name space of its own, on
the bridge of a hall; lighter than the hall's stand-in cars, for all that finding looks at is how they answer.
"""

import asyncio
import contextlib
import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from appliance.database import Database
from appliance.facts import Facts
from cars.car_structs import Car, Platform
from cars.cars import Cars
from cars.cars_schema import MIGRATIONS
from cars.facts import CarsChanged
from cars.finder.addresses import CarNetwork
from cars.finder.finder import Finder
from cars.sightings import Listing
from tests.appliance.two_machines import AVAHI, BUS, ENTER_AVAHI, Machine, Watched, run_ip
from tests.cars.hall import Hall
from tests.leftovers import clear_leftovers

PATIENCE_S = 40
_numbers = itertools.count(1)
SSHD = """\
Port 22
HostKey {key}
PidFile none
UsePAM no
StrictModes no
"""
# The services of its own, not of the machine that runs the tests.
ENTER = f'mount --bind "$3" /etc/avahi/services && {ENTER_AVAHI}'
SERVICE = """\
<?xml version="1.0" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name replace-wildcards="yes">%h</name>
<service><type>_ssh._tcp</type><port>22</port></service>
<service><type>_trackside-car._tcp</type><port>22</port>
<txt-record>serial={serial}</txt-record><txt-record>car=1</txt-record></service>
</service-group>
"""
"""As cars/on_car/trackside-car writes it."""


class Parked(Machine):
    """A machine; `address` is where it is now, `key` what its sshd shows."""

    key_file: Path

    @property
    def host_key(self) -> str:
        return " ".join(self.key_file.with_suffix(".pub").read_text().split()[:2])

    def new_key(self) -> None:
        """As flashing it makes one; sshd has it from its next start."""
        for file in (self.key_file, self.key_file.with_suffix(".pub")):
            file.unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.key_file))

    async def sshd(self) -> "asyncio.subprocess.Process":
        """A real one, once it listens."""
        config = self.directory / f"{self.name}.sshd"
        config.write_text(SSHD.format(key=self.key_file))
        started = await self.start("sh", "-c", f"mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f {config}")
        await started.line("Server listening on 0.0.0.0 port 22")
        return started.process

    async def console(self, name: str = "deepracer.io") -> None:
        """The certificate of a car's console, or of something else."""
        key, certificate = self.directory / f"{self.name}.key", self.directory / f"{self.name}.crt"
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]
        run(*make, f"/CN={name}", "-keyout", str(key), "-out", str(certificate))
        serve = ["openssl", "s_server", "-accept", "443", "-www", "-key", str(key), "-cert", str(certificate)]
        await (await self.start("stdbuf", "-oL", *serve)).line("ACCEPT")

    async def avahi(self, host: str, serial: str | None = None) -> Watched:
        """An avahi-daemon of its own; with a serial it tells that it is an enrolled car."""
        services, bus = self.directory / f"{self.name}.services", self.directory / f"{self.name}.xml"
        services.mkdir(exist_ok=True)
        if serial is not None:
            (services / "trackside-car.service").write_text(SERVICE.format(serial=serial))
        config = self.directory / f"{self.name}.conf"
        bus.write_text(BUS.format(socket=self.bus))
        config.write_text(AVAHI.format(host=host))
        enter = ("unshare", "--mount", "sh", "-c", ENTER, "sh", str(bus), str(config), str(services))
        daemon = await self.start(*enter)
        await daemon.line("Server startup complete")
        return daemon

    def move(self, address: str) -> None:
        """Another address from now on; the old one is gone."""
        self.add_address(address)
        self.remove_address(self.address)
        self.address = address


class Street:
    """The street of a hall, and a finder that looks at nothing else: `park` one, wait `until` it is listed."""

    def __init__(self, hall: Hall, db: Database, directory: Path) -> None:
        self.hall = hall
        self.directory = directory
        self.facts = Facts()
        self.cars = Cars(db, self.facts)
        self.network = CarNetwork(hall.name, hall.address, 26)
        """A quarter of the hall's, so that a test that knocks at every address is soon done."""
        self.finder = Finder(self.cars, self.facts, networks=lambda: (self.network,), leases_root=directory / "root")
        self.parked: list[Parked] = []
        self._news = asyncio.Event()
        self.facts.subscribe(CarsChanged, lambda _: self._news.set())

    async def park(
        self,
        host: int,
        *,
        name: str | None = None,
        service: str | None = None,
        ssh: bool = True,
        console: bool = True,
        key_of: Parked | None = None,
    ) -> Parked:
        """A machine at .host; with a name it has an avahi, which tells `service` as its serial; `key_of`: a copy."""
        tag = f"tp{os.getpid()}n{next(_numbers)}"
        machine = Parked(tag, f"{self.hall.net}.{host}", self.directory)
        run_ip("netns", "add", tag)
        self.parked.append(machine)
        peer = f"p{tag}"[:15]
        run_ip("link", "add", tag, "netns", tag, "type", "veth", "peer", "name", peer)
        run_ip("link", "set", peer, "netns", str(self.hall.pid))
        run("nsenter", "-t", str(self.hall.pid), "-n", "ip", "link", "set", peer, "master", "hall", "up")
        machine.ip("link", "set", "lo", "up")
        # As systemd sets it: an address that goes does not take the later ones of its network along.
        run_ip("netns", "exec", tag, "sysctl", "-qw", "net.ipv4.conf.all.promote_secondaries=1")
        machine.add_address(machine.address)
        machine.plug()
        machine.key_file = self.directory / f"{tag}-hostkey" if key_of is None else key_of.key_file
        if key_of is None:
            machine.new_key()
        if ssh:
            await machine.sshd()
        if console:
            await machine.console()
        if name is not None:
            await machine.avahi(name, service)
        return machine

    async def enrol(self, machine: Parked, serial: str, name: str) -> Car:
        """As enrolling it leaves it in the registry."""
        return await self.cars.add_enrolled(
            serial=serial, name=name, platform=Platform.STOCK_20, username="deepracer", host_key=machine.host_key,
            address=machine.address, actor="test",
        )  # fmt: skip

    async def until(
        self, is_so: Callable[[Listing], bool], *, looking: bool = True, everywhere: bool = False
    ) -> Listing:
        """
        The list, once it is so; with `looking` somebody presses "Look again" whenever a look is over, with `everywhere`
        "Look everywhere": a knock may come to nothing on a busy machine, and is not repeated by itself.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not is_so(listing := self.finder.listing()):
                    self._news.clear()
                    if looking and not self.finder.state().is_looking:
                        self.finder.look_again(everywhere=everywhere)
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not so within {PATIENCE_S} s: {self.finder.listing()}") from None
        return listing

    async def look(self) -> Listing:
        """One look around from its beginning to its end."""
        async with asyncio.timeout(PATIENCE_S):
            while self.finder.state().is_looking:
                self._news.clear()
                await self._news.wait()
            before = self.finder.state().looked_at
            self.finder.look_again()
            while self.finder.state().looked_at == before or self.finder.state().is_looking:
                self._news.clear()
                await self._news.wait()
        return self.finder.listing()


@contextlib.asynccontextmanager
async def street_in(directory: Path) -> AsyncIterator[Street]:
    """A street without anybody; the finder looks from now on."""
    clear_leftovers()
    async with Hall() as hall:
        db = await Database.open(directory / "trackside.db", [MIGRATIONS])
        street = Street(hall, db, directory)
        finding = asyncio.create_task(street.finder.run())
        try:
            yield street
        finally:
            finding.cancel()
            await asyncio.wait([finding])
            for machine in street.parked:
                await machine.end()
                run_ip("netns", "delete", machine.name)
            await db.close()


def run(*command: str) -> None:
    """A tool that must do its work."""
    subprocess.run(command, check=True, capture_output=True)


def strangers(listing: Listing) -> list[tuple[str, str | None, str | None]]:
    """Address, name and serial of each, as seen last."""
    return [(one.latest.address, one.latest.host_name, one.latest.serial) for one in listing.strangers]
