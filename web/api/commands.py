"""Commands to cars: ask one, many or a fleet, and see what each answered."""

from litestar import get, post
from litestar.params import FromPath, JSONBody

from appliance.permissions import Permission
from cars.command_structs import CommandView, NewCommand
from web.api.answers import READING, SIGNED_IN, WRITING
from web.auth import needs
from web.given import House, Viewer

CREW = [needs(Permission.MANAGE_CARS)]


@post("/api/cars/commands", guards=CREW, security=SIGNED_IN, responses=WRITING, tags=["cars"])
async def ask_cars(house: House, viewer: Viewer, data: JSONBody[NewCommand]) -> list[CommandView]:
    """Ask the cars at once; answers when it is written down. The same `command_id` again asks nobody twice."""
    return await house.commands.ask(data, viewer.person_id)


@get("/api/cars/commands/{command_id:str}", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def get_command(house: House, command_id: FromPath[str]) -> list[CommandView]:
    """What became of a command, car by car."""
    return await house.commands.of(command_id)


@get("/api/cars/{car_id:str}/commands", guards=CREW, security=SIGNED_IN, responses=READING, tags=["cars"])
async def list_car_commands(house: House, car_id: FromPath[str]) -> list[CommandView]:
    """The newest commands of a car, newest first."""
    return await house.commands.of_car(car_id)


ROUTES = [ask_cars, get_command, list_car_commands]
