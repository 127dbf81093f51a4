"""Cars and sightings for tests, and a hall of machines that cars are seen in: moves, renames, flashes and all."""

from dataclasses import dataclass, field

from cars.car_structs import Car, Platform, Sighting, Way
from cars.serials import serial_in_name

AT = "2026-11-22T10:00:00.000Z"


def a_car(number: int = 1, **changes: object) -> Car:
    """Car number N: serial AMSS-000N, key ssh-ed25519 KEY-N, address 10.9.8.10N."""
    fields: dict[str, object] = {
        "car_id": f"car-{number}",
        "serial": f"AMSS-{number:04d}",
        "name": f"Blue {number}",
        "platform": Platform.STOCK_20,
        "username": "deepracer",
        "host_key": f"ssh-ed25519 KEY-{number}",
        "address": f"10.9.8.{100 + number}",
        "port": 22,
        "fleet_id": None,
        "light": None,
        "core_version": None,
        "os_version": None,
        "enrolled_at": AT,
        "released_at": None,
        "last_seen_at": AT,
        "is_online": False,
    }
    return Car(**(fields | changes))  # type: ignore[arg-type]


def a_sighting(address: str = "10.9.8.101", **changes: object) -> Sighting:
    """Something at an address; with a host name the serial follows from it unless one is given."""
    fields: dict[str, object] = {
        "address": address,
        "port": 22,
        "host_name": None,
        "host_key": None,
        "has_ssh": True,
        "has_console": True,
        "ways": (Way.NAME,),
        "seen_at": AT,
    }
    fields |= changes
    fields.setdefault("serial", serial_in_name(str(fields["host_name"])))
    return Sighting(**fields)  # type: ignore[arg-type]


@dataclass
class Machine:
    """A machine in the hall; a stock one is named after its serial, others are all called `deepracer`."""

    serial: str
    key: str
    is_stock: bool
    address: str | None = None
    has_ssh: bool = True

    def seen(self, at: str, name: str) -> Sighting:
        """What a look at it tells."""
        assert self.address is not None
        return a_sighting(
            self.address,
            host_name=name,
            host_key=self.key if self.has_ssh else None,
            has_ssh=self.has_ssh,
            seen_at=at,
        )


@dataclass
class World:
    """Machines that come, go, move and are flashed; `book` is what the box noted of each address."""

    machines: list[Machine]
    cars: list[Car] = field(default_factory=list)
    book: dict[str, Sighting] = field(default_factory=dict)
    now: int = 0
    keys: int = 0

    def enrol(self, machine: Machine) -> None:
        """As F's steps do: serial and key of one session."""
        assert machine.address is not None
        before = next((car for car in self.cars if car.serial == machine.serial), None)
        number = len(self.cars) + 1
        car = a_car(
            number,
            car_id=f"car-{number}" if before is None else before.car_id,
            serial=machine.serial,
            host_key=machine.key,
            address=machine.address,
        )
        self.cars = [other for other in self.cars if other.serial != machine.serial] + [car]

    def move(self, machine: Machine, address: str | None) -> None:
        """To another address; whoever had it has none until it moves itself."""
        for other in self.machines:
            if other.address == address:
                other.address = None
        machine.address = address

    def flash(self, machine: Machine) -> None:
        """A new system: new host key, same board."""
        self.keys += 1
        machine.key = f"ssh-ed25519 FLASHED-{self.keys}"

    def name_of(self, machine: Machine) -> str:
        """Its name over mDNS: a second one of a name gets a number, in the order of their addresses."""
        own = machine.serial.lower() if machine.is_stock else "deepracer"
        same = [
            other
            for other in self.machines
            if other.address is not None and (other.serial.lower() if other.is_stock else "deepracer") == own
        ]
        place = sorted(same, key=lambda one: one.address or "").index(machine)
        return f"{own}.local" if place == 0 else f"{own}-{place + 1}.local"

    def look(self, machine: Machine) -> None:
        """One machine is seen; what was noted of other addresses stays as it is, true or not."""
        self.now += 1
        if machine.address is not None:
            at = f"2026-11-22T10:{self.now // 60:02d}:{self.now % 60:02d}.000Z"
            self.book[machine.address] = machine.seen(at, self.name_of(machine))

    def look_around(self) -> None:
        """Every noted address is asked again, and who does not answer is dropped."""
        self.book.clear()
        for machine in self.machines:
            self.look(machine)
