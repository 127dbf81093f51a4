"""
Process 1 of a stand-in car: builds the car around itself, runs its services, answers its tools.

`unshare --mount --net --uts --ipc --pid --fork python -m tests.cars.hall_init`, by tests/cars/hall.py, which says in
one line of JSON what car to be and then asks line by line. When its stdin ends it ends, and the kernel ends every
process, mount and cable of the car: also when the test was killed.
"""

import json
import os
import sys
from typing import Any

from cars.standin.machine import Machine
from tests.cars.hall_ground import Ground


def answer(ground: Ground, machine: Machine, asked: dict[str, Any]) -> Any:
    """One question of the test: a value of the machine, or a method of it or its ground."""
    name = asked["name"]
    owner: Any = machine if hasattr(machine, name) else ground
    if asked["do"] == "set":
        setattr(owner, name, asked["value"])
        return None
    value = getattr(owner, name)
    return value(*asked["arguments"]) if asked["do"] == "call" else value


def main() -> None:
    """Be a car until stdin ends."""
    outer_pid = int(os.readlink("/proc/self"))
    ground = Ground(json.loads(sys.stdin.readline()))
    machine = ground.build()
    machine.boot()
    _say({"pid": outer_pid})
    for line in sys.stdin:
        try:
            _say({"is": answer(ground, machine, json.loads(line))})
        except Exception as error:
            _say({"error": f"{type(error).__name__}: {error}"})


def _say(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
