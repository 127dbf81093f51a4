"""The push worker as the server has it: cars/push_worker.py in a process of its own."""

from collections.abc import Callable
from pathlib import Path

from cars.push_wire import NEWS, PushNews
from cars.worker_process import WorkerProcess

IDLE_S = 120.0
"""As long as it keeps its lines to the cars (cars/push_links.py): with them the next model is there at once."""


class PushProcess(WorkerProcess[PushNews]):
    """`send` at any time; `await stop()` at the end."""

    def __init__(self, data_dir: Path, take: Callable[[PushNews], None], died: Callable[[], None]) -> None:
        """As WorkerProcess; `data_dir` has the box's SSH key."""
        super().__init__(["cars.push_worker", "--data", str(data_dir)], NEWS, take, died, idle_s=IDLE_S)
