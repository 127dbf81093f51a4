"""
Published facts: how a room tells the rooms above what happened, without knowing them.

Everything runs on the event loop; a handler is a plain quick function and must not block.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

log = logging.getLogger("trackside.facts")

F = TypeVar("F")


class Facts:
    """Who wants to hear of which kind of fact. Only for use on the event loop."""

    def __init__(self) -> None:
        self._handlers: dict[type[Any], list[Callable[[Any], None]]] = {}

    def subscribe(self, fact_type: type[F], handler: Callable[[F], None]) -> Callable[[], None]:
        """Call `handler` with every later fact of exactly this type; the answer ends it."""
        handlers = self._handlers.setdefault(fact_type, [])
        handlers.append(handler)

        def end() -> None:
            if handler in handlers:
                handlers.remove(handler)

        return end

    def publish(self, fact: object) -> None:
        """Tell all handlers in the order they subscribed; one that fails never stops the next."""
        for handler in list(self._handlers.get(type(fact), ())):
            try:
                handler(fact)
            except Exception:
                log.exception("fact_handler_failed fact=%s", type(fact).__name__)
