"""What a killed test left goes at the next start, and what a living one has stays."""

import subprocess
import sys
from pathlib import Path

from tests.leftovers import clear_leftovers
from tests.timing.sshd import needs_root

MAKER = """
import os, subprocess, sys
name, pid = f"tp{os.getpid()}n1", os.getpid()
subprocess.run(["ip", "netns", "add", name], check=True)
subprocess.run(["mount", "-t", "tmpfs", f"trackside-test-{pid}", sys.argv[1]], check=True)
subprocess.Popen(["ip", "netns", "exec", name, "sleep", "600"], stdout=subprocess.DEVNULL)
print(name, flush=True)
sys.stdin.read()
"""


def spaces() -> list[str]:
    return subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout.split()


@needs_root
def test_leftovers_of_dead_processes_are_cleared_and_no_others(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as maker:
        assert maker.stdout is not None
        name = maker.stdout.readline().strip()
        clear_leftovers.__wrapped__()
        assert name in spaces()
        assert tmp_path.is_mount()
        maker.kill()
    clear_leftovers.__wrapped__()
    assert name not in spaces()
    assert not tmp_path.is_mount()
