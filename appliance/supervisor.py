"""
`trackside serve`: keeps recorder and server running, and ends both in order. Knows nothing of races.

It holds the listening sockets and hands them to each server it starts. The server dies with it; the recorder lives on
and is adopted by the next start, so that no crossing is missed. Only the standard library: it is to stay small.
"""

import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from appliance import local_login
from appliance.child import Child
from appliance.errors import ApplianceError, Conflict, NotReady
from appliance.file_lock import FileInUse, FileLock
from appliance.listening import listen
from appliance.settings import Settings, as_environment
from appliance.unix_socket import MAX_PATH_BYTES, Listening

RESTART_S = 0.2
"""Between the end of a child and its next start."""
LONGEST_RESTART_S = 5.0
"""The same after a child that keeps ending by itself right away."""
STEADY_S = 10.0
"""A child that lived this long was well: the next end is a new story."""
SERVER_STOP_S = 8.0
"""The server ends its streams at once and gives requests 2 s; after this it is killed, which loses nothing."""
RECORDER_STOP_S = 5.0
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(128 * 1024), "MALLOC_ARENA_MAX": "1"}
"""
What is larger goes back to the system when it is freed. Left alone, glibc raises this limit to whatever was freed last
(mallopt(3)), and eight uploads at once left 80 MB of holes in the server's memory for ever. And all threads share one
heap: of several each keeps holes of its own, 2 MB with 1,000 screens. Whoever sets these wins.
"""
REFUSED = 2
"""Exit status of a server that cannot start for a reason it has told: trying again by itself would not help."""


class Supervisor:
    """One run of `trackside serve`."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._environment = {**environment, **as_environment(settings)}
        self._socket_path = settings.recorder_socket
        self._listener: socket.socket | None = None
        self._local: Listening | ApplianceError | None = None
        self._children: dict[str, Child] = {}
        self._due_s: dict[str, float] = {}
        self._pauses_s: dict[str, float] = {}
        self._server_has_lived = False
        self._status: int | None = None
        self._in_a_hurry = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> int:
        """
        Serve until SIGTERM, SIGINT or SIGHUP; the exit status.

        Raises:
            ApplianceError: the data directory or the port cannot be had.
        """
        self._make_data_dir()
        lock = self._lock()
        try:
            return self._run()
        finally:
            lock.release()

    def _run(self) -> int:
        self._listener = listen(self._settings.host, self._settings.port)
        self._local = self._listen_locally()
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, self._told_to_stop) for number in numbers}
        old_fd = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        try:
            self._due_s = dict.fromkeys(self._wanted(), time.monotonic())
            while self._status is None:
                self._start_what_is_due()
                self._wait(self._next_due_s())
            self._stop_all()
        finally:
            signal.set_wakeup_fd(old_fd)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._close_listeners()
            os.close(self._wake_read)
            os.close(self._wake_write)
        return self._status

    def _listen_locally(self) -> Listening | ApplianceError:
        """The socket of the crew on the box itself; without it the box runs and says so."""
        try:
            return local_login.listen(self._settings.local_socket)
        except ApplianceError as error:
            say(f"local_login off reason={error.message!r}")
            return error

    def _close_listeners(self) -> None:
        if self._listener is not None:
            self._listener.close()
        if isinstance(self._local, Listening):
            self._local.remove_file()  # While it is ours: the next box would put its own there.
            self._local.sock.close()
            self._local = None

    def _wanted(self) -> list[str]:
        """The recorder first: it is there when the server asks."""
        return ["server"] if self._settings.timing_socket else ["recorder", "server"]

    def _told_to_stop(self, number: int, frame: object) -> None:
        self._in_a_hurry = self._status is not None
        self._status = 0

    def _start_what_is_due(self) -> None:
        now_s = time.monotonic()
        for name in [name for name, due_s in self._due_s.items() if due_s <= now_s]:
            del self._due_s[name]
            try:
                self._children[name] = self._start_server() if name == "server" else self._start_recorder()
            except OSError as error:  # No memory for one more process just now.
                say(f"{name} not started error={error}")
                self._due_s[name] = now_s + LONGEST_RESTART_S

    def _start_server(self) -> Child:
        assert self._listener is not None  # noqa: S101  run() opened it
        fds = [self._listener.fileno()]
        data, path = str(self._settings.data_dir), str(self._socket_path)
        command = [sys.executable, "-m", "appliance.serve", "--data", data, "--fd", str(fds[0]), "--socket", path]
        if isinstance(self._local, Listening):
            fds.append(self._local.sock.fileno())
            command += ["--api-fd", str(fds[1])]
        elif self._local is not None:
            command += ["--api-off", self._local.message, self._local.remedy]
        environment = {**MEMORY, **self._environment}
        return Child.start("server", command, environment, keep_fds=fds, dies_with_us=True)

    def _start_recorder(self) -> Child:
        pid = listening_pid(self._socket_path)
        adopted = Child.adopt("recorder", pid) if pid else None
        if adopted is not None:
            say(f"recorder adopted pid={pid}")
            return adopted
        settings = self._settings
        command = [sys.executable, "-m", "timing.recorder", *recorder_arguments(settings, self._socket_path)]
        # The word to systemd is the server's; a recorder of a unit of its own has a socket of its own.
        environment = {name: value for name, value in self._environment.items() if name != "NOTIFY_SOCKET"}
        return Child.start("recorder", command, environment)

    def _wait(self, until_s: float | None) -> None:
        """Sleep until a child ends, a signal comes, or something is due."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        for child in self._children.values():
            poll.register(child.fd, select.POLLIN)
        timeout_ms = None if until_s is None else max(0.0, until_s - time.monotonic()) * 1000
        ready = {fd for fd, _ in poll.poll(timeout_ms)}
        with suppress(BlockingIOError):
            os.read(self._wake_read, 1024)
        for child in list(self._children.values()):
            if child.fd in ready:
                self._child_ended(child)

    def _child_ended(self, child: Child) -> None:
        del self._children[child.name]
        status = child.ended()
        if self._status is not None:
            return
        lived_s = time.monotonic() - child.started_s
        if child.name == "server":
            if status == REFUSED and not self._server_has_lived:
                self._status = REFUSED
                return
            self._server_has_lived |= lived_s > STEADY_S or (status is not None and status < 0)
        pause_s = self._pause_s(child.name, lived_s, status)
        self._due_s[child.name] = time.monotonic() + pause_s
        say(f"{child.name} ended pid={child.pid} status={_in_words(status)} again_in_s={pause_s:.1f}")

    def _pause_s(self, name: str, lived_s: float, status: int | None) -> float:
        """Short, but growing for a child that gives up by itself again and again; a kill is not its fault."""
        was_killed = status is None or status < 0
        again = not was_killed and lived_s < STEADY_S
        pause_s = min(self._pauses_s.get(name, RESTART_S / 2) * 2, LONGEST_RESTART_S) if again else RESTART_S
        self._pauses_s[name] = pause_s
        return pause_s

    def _next_due_s(self) -> float | None:
        return min(self._due_s.values(), default=None)

    def _stop_all(self) -> None:
        """The server first, so that nobody is left asking a recorder that has gone; a second Ctrl-C hurries."""
        self._due_s.clear()
        self._close_listeners()
        status, self._status = self._status, 0
        self._stop("server", SERVER_STOP_S)
        self._stop("recorder", RECORDER_STOP_S)
        self._status = status

    def _stop(self, name: str, patience_s: float) -> None:
        child = self._children.get(name)
        if child is None:
            return
        child.send(signal.SIGTERM)
        self._wait_for_end(name, time.monotonic() + patience_s)
        if name in self._children:
            say(f"{name} killed pid={child.pid}")
            child.send(signal.SIGKILL)
            self._in_a_hurry = False
            self._wait_for_end(name, time.monotonic() + patience_s)

    def _wait_for_end(self, name: str, until_s: float) -> None:
        while name in self._children and time.monotonic() < until_s and not self._in_a_hurry:
            self._wait(until_s)

    def _lock(self) -> FileLock:
        """One `trackside serve` per data directory; the next one must not stop this one's recorder."""
        try:
            return FileLock(self._settings.data_dir / "serve")
        except FileInUse as error:
            raise Conflict(
                f"A Trackside runs on {self._settings.data_dir} already (process {error.pid}).",
                "Use that one, stop it first, or give a second box a directory of its own: --data DIR --port P.",
            ) from error

    def _make_data_dir(self) -> None:
        path = self._settings.data_dir
        if len(os.fsencode(self._socket_path)) > MAX_PATH_BYTES:
            raise NotReady(f"{self._socket_path} is too long for a socket.", "Choose a shorter directory with --data.")
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise NotReady(
                f"Cannot make the data directory {path}: {error.strerror}.", "Choose one that is yours with --data DIR."
            ) from error


