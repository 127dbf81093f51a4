"""Where a paired car was seen with another host key than its own, as the finder has it; makes no page."""

from cars.car_structs import Sighting
from web.given import House


def shown_anew(house: House, car_id: str) -> Sighting | None:
    """What looks like this car after it was flashed, seen last."""
    rows = house.finder.listing().cars
    return next((row.reflashed[0] for row in rows if row.car.car_id == car_id and row.reflashed), None)


def place_of_key(house: House, car_id: str, host_key: str) -> tuple[str, int]:
    """Address and port where the car was seen with this key; else where it was last reached. Raises NotFound."""
    car = house.cars.enrolled(car_id)
    seen = shown_anew(house, car_id)
    if seen is not None and seen.host_key == host_key:
        return seen.address, seen.port
    return car.address, car.port
