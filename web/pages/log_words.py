"""Fetched logs in the words and colours of pages: the crew's and the racer's."""

from msgspec import Struct

from cars.log_structs import OPEN, LogState, LogView

LOOKS: dict[LogState, tuple[str, str]] = {
    LogState.WAITING: ("", "Waiting for its turn"),
    LogState.LOOKING: ("info", "The car packs them"),
    LogState.FETCHING: ("live", "On their way"),
    LogState.STORED: ("ok", "On the box"),
    LogState.NOTHING: ("off", "Nothing recorded"),
    LogState.FAILED: ("bad", "Failed"),
    LogState.DELETED: ("off", "Deleted"),
}


class ShownLog(Struct, frozen=True, kw_only=True):
    """Logs as people read them; `racer` None where the box does not know whose they are."""

    log: LogView
    look: str
    word: str
    racer: str | None = None

    @property
    def is_open(self) -> bool:
        """Still to come."""
        return self.log.state in OPEN


def shown(log: LogView, racer: str | None = None) -> ShownLog:
    """One of them in words."""
    look, word = LOOKS[log.state]
    if log.state is LogState.WAITING and log.reason is not None:
        look, word = "warn", "Waiting for the car"
    return ShownLog(log=log, look=look, word=word, racer=racer)
