"""
One child process of the supervisor, and how it ends: started in its own process group, watched through a pidfd.

Only the standard library: the supervisor is to stay small.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

PR_SET_PDEATHSIG = 1
"""prctl(2)."""
OOM_SCORE_OF_SERVER = "300"
"""When memory runs out the kernel takes the server, which comes back to the same race, before the recorder."""

_LIBC = ctypes.CDLL(None, use_errno=True)


class Child:
    """A running process; `fd` becomes readable when it has ended."""

    def __init__(self, name: str, pid: int, process: subprocess.Popen[bytes] | None) -> None:
        self.name = name
        self.pid = pid
        self.started_s = time.monotonic()
        self._process = process
        self.fd = os.pidfd_open(pid)

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        keep_fds: Sequence[int] = (),
        dies_with_us: bool = False,
    ) -> "Child":
        """
        Start it, with a group of its own so that Ctrl-C in the terminal reaches only the supervisor.

        Args:
            dies_with_us: The kernel kills it when the supervisor is gone, however that happened.
        """
        parent = os.getpid()
        process = subprocess.Popen(  # noqa: S603  our own command
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            pass_fds=tuple(keep_fds),
            process_group=0,
            # Safe here: the supervisor has one thread.
            preexec_fn=(lambda: _die_with(parent)) if dies_with_us else None,  # noqa: PLW1509
        )
        return cls(name, process.pid, process)

    @classmethod
    def adopt(cls, name: str, pid: int) -> "Child | None":
        """Watch a process of an earlier supervisor; None when it has just ended."""
        try:
            return cls(name, pid, None)
        except ProcessLookupError:
            return None

    @property
    def is_adopted(self) -> bool:
        """Whether an earlier supervisor started it."""
        return self._process is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to exactly this process, never to a later one of the same number."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.fd, number)

    def ended(self) -> int | None:
        """
        Collect it after `fd` became readable.

        Returns:
            Its exit status, negative for a signal; None when it was adopted and nobody can know.
        """
        os.close(self.fd)
        return None if self._process is None else self._process.wait()


def _die_with(parent: int) -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # It died between fork and prctl.
        os._exit(1)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write(OOM_SCORE_OF_SERVER)
