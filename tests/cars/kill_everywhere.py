"""
A program: calls a car's helper again and again, killed at its first step, at its second, and so on to the last.

    python -IB kill_everywhere.py HELPER SAVED ROOT ARGUMENT…

A step is whatever the interpreter audits: opening, renaming, making, removing, below ROOT. Before each try the car
below ROOT is brought back to what SAVED holds; after each, a line of JSON tells what is there, before and after
`recover`.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

STEPS = ("open", "os.", "shutil.", "ctypes.dlsym")
"""The interpreter's names of the events that touch files, and of the call that exchanges two names."""
helper, saved, root = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
arguments = sys.argv[4:]
text = compile(Path(helper).read_text(), helper, "exec")
for name in ("ctypes", "fcntl", "hashlib", "contextlib", "errno", "stat", "time"):
    __import__(name)


def is_step(event: str, found: tuple[object, ...]) -> bool:
    """Whether the event touches the car's files: modules that are imported do not."""
    if not event.startswith(STEPS) or event == "os.kill":
        return False
    path = os.fsdecode(found[0]) if found and isinstance(found[0], str | bytes) else ""
    return not path.startswith("/") or path.startswith(str(root))


def called(*call: str, kill_at: int | None = None) -> int:
    """Call it in a child, which dies before step `kill_at`; answers how the child ended."""
    child = os.fork()
    if child == 0:
        left = -1 if kill_at is None else kill_at

        def hook(event: str, found: tuple[object, ...]) -> None:
            nonlocal left
            if is_step(event, found):
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1

        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = [helper, *call]
        sys.addaudithook(hook)
        exec(text, {"__name__": "__main__"})
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def held(folder: Path) -> dict[str, str]:
    """Each model's folder, by what its files hold."""
    return {
        f"{path.parent.name}/{path.name}": path.read_text("latin-1")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


home = root / "opt/aws/deepracer"
number = 0
while True:
    shutil.rmtree(home)
    shutil.copytree(saved, home, symlinks=True)
    was_killed = called(*arguments, kill_at=number) == -signal.SIGKILL
    after_kill = held(home / "artifacts")
    recovered = called("recover")
    after_recover = held(home / "artifacts")
    rubbish = sorted(path.name for path in (home / ".trackside").iterdir() if path.name.startswith("."))
    again = called(*arguments)
    told = {
        "was_killed": was_killed,
        "after_kill": after_kill,
        "recovered": recovered,
        "after_recover": after_recover,
        "rubbish": rubbish,
        "again": again,
        "at_last": held(home / "artifacts"),
    }
    print(json.dumps(told), flush=True)
    if not was_killed:
        break
    number += 1
