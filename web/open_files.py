"""How many connections this process may hold: the system's default of 1,024 files is a hall's worth too few."""

import logging
import resource

log = logging.getLogger(__name__)


def allow_open_files(wanted: int) -> int:
    """Raise the soft limit to `wanted` if it is lower, as far as the hard one allows; answers the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if soft != resource.RLIM_INFINITY and soft < wanted:
        log.warning("few_open_files allowed=%d wanted=%d", soft, wanted)
    return soft
