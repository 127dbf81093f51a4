"""What the cars' room tells the rooms above: past-tense facts, published after they are durable. Pure."""

from msgspec import Struct


class ModelChanged(Struct, frozen=True, kw_only=True):
    """A model came, was looked into, or went. `racer_id` is None for the box's own."""

    model_id: str
    racer_id: str | None


class CarsChanged(Struct, frozen=True, kw_only=True):
    """The cars or what is seen of them changed: whoever shows them looks again."""


class CarFound(Struct, frozen=True, kw_only=True):
    """An enrolled car answers again."""

    car_id: str


class CarLost(Struct, frozen=True, kw_only=True):
    """An enrolled car no longer answers."""

    car_id: str


class PushesChanged(Struct, frozen=True, kw_only=True):
    """A push began, went on or ended."""

    push_ids: tuple[str, ...]


class CommandsChanged(Struct, frozen=True, kw_only=True):
    """Cars were asked something, or answered."""

    car_ids: tuple[str, ...]


class LogsChanged(Struct, frozen=True, kw_only=True):
    """Logs were asked for, went on their way, arrived or went."""

    log_ids: tuple[str, ...]