def recorder_arguments(settings: Settings, socket_path: Path) -> list[str]:
    """The recorder's command line."""
    options: dict[str, object] = {
        "--data": settings.data_dir,
        "--socket": socket_path,
        "--strips": settings.strips,
        "--lines": ",".join(str(line) for line in settings.simulated_lines),
        "--script": settings.simulated_script,
        "--shutdown-button": settings.gpio_shutdown_button,
        "--lamp": settings.gpio_lamp,
        "--buzzer": settings.gpio_buzzer,
    }
    if settings.strips == "gpio":
        options["--gpio-lines"] = ",".join(settings.gpio_lines)
        options["--start-button"] = settings.gpio_start_button
    if settings.strips == "drem_kit":
        options["--kit-url"] = settings.drem_kit_url
    if settings.strips == "gpio" or _has_panel(settings):
        options["--gpio-chip"] = settings.gpio_chip
        options["--gpio-backend"] = settings.gpio_backend
    return [word for name, value in options.items() if value is not None for word in (name, str(value))]


def _has_panel(settings: Settings) -> bool:
    lines = (settings.gpio_lamp, settings.gpio_buzzer, settings.gpio_shutdown_button)
    return any(line is not None for line in lines)


def listening_pid(path: Path) -> int | None:
    """The process that listens on a Unix socket, None when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return None
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[0])


def say(line: str) -> None:
    """One line for the log."""
    with suppress(OSError):
        sys.stderr.write(f"supervisor: {line}\n")
        sys.stderr.flush()


def _in_words(status: int | None) -> str:
    if status is None:
        return "unknown"
    return f"signal-{-status}" if status < 0 else str(status)
